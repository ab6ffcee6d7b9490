"""`darlr evaluate`: the policy of a run, tested again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from darlr.cli.files import form_of
from darlr.cli.options import WHOLE, DataDir, Device, RunPath, Threads, option
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
    seed: Annotated[int, WHOLE, option("seed of users and sampled items")] = 0,
    output: Annotated[Path | None, option("write the table to FILE, too (.csv, .md or .json)", "FILE", "none")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Test the policy of a run (the epoch that did best in the simulator) in any mode, for any number of users.

    Without a truth, or with --log, its value is estimated from logged rows, beside the static policies' (docs/judging.md).
    """
    from darlr.artifacts.files import encode_json, write_bytes  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.report.analysis.off_policy import judgement_table  # noqa: PLC0415
    from darlr.report.rendering.table import to_csv, to_markdown  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import OpenedRun, evaluate_opened, judge_opened, results_table  # noqa: PLC0415

    forms: dict[str, Callable[[Table, Mapping[str, Any]], str]] = {
        ".csv": lambda table, results: to_csv(table),
        ".md": lambda table, results: to_markdown(table),
        ".json": lambda table, results: encode_json(dict(results), str(output), indent=2) + "\n",
    }
    text = None if output is None else form_of(output, forms)
    place = compute_on(device, threads)
    opened = OpenedRun.of(run, data_dir, place)
    if log is not None or (truth is None and not opened.has_truth):
        _require_unused(mode, policy, users, truth)
        results: Mapping[str, Any] = judge_opened(opened, log, seed)
        table = judgement_table(f"{run}, by the log alone", results)
    else:
        results = evaluate_opened(opened, mode, policy, users, truth, seed)
        table = results_table(run, results)
    print_table(table)
    if output is not None and text is not None:
        write_bytes(output, text(table, results).encode())


def _require_unused(mode: str, policy: str, users: int | None, truth: Path | None) -> None:
    """A log judges single recommendations, so modes and users drawn mean nothing."""
    given = {"--mode": mode != "all", "--policy": policy != "both", "--users": users is not None, "--truth": truth is not None}
    for name, used in given.items():
        if used:
            raise InputError(f"{name} is given, but a log judges the policy; expected a truth with it, or none of it")
