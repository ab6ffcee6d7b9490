"""The kinds of world models: darlr's own, and those that others register (`world_model.kind`)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.registry import Registry
from darlr.seeding import torch_generator
from darlr.world_model.causal import CausalConfig, CausalModel, fit_causal
from darlr.world_model.comparing import compare
from darlr.world_model.continuing import Former
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import is_implicit
from darlr.world_model.factors.settings import FactorSettings, SelectionConfig
from darlr.world_model.fitting import fit_world_model, held_out_rows, resolve_fit, unlogged_reward
from darlr.world_model.model import WorldModel
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import FitCheckpoint, FitMonitor

Fit = Callable[[Dataset, ExperimentConfig, torch.device, FitMonitor | None], tuple[WorldModel, dict[str, Any]]]
"""(dataset, the run's settings, device, monitor) -> the model, and figures about the fit as plain values."""


def _as_set(config: WorldModelConfig, dataset: Dataset) -> WorldModelConfig:
    return config


@dataclass(frozen=True)
class WorldModelKind:
    """A kind of world model.

    Attributes:
        name: the value of `world_model.kind`.
        summary: one line.
        fit: fits it on a log. A kind that lets the log choose another kind reports the chosen name as `kind`, and one line
            of explanation as `why`.
        restore: (tensors, state, device) -> the model that `tensors()` and `state()` described.
        resolve: fills in the settings that depend on the log; raises `InputError` for a log that cannot be fitted.
        reads: the sections of settings that it reads beside `world_model`.
        uncertain: whether it has an uncertainty that can be penalised, under its settings.
        fit_from: given a checkpoint, the `fit` that goes on from it and keeps it up to date; None: a stopped fit begins anew.
        fit_after: given a model of this kind that was fitted on a former log, and a checkpoint as above, the `fit` that starts
            from it; None: there is no such fit.
        space: what `darlr tune --space world-model` searches.
        unlogged: the reward assumed for pairs outside the log, if it learns from them, else None.
        spreads: whether its fits take the argument `workers` (`darlr.cluster.workers`); they share the work.
    """

    name: str
    summary: str
    fit: Fit
    restore: Callable[[Mapping[str, Tensor], Mapping[str, Any], torch.device], WorldModel]
    resolve: Callable[[WorldModelConfig, Dataset], WorldModelConfig] = _as_set
    reads: tuple[type[Section], ...] = ()
    uncertain: Callable[[WorldModelConfig], bool] = lambda config: True
    fit_from: Callable[[FitCheckpoint], Fit] | None = None
    fit_after: Callable[[Former, FitCheckpoint | None], Fit] | None = None
    space: Mapping[str, Any] = field(default_factory=dict)
    unlogged: Callable[[WorldModelConfig, Dataset], float | None] = lambda config, dataset: None
    spreads: bool = False

    def going_on(self, checkpoint: FitCheckpoint | None, workers: Workers = HERE) -> Fit:
        """Return the function that fits it.

        Args:
            checkpoint: the state to resume from, if the kind supports it.
            workers: share in the fit, if the kind supports it.
        """
        fit = self.fit if checkpoint is None or self.fit_from is None else self.fit_from(checkpoint)
        return self._by(workers, fit)

    def starting_from(self, former: Former, checkpoint: FitCheckpoint | None, workers: Workers = HERE) -> Fit:
        """Return the function that fits it on a log that has changed since `former` was fitted.

        Raises:
            InputError: if the kind cannot start from another model.
        """
        if self.fit_after is None:
            raise InputError(f"a world model of the kind '{self.name}' cannot start from another one; expected no warm start")
        return self._by(workers, self.fit_after(former, checkpoint))

    def _by(self, workers: Workers, fit: Fit) -> Fit:
        spread: Callable[..., tuple[WorldModel, dict[str, Any]]] = fit
        return partial(spread, workers=workers) if self.spreads else fit


def _fit_deepfm(
    dataset: Dataset,
    config: ExperimentConfig,
    device: torch.device,
    monitor: FitMonitor | None,
    checkpoint: FitCheckpoint | None = None,
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[WorldModel, dict[str, Any]]:
    model, report = fit_world_model(dataset, config.world_model, config.seed, device, monitor, checkpoint, former, workers)
    return model, asdict(report)


def _resolve_deepfm(config: WorldModelConfig, dataset: Dataset) -> WorldModelConfig:
    return resolve_fit(config, dataset)


DEEPFM = WorldModelKind(
    "deepfm",
    "an ensemble of DeepFM networks, each with a mean and a variance",
    _fit_deepfm,
    EnsembleModel.restore,
    _resolve_deepfm,
    uncertain=lambda config: config.error == "gaussian",
    fit_from=lambda checkpoint: partial(_fit_deepfm, checkpoint=checkpoint),
    fit_after=lambda former, checkpoint: partial(_fit_deepfm, checkpoint=checkpoint, former=former),
    space={
        "world_model.embedding_size": [4, 8, 16, 32],
        "world_model.hidden_sizes": [[32, 32], [64, 64], [128, 128]],
        "world_model.learning_rate": {"low": 1e-3, "high": 3e-2, "log": True},
        "world_model.weight_decay": {"low": 1e-4, "high": 0.1, "log": True},
        "world_model.negatives_per_row": [1, 3, 5, 8],
    },
    unlogged=unlogged_reward,
    spreads=True,
)


def _fit_factors(
    dataset: Dataset,
    config: ExperimentConfig,
    device: torch.device,
    monitor: FitMonitor | None,
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[WorldModel, dict[str, Any]]:
    generator = torch_generator(config.seed, "world_model", "factors")
    exponent = config.own(SelectionConfig).exponent
    model, report = fit_factors(dataset, config.own(FactorSettings), generator, device, exponent, former, workers)
    return model, asdict(report)


def _unlogged_factors(config: WorldModelConfig, dataset: Dataset) -> float | None:
    return dataset.log.reward_range[0] if is_implicit(dataset.log) else None


def _resolve_factors(config: WorldModelConfig, dataset: Dataset) -> WorldModelConfig:
    held_out_rows(config, len(dataset.log))
    return config


FACTORS = WorldModelKind(
    "factors",
    "a variational factorisation with exact posteriors of users and items, fitted in seconds",
    _fit_factors,
    FactorModel.restore,
    _resolve_factors,
    reads=(FactorSettings, SelectionConfig),
    fit_after=lambda former, checkpoint: partial(_fit_factors, former=former),
    space={
        "factors.size": [2, 4, 8, 16],
        "factors.link": ["identity", "log"],
        "factors.tolerance": {"low": 1e-5, "high": 1e-3, "log": True},
    },
    unlogged=_unlogged_factors,
    spreads=True,
)


CAUSAL = WorldModelKind(
    "causal",
    "one DeepFM of users' interest, with how much like items dull it (CIRS)",
    fit_causal,
    CausalModel.restore,
    _resolve_deepfm,
    reads=(CausalConfig,),
    uncertain=lambda config: False,
    space={
        **{key: values for key, values in DEEPFM.space.items() if key != "world_model.negatives_per_row"},
        "causal.tau": {"low": 10, "high": 1e5, "log": True},
        "causal.ranking_weight": [0, 0.1, 1],
    },
)


def _fit_better(
    dataset: Dataset,
    config: ExperimentConfig,
    device: torch.device,
    monitor: FitMonitor | None,
    checkpoint: FitCheckpoint | None = None,
    workers: Workers = HERE,
) -> tuple[WorldModel, dict[str, Any]]:
    """Fit the kind that ranks better. A continued fit compares again, on few rows, and so chooses the same kind."""
    compared = compare(dataset, config.world_model, config.own(FactorSettings), config.seed, device)
    model, report = WORLD_MODELS[compared.kind].going_on(checkpoint, workers)(dataset, config, device, monitor)
    return model, {**report, "kind": compared.kind, "why": compared.reason, "compared": asdict(compared)}


def _fit_as_before(
    dataset: Dataset,
    config: ExperimentConfig,
    device: torch.device,
    monitor: FitMonitor | None,
    former: Former,
    checkpoint: FitCheckpoint | None,
    workers: Workers = HERE,
) -> tuple[WorldModel, dict[str, Any]]:
    """Fit the kind that was chosen for the former log, because the policy depends on its item vectors."""
    kind = former.fit["kind"]
    model, report = WORLD_MODELS[kind].starting_from(former, checkpoint, workers)(dataset, config, device, monitor)
    return model, {**report, "kind": kind, "why": f"{kind}, as in the run that it starts from"}


def _restore_better(tensors: Mapping[str, Tensor], state: Mapping[str, Any], device: torch.device) -> WorldModel:
    return WORLD_MODELS[state["fit"]["kind"]].restore(tensors, state, device)


AUTO = WorldModelKind(
    "auto",
    "deepfm or factors, whichever ranks held-out rows of the log better; the fit says why",
    _fit_better,
    _restore_better,
    _resolve_deepfm,
    reads=FACTORS.reads,
    uncertain=DEEPFM.uncertain,
    fit_from=lambda checkpoint: partial(_fit_better, checkpoint=checkpoint),
    fit_after=lambda former, checkpoint: partial(_fit_as_before, former=former, checkpoint=checkpoint),
    unlogged=unlogged_reward,
    spreads=True,
)

WORLD_MODELS: Registry[WorldModelKind] = Registry(
    "world model", lambda: {kind.name: kind for kind in (DEEPFM, FACTORS, AUTO, CAUSAL)}
)


def register_world_model(kind: WorldModelKind) -> WorldModelKind:
    """Add a kind of world model under its own name.

    Raises:
        InputError: if the name is taken.
    """
    return WORLD_MODELS.register(kind.name, kind)
