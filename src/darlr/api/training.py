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
from darlr.run.loggers.kinds import wished
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
    mlflow: bool = False,
    wandb: bool = False,
    warm_start: Run | Path | str | None = None,
    ray: str | None = None,
    settings: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Run:
    """Train a policy and test it after every epoch. Repeat the same call to resume a run that was stopped.

    Nothing is printed unless `monitor` or `progress` asks for it; `Run.notices` holds the notices for the user.

    Args:
        dataset: a `darlr.Dataset`, or the name or folder of one.
        method: the method's name, as in docs/methods; None: "darlr".
        seed: the seed of all random numbers; None: 0.
        epochs: the number of epochs of learning; None: as the settings say.
        out: the folder of results; the run's folder lies in `out`/<data set>/<method>/.
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        data_dir: the folder of named data sets; None: `$DARLR_DATA`, else `darlr` in the user's cache folder.
        monitor: an object that is told about progress.
        progress: whether to show progress bars, in a terminal or a notebook.
        tensorboard: whether the run's numbers are written as event files, too (extra `tb`).
        mlflow: whether they are logged to MLflow, too (extra `mlflow`; docs/metrics.md).
        wandb: whether they are logged to Weights & Biases, too (extra `wandb`).
        warm_start: a finished run whose world model and policy this one starts from, and whose settings it has where none are
            given (docs/retraining.md).
        ray: HOST:PORT of a Ray cluster whose nodes share in the fits of world models and, with `training.groups`, in
            roll-outs; or "auto" for the cluster of this machine (extra `ray`, docs/scaling.md). No number depends on it.
        settings, sections: any setting, by dotted keys or nested: settings={"a2c.discount": 0.95}, a2c={"discount": 0.95}.

    Raises:
        InputError: for a data set, a method or a setting that cannot be used; nothing is written then.
        RunError: if the run cannot continue, for example because a loss is not finite or the disk is full.
    """
    loggers = wished(tensorboard=tensorboard, mlflow=mlflow, wandb=wandb)
    values = gathered(settings, sections, {"method": method, "seed": seed, "training.epochs": epochs})
    place = device_named(device_beside(ray, device))
    with listening(monitor, progress) as listener, workers_at(ray) as workers:
        former = None
        if warm_start is not None:
            former = WarmStart.of(warm_start.path if isinstance(warm_start, Run) else Path(warm_start), place)
            values = former.defaults(values, None if isinstance(dataset, Dataset) else str(dataset))
        placed, loaded = placed_on(dataset, values, data_dir, listener.notice)
        finished = train_on(loaded, placed, Path(out), place, listener, loggers, former, workers)
    held = dataset if isinstance(dataset, Dataset) else Dataset(placed, loaded)
    return Run(finished.path, held, tuple(listener.notices))


@dataclass(frozen=True)
class FittedWorldModel:
    """A fitted world model: predicts the reward that a user would give an item, and how certain the prediction is.

    Attributes:
        path: its file; runs with the same data, settings and seed reuse it.
        fit: figures about the fit.
        user_ids, item_ids: raw ids of the log's users (U,) and items (I,).
        model: the model as the layers below use it.
        device: the device that computes.
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
        """Predict all pairs of `users` and `items` (raw ids; None: all of the log's).

        Returns:
            two (n, m) arrays: the estimates in the log's reward units, and variances in those units squared.

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
    """Fit the world model that `train` with the same arguments would fit, or load it from `out` if it is there.

    The arguments and errors are those of `train`; the settings that matter here are `world_model={...}`.
    """
    place = device_named(device)
    placed, loaded = placed_on(dataset, gathered(settings, sections, {"method": method, "seed": seed}), data_dir)
    specified = SpecifiedRun.of(placed, loaded)
    path, config = specified.world_model_path(Path(out)), specified.config
    with listening(monitor, progress) as listener:
        model, fit = obtain_world_model(path, config, specified.dataset, ways_of(config), place, listener, listener.notice)
    log = specified.dataset.log
    return FittedWorldModel(path, fit, log.user_ids, log.item_ids, model, place)
