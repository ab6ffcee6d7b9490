"""`darlr.promote`: let a new run serve, if it is not worse."""

from pathlib import Path

from darlr.api.dataset import Dataset
from darlr.api.run import Run
from darlr.run.devices import device_named
from darlr.run.promoting import MARGIN, Promotion, promote_run


def promote(
    run: Run | Path | str,
    to: Path | str,
    *,
    log: Path | str | None = None,
    margin: float = MARGIN,
    force: str | None = None,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | str | None = None,
) -> Promotion:
    """Let the pointer `to` point to a finished run, if that is not worse than the run that it points to (docs/retraining.md).

    The result says whether it was `moved`, and `why`.

    Args:
        run: the new run.
        to: the pointer, a file; made by the first promotion, which needs no rival.
        log: a folder with a newer log that judges both; None: the rows held out of the new run's log.
        margin: what may be lost, as a share of the served policy's value.
        force: a note that says why it is moved without a judge.
        seed: of the judge's resamples.
        device, data_dir: as in `darlr.train`.

    Raises:
        InputError: for a run that is not finished or damaged, a pointer whose run is gone, and a log that cannot judge.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    held: Dataset | None = run.dataset if isinstance(run, Run) else None
    places = (None if place is None else Path(place) for place in (log, data_dir))
    folder, data = places
    loaded = None if held is None else held.loaded
    return promote_run(path, Path(to), folder, margin, force, seed, data, device_named(device), lambda text: None, loaded)
