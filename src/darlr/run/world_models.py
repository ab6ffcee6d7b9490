"""World models on disk: each is fitted once and shared by all runs that need the same one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from darlr._version import __version__
from darlr.artifacts.locks import sole_writer
from darlr.artifacts.schema import Keys, number, optional, require, require_finite, restoring, text
from darlr.artifacts.tensors import read_tensors, write_tensors
from darlr.cluster.workers import HERE, Workers
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import stable_hash, to_mapping
from darlr.data.dataset import Dataset
from darlr.errors import InputError, RunError
from darlr.evaluation.opponents import Factors, ListFactors
from darlr.methods.ways import Ways
from darlr.run.fit_checkpoints import StoredCheckpoint
from darlr.world_model.continuing import Former
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.kinds import DEEPFM, FACTORS, WORLD_MODELS
from darlr.world_model.model import WorldModel
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import FitMonitor

WORLD_MODEL = "world_model"
"""The name of the copy in a run folder."""
_SELECTION = Keys({"exponent": number, "reason": text})
STATE = Keys({"fit": Keys({}, {"held_out_ranking": optional(number), "selection": _SELECTION})}, {"kind": text})
"""A check of the plain values that are stored with any world model's tensors."""


def world_model_path(out: Path, config: ExperimentConfig, dataset: Dataset, starts_from: str | None = None) -> Path:
    """Return the file of the world model of `config` on `dataset` below the results folder `out`.

    Args:
        out: the results folder.
        config: the run's settings.
        dataset: the data to learn from.
        starts_from: the fingerprint of the run whose world model its fit starts from.
    """
    key = stable_hash(
        {
            "darlr": __version__,
            "world_model": to_mapping(config.world_model),
            **{section.KEY: to_mapping(config.own(section)) for section in WORLD_MODELS[config.world_model.kind].reads},
            "data": dict(dataset.hashes),
            "reading": to_mapping(config.data),
            "rows": len(dataset.log),
            # Other rows are then learned from; the seed decides which ones a random split leaves.
            **({} if (split := config.evaluation.split) == "random" else {"split": split}),
            "reference_quirks": config.reference_quirks,
            **({} if starts_from is None else {"starts_from": starts_from}),
        }
    )
    return out / dataset.name / "world-models" / f"{key}-s{config.seed}.safetensors"


def obtain_world_model(
    path: Path,
    config: ExperimentConfig,
    dataset: Dataset,
    ways: Ways,
    device: torch.device,
    monitor: FitMonitor | None,
    notice: Callable[[str], None],
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[WorldModel, dict[str, Any]]:
    """The world model at `path`, fitted and written there if it is missing, and the report of its fit.

    If several processes need it, one fits it and the others wait; `notice` receives a line about that. A stopped fit
    resumes from its checkpoint, if its kind of world model has one.

    Args:
        path: file of the world model.
        config: the settings.
        dataset: training data.
        ways: darlr's or the references' way of fitting.
        device: device of the model.
        monitor: receives the progress of the fit, or None.
        notice: receives messages that the user should see.
        former: a world model of a former log, which the fit starts from.
        workers: share in the fit, if the kind of world model supports it.

    Returns:
        The model, and its `FitReport` as a mapping.
    """
    if not path.is_file():
        with sole_writer(path, lambda: notice("another process fits the same world model: waiting for it")):
            if not path.is_file():
                checkpoint = StoredCheckpoint(path)
                kind = WORLD_MODELS[config.world_model.kind]
                fit = ways.fit(config, checkpoint, workers)
                if former is not None:
                    fit = kind.starting_from(former, checkpoint, workers)
                model, report = fit(dataset, config, device, monitor)
                save_world_model(path, config.world_model.kind, model, report)
                checkpoint.remove()
                if "why" in report:
                    notice(f"world model: {report['why']}")
                return model, report
    return load_world_model(path, device)


def save_world_model(path: Path, kind: str, model: WorldModel, report: dict[str, Any]) -> None:
    """Write a fitted model, its kind (or the one that its fit chose), and figures about its fit."""
    write_tensors(path, model.tensors(), {**model.state(), "kind": report.get("kind", kind), "fit": report})


def load_world_model(path: Path, device: torch.device) -> tuple[WorldModel, dict[str, Any]]:
    """Load a world model, and figures about its fit.

    Raises:
        InputError: for a missing, truncated or edited file, and for one that describes no world model.
    """
    tensors, state = read_tensors(path)
    require(state, STATE, str(path))
    with restoring(path):
        kind = WORLD_MODELS[state.get("kind", DEEPFM.name)]  # files of darlr 0.1 lack it
        require_finite(tensors)
        return kind.restore(tensors, state, device), state["fit"]


def list_factors(
    out: Path,
    config: ExperimentConfig,
    dataset: Dataset,
    device: torch.device,
    notice: Callable[[str], None],
    own: tuple[WorldModel, Mapping[str, Any]] | None = None,
    workers: Workers = HERE,
) -> Factors:
    """The factor model behind the lists that are reported beside every method, fitted once for a data set and a seed below
    `out`.

    It is the run's own world model if that is a factor model. If the log does not allow a fit, `notice` receives the
    reason. Calling the result raises `InputError` if the file is damaged.

    Args:
        out: the results folder.
        config: the settings.
        dataset: training data.
        device: device of the model.
        notice: receives messages that the user should see.
        own: the world model of a run that started from another run, and the report of its fit; used if it is a factor model.
        workers: share in a fit.
    """
    if own is not None and isinstance(own[0], FactorModel):
        own_factors = ListFactors(own[0], own[1]["activity_exponent"])
        return lambda: own_factors
    settings = config.world_model if config.world_model.kind == FACTORS.name else WorldModelConfig(kind=FACTORS.name)
    asked = replace(config, world_model=settings, reference_quirks=False)

    @cache
    def obtain() -> ListFactors | None:
        path = world_model_path(out, asked, dataset)
        try:
            model, report = obtain_world_model(path, asked, dataset, Ways(), device, None, notice, workers=workers)
        except InputError as error:
            if path.is_file():  # damaged after the fit, so the log is not at fault
                raise
            notice(f"no lists of a factor model are shown: {error}")
            return None
        if not isinstance(model, FactorModel):
            raise RunError(f"{path}: holds a {type(model).__name__}; expected a FactorModel")
        require(report, Keys({"activity_exponent": number}), str(path))
        return ListFactors(model, report["activity_exponent"])

    return obtain
