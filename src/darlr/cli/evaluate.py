"""`darlr evaluate`: test the policy of a run again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from darlr.cli.files import form_of
from darlr.cli.options import WHOLE, DataDir, Device, MovedTo, RunPath, Threads, option
from darlr.errors import InputError

if TYPE_CHECKING:
    from darlr.report.rendering.table import Table


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
    log: Annotated[
        Path | None,
        option("a newer log in the folder format, to judge by instead of a truth", "FOLDER", "rows held out, without a truth"),
    ] = None,
    by_group: Annotated[
        str | None,
        option("feature of users by which held-out metrics are given, too", "FEATURE", "evaluation.by_group of the run"),
    ] = None,
    seed: Annotated[int, WHOLE, option("seed of users and sampled items")] = 0,
    output: Annotated[
        Path | None, option("write the tables to FILE, too (.md or .json), or the first one (.csv)", "FILE", "none")
    ] = None,
    dataset: MovedTo = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Test the policy of a run (the epoch that did best in the simulator) in any mode, for any number of users.

    Without a truth, or with --log, its value is estimated from logged rows, beside the static policies' (docs/judging.md).
    """
    from darlr.artifacts.files import encode_json, write_bytes  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.report.analysis.off_policy import judgement_tables  # noqa: PLC0415
    from darlr.report.analysis.user_groups import BY_GROUP, groups_table  # noqa: PLC0415
    from darlr.report.rendering.table import to_csv, to_markdown  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import OpenedRun, data_set_at, evaluate_opened, judge_opened, results_table  # noqa: PLC0415

    forms: dict[str, Callable[[Sequence[Table], Mapping[str, Any]], str]] = {
        ".csv": lambda tables, results: to_csv(tables[0]),
        ".md": lambda tables, results: "\n".join(map(to_markdown, tables)),
        ".json": lambda tables, results: encode_json(dict(results), str(output), indent=2) + "\n",
    }
    text = None if output is None else form_of(output, forms)
    place = compute_on(device, threads)
    loaded = None if dataset is None else data_set_at(run, dataset, data_dir)
    opened = OpenedRun.of(run, data_dir, place, loaded)
    if log is not None or (truth is None and not opened.has_truth):
        _require_unused(mode, policy, users, truth)
        results: Mapping[str, Any] = judge_opened(opened, log, seed, by_group)
        tables = judgement_tables(f"{run}, by the log alone", results)
        tables += [groups_table(f"{run}", [("policy", [results[BY_GROUP]])])] if BY_GROUP in results else []
    else:
        if by_group is not None:
            raise InputError("--by-group is given, but a truth judges the policy; expected a log to judge by, with --log")
        results = evaluate_opened(opened, mode, policy, users, truth, seed)
        tables = [results_table(run, results)]
    for table in tables:
        print_table(table)
    if output is not None and text is not None:
        write_bytes(output, text(tables, results).encode())


def _require_unused(mode: str, policy: str, users: int | None, truth: Path | None) -> None:
    """Refuse modes and drawn users, which have no meaning if a log judges single recommendations."""
    given = {"--mode": mode != "all", "--policy": policy != "both", "--users": users is not None, "--truth": truth is not None}
    for name, used in given.items():
        if used:
            raise InputError(f"{name} is given, but a log judges the policy; expected a truth with it, or none of it")
