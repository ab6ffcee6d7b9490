"""Policies of different quality, made from a log alone, on which judges are tested: lists, random choice, and learned ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import TableScorer
from darlr.errors import InputError, RunError
from darlr.evaluation.names import UNIFORM
from darlr.evaluation.opponents import OpponentParts, opponent_scorers
from darlr.rewards.estimates.interface import Estimates
from darlr.run.choosing import method_of, ways_of
from darlr.run.learners import learner_of
from darlr.run.opponent_sources import opponent_sources
from darlr.run.specification import SpecifiedRun
from darlr.run.training import Monitor
from darlr.run.world_models import obtain_world_model
from darlr.seeding import numpy_generator, torch_generator

PLAIN = "mbpo"
"""The learned policy whose world model the lists and the estimators use, too."""

_QUICK: Mapping[str, Any] = {"a2c.learning_rate": 0.01, "a2c.normalise_advantages": True}
"""Settings that learn much in a short schedule."""

LEARNED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        PLAIN: {"method": "mbpo", **_QUICK},
        "mbpo, user state": {"method": "mbpo", **_QUICK, "tracker.user_state": True},
        "mbpo, tied and prior": {
            "method": "mbpo",
            **_QUICK,
            "a2c.learning_rate": 0.003,
            "policy.head": "tied",
            "policy.prior_weight": 1.0,
        },
        "mbpo, myopic": {"method": "mbpo", **_QUICK, "a2c.discount": 0.0},
        "mbpo, hardly learned": {"method": "mbpo", "a2c.learning_rate": 1e-5, "a2c.tracker_learning_rate": 1e-5},
        "mbpo, far too fast": {"method": "mbpo", "a2c.learning_rate": 0.1, "a2c.tracker_learning_rate": 0.1},
        "mopo, far too cautious": {"method": "mopo", **_QUICK, "reward.uncertainty_weight": 100.0},
        "dorl": {"method": "dorl", **_QUICK},
        "bayes-adaptive": {"method": "bayes-adaptive", "world_model.kind": "factors"},
        "bayes-adaptive, far too fast": {
            "method": "bayes-adaptive",
            "world_model.kind": "factors",
            "belief.actor_learning_rate": 3.0,
            "a2c.learning_rate": 1.0,
        },
    }
)
"""Name -> settings by dotted key: well and badly tuned ones, because a judge has to distinguish these."""


@dataclass(frozen=True)
class Candidate:
    """A policy to be judged.

    Attributes:
        scorer: the policy.
        draws: whether it draws its items; otherwise it takes its best one.
        estimates: (n_users, n_items) of the world model that it was made from.
    """

    scorer: Scorer
    draws: bool
    estimates: Estimates


def listed_candidates(
    plain: SpecifiedRun, estimates: Estimates, membership: Tensor, out: Path, device: torch.device, monitor: Monitor
) -> dict[str, Candidate]:
    """Return uniform choice and the opponents, and variants that skip categories if users leave by category.

    Args:
        plain: the run whose world model the lists use.
        estimates: (n_users, n_items) of the world model of that run.
        membership: (n_items, C) bool.
        out: the results folder; the lists' factor model is taken from it, or fitted and written there.
        device: the device that computes.
        monitor: is told about progress.
    """
    config, dataset = plain.config, plain.dataset
    sources = opponent_sources(out, config, dataset, device, monitor.notice)
    parts = OpponentParts(dataset, estimates, numpy_generator(config.seed, "opponents"), dataset.paid_range, sources)
    opponents = opponent_scorers(parts, config.leave, membership, config.evaluation.opponents)
    uniform = TableScorer(torch.zeros(1, dataset.world.n_items, device=device))
    listed = {name: Candidate(scorer, False, estimates) for name, scorer in opponents.items()}
    return {UNIFORM: Candidate(uniform, True, estimates), **listed}


def learned_candidates(
    runs: Mapping[str, SpecifiedRun], out: Path, device: torch.device, monitor: Monitor
) -> dict[str, Candidate]:
    """Return the policies of `runs` after their last epoch; one that cannot be learned is left out, and `monitor` gets the
    reason.
    """
    learned: dict[str, Candidate] = {}
    for number, (name, specified) in enumerate(runs.items(), start=1):
        monitor.notice(f"policy {number} of {len(runs)}: {name}")
        try:
            learned[name] = _learned(specified, out, device, monitor)
        except (InputError, RunError) as error:
            monitor.notice(f"policy '{name}' is left out: {error}")
    return learned


def _learned(specified: SpecifiedRun, out: Path, device: torch.device, monitor: Monitor) -> Candidate:
    config, dataset = specified.config, specified.dataset
    ways, schedule = ways_of(config), config.training
    path = specified.world_model_path(out)
    model, _ = obtain_world_model(path, config, dataset, ways, device, monitor, monitor.notice)
    learned_in = method_of(config).learning_world(config, ways, dataset, None, model, device)
    learner = learner_of(config, dataset, model, learned_in, device)
    monitor.learning(0, schedule.epochs)
    for epoch in range(1, schedule.epochs + 1):
        generator = torch_generator(config.seed, "train", str(epoch), device=device)
        log = learner.epoch(schedule.environments, schedule.steps_per_epoch, generator)
        log.require_finite_losses()
        monitor.trained({"epoch": epoch, **log.metrics()}, schedule.epochs)
    return Candidate(learner.policy.scorer(), True, learned_in.predicted)
