"""`darlr evaluate`: the policy of a run, tested again."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from darlr.cli.files import form_of
from darlr.cli.options import WHOLE, DataDir, Device, RunPath, Threads, option

if TYPE_CHECKING:
    from darlr.report.rendering.table import Table
    from darlr.run.evaluating import ByMode


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
    from darlr.artifacts.files import encode_json, write_bytes  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.report.rendering.table import to_csv, to_markdown  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import evaluate_run, results_table  # noqa: PLC0415

    forms: dict[str, Callable[[Table, ByMode], str]] = {
        ".csv": lambda table, results: to_csv(table),
        ".md": lambda table, results: to_markdown(table),
        ".json": lambda table, results: encode_json(dict(results), str(output), indent=2) + "\n",
    }
    text = None if output is None else form_of(output, forms)
    results = evaluate_run(run, mode, policy, users, truth, seed, data_dir, compute_on(device, threads))
    table = results_table(run, results)
    print_table(table)
    if output is not None and text is not None:
        write_bytes(output, text(table, results).encode())
