"""What each command does with its options."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from darlr.cli.options import WHOLE, DataDir, Device, Out, Overrides, RunPath, Threads, option
from darlr.config.experiment import ExperimentConfig, TrainingConfig
from darlr.config.loading import from_mapping, merge, parse_overrides, read_yaml
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config


def train(
    dataset: Annotated[str | None, option("data set, or a folder", "NAME", ExperimentConfig.dataset)] = None,
    method: Annotated[str | None, option("method", "NAME", ExperimentConfig.method)] = None,
    seed: Annotated[int | None, WHOLE, option("seed of everything random", default=f"{ExperimentConfig.seed}")] = None,
    epochs: Annotated[int | None, WHOLE, option("epochs of learning", default=f"{TrainingConfig.epochs}")] = None,
    config: Annotated[Path | None, option("settings in YAML; options go before them", "FILE", "none")] = None,
    overrides: Overrides = (),
    tensorboard: Annotated[
        bool, option("write every number to TensorBoard's event files, too, in the run folder"), tyro.conf.FlagCreatePairsOff
    ] = False,
    out: Out = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Train a policy and test it after every epoch; the same command resumes a run that was stopped."""
    from darlr.cli.monitor import TerminalMonitor  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.event_files import require_tensorboard  # noqa: PLC0415
    from darlr.run.training import train as run  # noqa: PLC0415

    if tensorboard:
        require_tensorboard()
    values = settings_of(config, overrides, {"dataset": dataset, "method": method, "seed": seed}, epochs)
    with TerminalMonitor() as monitor:
        finished = run(values, data_dir, out, compute_on(device, threads), monitor, tensorboard)
        monitor.finished(finished)


