"""What each command does with its options."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from darlr.config.loading import merge, parse_overrides, read_yaml
from darlr.errors import InputError

if TYPE_CHECKING:
    import torch

DataDir = Annotated[
    Path | None,
    tyro.conf.arg(metavar="FOLDER", help="data sets' folder (default: $DARLR_DATA, else the user's cache)"),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], tyro.conf.arg(help="where to compute; auto takes a GPU if there is one")]
Threads = Annotated[int, tyro.conf.arg(help="CPU threads; one a process is fastest on a busy machine")]
Overrides = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="set", metavar="KEY=VALUE", help="set a config key, as a2c.discount=0.95; may be repeated"),
    tyro.conf.UseAppendAction,
]
RunPath = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run folder")]


def train(
    dataset: Annotated[str | None, tyro.conf.arg(metavar="NAME", help="data set (default: synthetic)")] = None,
    method: Annotated[str | None, tyro.conf.arg(metavar="NAME", help="method (default: dorl)")] = None,
    seed: Annotated[int | None, tyro.conf.arg(help="seed of everything random (default: 0)")] = None,
    epochs: Annotated[int | None, tyro.conf.arg(help="epochs of learning (default: 200)")] = None,
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="settings in YAML; options go before them")] = None,
    overrides: Overrides = (),
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER", help="where results go")] = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Train a policy and test it after every epoch; the same command resumes a run that was stopped."""
    from darlr.cli.monitor import TerminalMonitor  # noqa: PLC0415
    from darlr.experiment.run import train as run  # noqa: PLC0415

    values = _settings(config, overrides, {"dataset": dataset, "method": method, "seed": seed}, epochs)
    with TerminalMonitor() as monitor:
        finished = run(values, data_dir, out, _device(device, threads), monitor)
        monitor.finished(finished)


def evaluate(
    run: RunPath,
    mode: Annotated[Literal["all", "nx_0", "fb", "nx_10"], tyro.conf.arg(help="test mode (protocol section 3)")] = "all",
    policy: Annotated[Literal["both", "sampled", "greedy"], tyro.conf.arg(help="how items are chosen")] = "both",
    users: Annotated[
        int | None, tyro.conf.arg(metavar="N", help="users drawn with replacement (default: every user once)")
    ] = None,
    truth: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FOLDER", help="another truth, in the folder format; its users and items must be the log's"),
    ] = None,
    seed: Annotated[int, tyro.conf.arg(help="seed of users and sampled items")] = 0,
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="write the table to FILE (.csv, .md or .json)")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Test the policy of a run (the epoch that did best in the simulator) in any mode, for any number of users."""
    from darlr.cli.monitor import print_table, write_table  # noqa: PLC0415
    from darlr.experiment.evaluating import evaluate_run, results_table  # noqa: PLC0415

    results = evaluate_run(run, mode, policy, users, truth, seed, data_dir, _device(device, threads))
    table = results_table(run, results)
    print_table(table)
    if output is not None:
        write_table(output, table, results)


def recommend(
    run: RunPath,
    users: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID", help="raw user ids of the log (default: all of them)")] = (),
    input: Annotated[  # noqa: A002
        Path | None,
        tyro.conf.arg(metavar="FILE", help="CSV with user_id,item_id,reward, or JSON; recent items, oldest first"),
    ] = None,
    count: Annotated[int, tyro.conf.arg(help="items for each user")] = 10,
    format: Annotated[Literal["csv", "json"], tyro.conf.arg(help="of what is printed or written")] = "csv",  # noqa: A002
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="write to FILE instead of printing")] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Rank items for users of the log, or for new users by their recent items and rewards."""
    from darlr.artifacts import write_bytes  # noqa: PLC0415
    from darlr.cli.requests import format_answers, read_requests, requests_for  # noqa: PLC0415
    from darlr.recommender import Recommender  # noqa: PLC0415

    if users and input is not None:
        raise InputError("give users by --users or by --input, not both")
    recommender = Recommender.load(run, _device(device, threads))
    known = recommender.user_ids
    requests = read_requests(input, known, recommender.item_ids) if input is not None else requests_for(users, known)
    text = format_answers(requests, recommender.recommend(requests, count), format)
    if output is None:
        print(text, end="")
    else:
        write_bytes(output, text.encode())


def datasets(data_dir: DataDir = None) -> None:
    """List the data sets that are here, and what is missing of the others and where to get it."""
    from darlr.cli.monitor import print_table  # noqa: PLC0415
    from darlr.data.sources import available, data_directory  # noqa: PLC0415
    from darlr.report.table import Table  # noqa: PLC0415

    rows = tuple(
        (
            entry.name,
            "here" if entry.present else "missing: " + (", ".join(entry.missing) or "unusable"),
            entry.description,
            "" if entry.present or entry.folder is None else f"from {entry.origin} into {entry.folder}",
        )
        for entry in available(data_dir)
    )
    print_table(Table(f"data sets in {data_directory(data_dir)}", ("name", "files", "what", "where to get it"), rows))


def check(
    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME", help="data set, or a folder")],
    data_dir: DataDir = None,
) -> None:
    """Read a data set, validate it, and print what it holds."""
    from darlr.cli.monitor import print_table  # noqa: PLC0415
    from darlr.config.schema import ExperimentConfig  # noqa: PLC0415
    from darlr.data.sources import load  # noqa: PLC0415
    from darlr.data.statistics import describe  # noqa: PLC0415
    from darlr.report.table import Table  # noqa: PLC0415

    loaded = load(ExperimentConfig(dataset=dataset), data_dir)
    print_table(Table(f"{loaded.dataset.name}: read and valid", ("what", "value"), describe(loaded)))


def _settings(file: Path | None, overrides: tuple[str, ...], options: dict[str, Any], epochs: int | None) -> dict[str, Any]:
    """Settings of the file, then of `--set`, then of the options that were given; the later win over the file alone."""
    chosen = parse_overrides(overrides)
    given = {key: value for key, value in options.items() if value is not None}
    twice = sorted(given.keys() & chosen.keys())
    if twice:
        raise InputError(f"'{twice[0]}' is given both by --{twice[0]} and by --set; expected it once")
    if epochs is not None:
        if "epochs" in chosen.get("training", {}):
            raise InputError("'training.epochs' is given both by --epochs and by --set; expected it once")
        given["training"] = {"epochs": epochs}
    values = read_yaml(file) if file is not None else {}
    return merge(merge(values, chosen), given)


def _device(name: str, threads: int) -> "torch.device":
    import torch  # noqa: PLC0415

    if threads < 1:
        raise InputError(f"--threads is {threads}; expected at least 1")
    torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device is 'cuda', but torch finds no GPU here; expected 'cpu' or 'auto'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
