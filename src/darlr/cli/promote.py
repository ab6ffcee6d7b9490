"""`darlr promote`: replace the run that serves by a new one that is not worse."""

import sys
from pathlib import Path
from typing import Annotated

from darlr.cli.options import WHOLE, DataDir, Device, MovedTo, RunPath, Threads, option
from darlr.errors import RefusedError
from darlr.text import visible


def promote(
    run: RunPath,
    to: Annotated[Path, option("the pointer that is moved, a file beside the runs; made by the first promotion", "POINTER")],
    log: Annotated[
        Path | None, option("a newer log that judges both runs, a folder", "FOLDER", "the rows held out of the new run's log")
    ] = None,
    margin: Annotated[float, option("what may be lost, as a share of the served policy's value")] = 0.05,
    force: Annotated[str | None, option("move it without a judge, for this reason", "NOTE", "let the judge decide")] = None,
    seed: Annotated[int, WHOLE, option("of the judge's resamples")] = 0,
    dataset: MovedTo = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Point a pointer to a new run if it is not worse than the run that serves now; exit code 4 if it is not moved."""
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.evaluating import data_set_at  # noqa: PLC0415
    from darlr.run.promoting import promote_run  # noqa: PLC0415

    def notice(text: str) -> None:
        print(f"note: {visible(text)}", file=sys.stderr)

    place = compute_on(device, threads)
    loaded = None if dataset is None else data_set_at(run, dataset, data_dir)
    done = promote_run(run, to, log, margin, force, seed, data_dir, place, notice, loaded)
    if done.outcome == "refused":
        raise RefusedError(f"{to}: stays where it points; {done.run} is refused: {done.why}")
    print(f"{to} {'points' if done.moved else 'pointed already'} to {done.run}: {done.why}")