def evaluate(
    run: RunPath,
    mode: Annotated[
        Literal["all", "nx_0", "fb", "nx_10"], option("nx_0: no repeats; fb: with repeats; nx_10: ten steps, nobody leaves")
    ] = "all",
    policy: Annotated[Literal["both", "sampled", "greedy"], option("how items are chosen")] = "both",
    users: Annotated[int | None, WHOLE, option("how many users to draw, with replacement", "N", "every user once")] = None,
    truth: Annotated[
        Path | None,
        option("another truth, in the folder format; its users and items must be the log's", "FOLDER", "the data set's own"),
    ] = None,
    seed: Annotated[int, WHOLE, option("seed of users and sampled items")] = 0,
    output: Annotated[Path | None, option("write the table to FILE, too (.csv, .md or .json)", "FILE", "none")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Test the policy of a run (the epoch that did best in the simulator) in any mode, for any number of users."""
    from darlr.cli.tables import print_table, table_writer  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import evaluate_run, results_table  # noqa: PLC0415

    write = None if output is None else table_writer(output)
    results = evaluate_run(run, mode, policy, users, truth, seed, data_dir, compute_on(device, threads))
    table = results_table(run, results)
    print_table(table)
    if write is not None:
        write(table, results)


def recommend(
    run: RunPath,
    users: Annotated[
        tuple[tuple[str, ...], ...],
        option(
            "raw user ids of the log; with the default settings a policy sees recent items and rewards alone, so users without "
            "them all get the same list (train with --set tracker.user_state=true or policy.prior_weight=1 for one each)",
            "ID",
            "all of them",
        ),
        tyro.conf.UseAppendAction,
    ] = (),
    input: Annotated[  # noqa: A002
        Path | None, option("CSV with user_id,item_id,reward, or JSON; recent items, oldest first", "FILE", "none")
    ] = None,
    count: Annotated[int, WHOLE, option("items for each user")] = 10,
    format: Annotated[Literal["csv", "json"], option("of what is printed or written")] = "csv",  # noqa: A002
    output: Annotated[Path | None, option("write to FILE", "FILE", "print")] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Rank items for users of the log, or for new users by their recent items and rewards."""
    from darlr.artifacts import write_bytes  # noqa: PLC0415
    from darlr.cli.requests import format_answers, read_requests, requests_for  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.serving.recommender import Recommender  # noqa: PLC0415

    named = [user for group in users for user in group]
    if named and input is not None:
        raise InputError("give users by --users or by --input, not both")
    recommender = Recommender.load(run, compute_on(device, threads))
    known = recommender.user_ids
    requests = read_requests(input, known, recommender.item_ids) if input is not None else requests_for(named, known)
    text = format_answers(requests, recommender.recommend(requests, count), format)
    if left_out := recommender.left_out(requests):
        what = f"{len(left_out)} of the recent items, as {left_out[0]}, cannot be recommended by this policy"
        print(f"note: {what}, and are left out of the histories", file=sys.stderr)
    if output is None:
        print(text, end="")
    else:
        write_bytes(output, text.encode())


def datasets(data_dir: DataDir = None) -> None:
    """List the data sets that are here with their licences, and what is missing of the others and where to get it."""
    from darlr.cli.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import SOURCES, available, data_directory  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415

    command = {name: f"darlr fetch {name}, or from" for name in SOURCES}
    rows = tuple(
        (
            entry.name,
            "here" if entry.present else "missing: " + (", ".join(entry.missing) or "unusable"),
            f"{entry.description} (licence: {entry.licence})" if entry.licence else entry.description,
            ""
            if entry.present or entry.folder is None
            else f"{command.get(entry.name, 'from')} {entry.origin} into {entry.folder}",
        )
        for entry in available(data_dir)
    )
    print_table(Table(f"data sets in {data_directory(data_dir)}", ("name", "files", "what", "where to get it"), rows))


def fetch(
    dataset: Annotated[
        str | None, tyro.conf.Positional, option("data set", "NAME", "list what there is, its size and licence")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Download a data set's files, or go on with a download that was stopped; files that are here are verified."""
    from darlr.cli.fetching import fetch_source, list_fetchable  # noqa: PLC0415

    if dataset is None:
        list_fetchable(data_dir)
    else:
        fetch_source(dataset, data_dir)


def check(
    dataset: Annotated[str, tyro.conf.Positional, option("data set, or a folder", "NAME")],
    overrides: Overrides = (),
    data_dir: DataDir = None,
) -> None:
    """Read a data set, validate it, and print what it holds; of a known one also beside what is published of it."""
    from darlr.cli.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import SOURCES, load  # noqa: PLC0415
    from darlr.data.statistics import beside_published, describe  # noqa: PLC0415
    from darlr.report.rendering.table import Table  # noqa: PLC0415

    config = experiment_config(settings_of(None, overrides, {"dataset": dataset}, None))
    loaded = load(config, data_dir, lambda text: print(f"note: {text}", file=sys.stderr))
    print_table(Table(f"{loaded.dataset.name}: read and valid", ("what", "value"), describe(loaded)))
    if (source := SOURCES.get(dataset)) is None:
        return
    if rows := beside_published(source, loaded):
        print_table(Table("beside what is published", ("what", "ours", "published"), rows))
    if deviations := source.deviations(loaded):
        raise InputError(f"data set '{dataset}' is not as published: {'; '.join(deviations)}")


def complete(
    dataset: Annotated[str, tyro.conf.Positional, option("data set that publishes no truth, or coat", "NAME")],
    overrides: Annotated[
        tuple[str, ...],
        tyro.conf.arg(name="set", metavar="KEY=VALUE", help="set a config key, as completion.factors=[10,20]"),
        tyro.conf.UseAppendAction,
    ] = (),
    data_dir: DataDir = None,
) -> None:
    """Complete a truth from the ratings of randomly drawn items; runs find it by the files it was made from."""
    from darlr.cli.completing import complete_named  # noqa: PLC0415

    complete_named(dataset, overrides, data_dir)


def settings_of(file: Path | None, overrides: tuple[str, ...], options: dict[str, Any], epochs: int | None) -> dict[str, Any]:
    """Settings of the file, then of `--set`, then of the options that were given; the later win over the file alone."""
    values = read_yaml(file) if file is not None else {}
    chosen = parse_overrides(overrides)
    given = {key: value for key, value in options.items() if value is not None}
    twice = sorted(given.keys() & chosen.keys())
    if twice:
        raise InputError(f"'{twice[0]}' is given both by --{twice[0]} and by --set; expected it once")
    if epochs is not None:
        for settings in (values, chosen):  # what is no mapping would give way to the epochs unseen
            from_mapping(TrainingConfig, settings.get("training", {}), prefix="training.")
        if "epochs" in chosen.get("training", {}):
            raise InputError("'training.epochs' is given both by --epochs and by --set; expected it once")
        given["training"] = {"epochs": epochs}
    return merge(merge(values, chosen), given)
