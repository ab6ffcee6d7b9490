"""Further judges of a policy after every epoch, besides the truth, held-out ranking and the referee, for choosing settings.

Each gives one number, `judge/<name>`, which does not come from the truth. Judges by the log read held-out rows, the same
ones for all runs of a seed.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.config.experiment import ExperimentConfig
from darlr.errors import InputError
from darlr.evaluation.held_out import HeldOut, held_out_rows, judge_held_out
from darlr.evaluation.modes import NX_0
from darlr.evaluation.off_policy.estimating import point_estimate
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.off_policy.evidence import Evidence, evidence_of
from darlr.evaluation.off_policy.support import is_deterministic
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.table import NDCG, RETURN
from darlr.rewards.estimates.interface import Estimates
from darlr.run.specification import SpecifiedRun
from darlr.run.worlds import estimated_world, lookback_of
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.window import Window

TOLD = "judge/told"
"""1 if the log supports the value of an estimator, else 0; absent for other judges."""


class EpochJudge(Protocol):
    """Judges a policy after every epoch of learning."""

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        """Return names of a record -> values, after `epoch` epochs."""
        ...


@dataclass(frozen=True)
class OwnSimulator:
    """The return of an episode in the plain estimates of the world model that the policy learns from."""

    config: ExperimentConfig
    world: EvaluationWorld
    device: torch.device

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        generator = torch_generator(self.config.seed, "judge", str(epoch), device=self.device)
        users = self.world.draw_users(self.config.evaluation.episodes, generator)
        return {recorded(self.config.evaluation.judge): self.world.measure(NX_0, users, scorer, generator)[RETURN.name]}


@dataclass(frozen=True)
class HeldOutRanking:
    """NDCG on rows held out of the log."""

    rows: HeldOut
    start: Window

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        return {recorded(NDCG.name): judge_held_out(self.rows, scorer, self.start)[NDCG.name]}


@dataclass(frozen=True)
class EstimatedValue:
    """The mean reward of a recommendation, by one off-policy estimator, for the policy that draws its items."""

    name: str
    evidence: Evidence

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        value, objections = point_estimate(self.evidence.decisions(scorer, "policy", greedy=False), self.name)
        told = not objections and math.isfinite(value)
        return {recorded(self.name): value if math.isfinite(value) else None, TOLD: float(told)}


def recorded(judge: str) -> str:
    """Return the name of a judge's number in a record."""
    return f"judge/{judge}"


def further_judges(specified: SpecifiedRun, estimates: Estimates, membership: Tensor) -> list[EpochJudge]:
    """Return the judge that `evaluation.judge` asks for, or none.

    Args:
        specified: the run.
        estimates: (n_users, n_items) of the run's world model.
        membership: (n_items, C) bool.

    Raises:
        InputError: as `require_judge`.
    """
    require_judge(specified)
    config, dataset, device = specified.config, specified.dataset, estimates.device
    judge, held_out = config.evaluation.judge, specified.held_out
    if judge == "simulator":
        return [OwnSimulator(config, estimated_world(config, dataset, estimates, membership), device)]
    if judge == "none" or held_out is None:
        return []
    start = Window.at_start(dataset.world.n_items, lookback_of(config), device)
    if judge == NDCG.name:
        return [HeldOutRanking(held_out_rows(dataset.log, held_out, dataset.world, device), start)]
    generator = numpy_generator(config.seed, "judge")
    return [EstimatedValue(judge, evidence_of(dataset, held_out, estimates, start, generator))]


def require_judge(specified: SpecifiedRun) -> None:
    """Raise `InputError` if the log does not support the judge that `evaluation.judge` names."""
    judge, dataset, held_out = specified.config.evaluation.judge, specified.dataset, specified.held_out
    if held_out is None or not specified.config.evaluation.by_log:
        return
    if judge == NDCG.name:
        try:
            held_out_rows(dataset.log, held_out, dataset.world, torch.device("cpu"))
        except InputError as error:
            raise InputError(f"judge '{judge}' is not possible here: {error}") from error
        return
    estimator = ESTIMATORS[judge]
    if estimator.trusts == "groups" and dataset.items.n_categories == 0:
        raise InputError(f"judge '{judge}' weights categories of items, but the items have none; expected another judge")
    exposure = held_out.exposure
    propensities = None if exposure is None else exposure.propensities
    if estimator.trusts != "model" and propensities is not None and is_deterministic(propensities):
        raise InputError(
            f"judge '{judge}' needs a log whose policy left something to chance, but every propensity is 1; expected 'dm', "
            "'referee' or another judge that reads no propensities"
        )
