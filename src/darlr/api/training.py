"""`darlr.train` and `darlr.fit_world_model`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.api.arguments import DatasetLike, gathered, placed_on
from darlr.api.dataset import Dataset
from darlr.api.monitors import listening
from darlr.api.run import Run
from darlr.cluster.spread import device_beside, workers_at
from darlr.data.ids import KnownIds
from darlr.data.log import Ids
from darlr.errors import InputError
from darlr.run.choosing import ways_of
from darlr.run.devices import device_named
from darlr.run.specification import SpecifiedRun
from darlr.run.training import Monitor, train_on
from darlr.run.warm_start import WarmStart
from darlr.run.world_models import obtain_world_model
from darlr.text import brief
from darlr.world_model.model import WorldModel


def train(
    dataset: DatasetLike,
    method: str | None = None,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    out: Path | str = Path("runs"),
    device: str = "auto",
    data_dir: Path | str | None = None,
    monitor: Monitor | None = None,
    progress: bool = False,
    tensorboard: bool = False,
    warm_start: Run | Path | str | None = None,
    ray: str | None = None,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Run:
    """Train a policy and test it after every epoch; the same call goes on with a run that was stopped.

    Nothing is printed unless `monitor` or `progress` asks for it; what should be known of the run is in `Run.notices`.

    Args:
        dataset: a `darlr.Dataset`, or the name or folder of one.
        method: its name, as in docs/methods; None: "darlr".
        seed: of everything random; None: 0.
        epochs: of learning; None: as many as the settings say.
        out: the folder of results; the run's lies in `out`/<data set>/<method>/.
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        data_dir: where named data sets lie; None: `$DARLR_DATA`, else `darlr` in the user's cache folder.
        monitor: is told how the run gets on.
        progress: whether to show progress bars, in a terminal or a notebook.
        tensorboard: whether the run's numbers are written as event files, too (extra `tb`).
        warm_start: a finished run whose world model and policy this one starts from, and whose settings it has where none are
            given (docs/retraining.md).
        ray: HOST:PORT of a Ray cluster whose nodes share in the fits of world models, or "auto" for the one of this machine
            (extra `ray`, docs/scaling.md). No number depends on it.
        settings, sections: any setting, by dotted keys or nested: settings={"a2c.discount": 0.95}, a2c={"discount": 0.95}.

    Raises:
        InputError: for a data set, a method or a setting that cannot be used; nothing is written then.
        RunError: if the run cannot go on (a loss that is not finite, a full disk).
    """
    values = gathered(settings, sections, {"method": method, "seed": seed, "training.epochs": epochs})
    place = device_named(device_beside(ray, device))
    with listening(monitor, progress) as listener, workers_at(ray) as workers:
        former = None
        if warm_start is not None:
            former = WarmStart.of(warm_start.path if isinstance(warm_start, Run) else Path(warm_start), place)
            values = former.defaults(values, None if isinstance(dataset, Dataset) else str(dataset))
        placed, loaded = placed_on(dataset, values, data_dir, listener.notice)
        finished = train_on(loaded, placed, Path(out), place, listener, tensorboard, former, workers)
    held = dataset if isinstance(dataset, Dataset) else Dataset(placed, loaded)
    return Run(finished.path, held, tuple(listener.notices))


@dataclass(frozen=True)
class FittedWorldModel:
    """A world model in a user's hands: what a user would give an item, and how sure that is.

    Attributes:
        path: where it lies; runs of the same data, settings and seed take it from there.
        fit: how the fit went.
        user_ids, item_ids: raw ids of the log's users (U,) and items (I,).
        model: what the layers below work with.
    """

    path: Path
    fit: Mapping[str, Any]
    user_ids: Ids
    item_ids: Ids
    model: WorldModel
    device: torch.device

    def predict(
        self, users: Sequence[Any] | None = None, items: Sequence[Any] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimates and uncertainties of all pairs of `users` and `items` (raw ids; None: all of the log's).

        Returns:
            two (n, m) arrays: the estimates in the log's reward units, and variances in their square.

        Raises:
            InputError: for an id that the log does not have.
        """
        rows = _indices(self.user_ids, users, "user", self.device)
        columns = _indices(self.item_ids, items, "item", self.device)
        estimates, uncertainty = self.model.predict(rows, columns)
        return estimates.cpu().numpy(), uncertainty.cpu().numpy()


def _indices(ids: Ids, chosen: Sequence[Any] | None, noun: str, device: torch.device) -> torch.Tensor:
    if chosen is None:
        return torch.arange(len(ids), device=device)
    known = KnownIds(ids)
    places = [known.find(raw) for raw in chosen]
    for raw, place in zip(chosen, places, strict=True):
        if place is None:
            raise InputError(f"unknown {noun} {brief(raw)}; expected an id of the log{known.hint(raw)}")
    return torch.tensor(places, dtype=torch.int64, device=device)


def fit_world_model(
    dataset: DatasetLike,
    *,
    method: str = "darlr",
    seed: int = 0,
    out: Path | str = Path("runs"),
    device: str = "auto",
    data_dir: Path | str | None = None,
    monitor: Monitor | None = None,
    progress: bool = False,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> FittedWorldModel:
    """Fit the world model that `train` with the same arguments would fit, or take it from `out` if it is there.

    Args and errors: as those of `train`; `world_model={...}` are the settings that count here.
    """
    place = device_named(device)
    placed, loaded = placed_on(dataset, gathered(settings, sections, {"method": method, "seed": seed}), data_dir)
    specified = SpecifiedRun.of(placed, loaded)
    path, config = specified.world_model_path(Path(out)), specified.config
    with listening(monitor, progress) as listener:
        model, fit = obtain_world_model(path, config, specified.dataset, ways_of(config), place, listener, listener.notice)
    log = specified.dataset.log
    return FittedWorldModel(path, fit, log.user_ids, log.item_ids, model, place)
