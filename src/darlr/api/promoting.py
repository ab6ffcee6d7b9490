"""`darlr.promote`: let a new run serve if it is not worse."""

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
    """Point the pointer `to` to a finished run, if that run is not worse than the one that serves now (docs/retraining.md).

    Args:
        run: the new run.
        to: the pointer, a file. The first promotion makes it and needs no judge.
        log: a folder with a newer log, which judges both runs; None: the rows held out of the new run's log.
        margin: the loss that is tolerated, as a share of the served policy's value.
        force: a note that says why the pointer is moved without a judge.
        seed: the seed of the judge's resamples.
        device, data_dir: as in `darlr.train`.

    Returns:
        whether the pointer was `moved`, and `why`.

    Raises:
        InputError: for a run that is not finished or damaged, a pointer whose run is gone, and a log that cannot judge.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    held: Dataset | None = run.dataset if isinstance(run, Run) else None
    places = (None if place is None else Path(place) for place in (log, data_dir))
    folder, data = places
    loaded = None if held is None else held.loaded
    return promote_run(path, Path(to), folder, margin, force, seed, data, device_named(device), lambda text: None, loaded)
