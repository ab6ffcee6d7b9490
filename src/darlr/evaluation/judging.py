"""Judges of a run's policy after every epoch, and of its opponents: by the truth, or by held-out log rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.evaluation.held_out import HeldOut, judge_by_group, judge_held_out
from darlr.evaluation.metrics import category_shares, dominant_categories, liked_shares
from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0
from darlr.evaluation.noise import AnswerNoise, NoisyAnswers
from darlr.evaluation.opponents import Factors, OpponentParts, Sources, judge_opponents, opponent_scorers
from darlr.evaluation.protocol import EvaluationWorld, FullTest, run_full_test, run_test
from darlr.evaluation.reward_error import sampled_error, table_error
from darlr.evaluation.table import Values
from darlr.evaluation.user_groups import UserGroups
from darlr.rewards.estimates.interface import Estimates
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.window import Window

Categories = Mapping[str, Mapping[str, float | bool]]
"""Category -> `dominant`, `liked` (share of the log's liked rows that have it), `recommended` (share of recommendations).

The recommendations are those of one sampled test in NX_0. The mapping is empty if items have no categories, or there is no
truth.
"""


class Judge(Protocol):
    """Judges scorers of the run's world."""

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        """Return `mode/policy/metric` -> value, after `epoch` epochs of learning."""
        ...

    def errors(self, estimates: Estimates | Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        """Return `error/*` -> the distance of `estimates` (n_users, n_items) from the truth, in all and over the `visited`
        pairs (n,).
        """
        ...

    def every_user(self, scorer: Scorer) -> FullTest:
        """Return the value of `scorer`, acting greedily, over every user; opponents are judged in the same way."""
        ...

    def every_user_sampled(self, scorer: Scorer) -> Mapping[str, Values]:
        """Return the same with items drawn from the policy: mode -> metric -> value; empty without a truth."""
        ...

    def opponents(self, estimates: Estimates, membership: Tensor, sources: Sources) -> dict[str, Scorer]:
        """Return the opponents by name.

        Args:
            estimates: (n_users, n_items) the world model's.
            membership: (n_items, C) bool, True if the item has the category.
            sources: the factor model of the log, and other fits.
        """
        ...

    def compare(self, opponents: Mapping[str, Scorer], membership: Tensor) -> Mapping[str, FullTest]:
        """Return the tests of the `opponents`, and of variants of them; `membership` is (n_items, C)."""
        ...

    def noisy_users(self, scorer: Scorer, factors: Factors) -> Mapping[str, Values]:
        """Return the values of `every_user` for users with noisy answers; empty without a truth or a factor model, or if
        not asked for.
        """
        ...

    def by_group(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Any]:
        """Return held-out metrics of the `scorers` by groups of users (`judge_by_group`); empty if not asked for."""
        ...

    def by_signal(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Mapping[str, Values]]:
        """Return signal -> policy -> held-out metrics, in which the rows with the signal are the hits; empty with a truth, and
        without signals.
        """
        ...

    def categories(self, scorer: Scorer, membership: Tensor) -> Categories:
        """Return how often `scorer` recommends each category, and how often the log's users like it; `membership` is
        (n_items, C) bool.
        """
        ...


@dataclass(frozen=True)
class TruthJudge:
    """The published protocol in the true world."""

    config: ExperimentConfig
    dataset: Dataset
    world: EvaluationWorld
    device: torch.device

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        generator = torch_generator(self.config.seed, "test", str(epoch), device=self.device)
        return run_test(self.world, scorer, self.config.evaluation.episodes, generator)

    def errors(self, estimates: Estimates | Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        truth, unknown = self.world.table, self.world.forbidden
        return {
            "error/table": table_error(estimates, truth, unknown),
            "error/sampled": sampled_error(estimates, truth, *visited, unknown),
        }

    def every_user(self, scorer: Scorer) -> FullTest:
        return run_full_test(self.world, scorer)

    def every_user_sampled(self, scorer: Scorer) -> Mapping[str, Values]:
        generator = torch_generator(self.config.seed, "test", "every user", device=self.device)
        return run_full_test(self.world, scorer, generator).modes

    def opponents(self, estimates: Estimates, membership: Tensor, sources: Sources) -> dict[str, Scorer]:
        draws = numpy_generator(self.config.seed, "opponents")
        parts = OpponentParts(self.dataset, estimates, draws, self._seen_range, sources)
        return opponent_scorers(parts, self.config.leave, membership, self.config.evaluation.opponents)

    @property
    def _seen_range(self) -> tuple[float, float]:
        return self.world.rewards.low, self.world.rewards.high

    def compare(self, opponents: Mapping[str, Scorer], membership: Tensor) -> Mapping[str, FullTest]:
        generator = torch_generator(self.config.seed, "test", "opponents", device=self.device)
        return judge_opponents(self.world, opponents, self.config.leave, membership, generator)

    def noisy_users(self, scorer: Scorer, factors: Factors) -> Mapping[str, Values]:
        share = self.config.evaluation.noise
        if not share or (found := factors()) is None:
            return {}
        responses = found.responses(self.dataset.world, self._seen_range)
        generator = torch_generator(self.config.seed, "test", "noise", device=self.device)
        world = self.world
        noise = AnswerNoise.draw(responses, share, world.n_users, world.n_items, world.longest, generator)
        return run_full_test(world, NoisyAnswers(scorer, noise)).modes

    def by_group(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Any]:
        return {}

    def by_signal(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Mapping[str, Values]]:
        return {}

    def categories(self, scorer: Scorer, membership: Tensor) -> Categories:
        catalog, log = self.dataset.items, self.dataset.log
        if not catalog.n_categories:
            return {}
        generator = torch_generator(self.config.seed, "test", "categories", device=self.device)
        users = self.world.draw_users(self.config.evaluation.episodes, generator)
        items = self.world.recommended(NX_0, users, scorer, generator)
        shares = category_shares(items, membership[:, : catalog.n_categories]).tolist()
        columns = zip(dominant_categories(log, catalog).tolist(), liked_shares(log, catalog).tolist(), shares, strict=True)
        entries = ({"dominant": dominant, "liked": liked, "recommended": share} for dominant, liked, share in columns)
        return dict(zip(catalog.category_names, entries, strict=True))


@dataclass(frozen=True)
class HeldOutJudge:
    """A judge for data without a truth: how well held-out log rows are ranked.

    Attributes:
        config, dataset: of the run.
        rows: the liked rows.
        start: (1, L) the window before the first step.
        signals: for each signal of the log, the rows in which it is above 0.
    """

    config: ExperimentConfig
    dataset: Dataset
    rows: HeldOut
    start: Window
    signals: Mapping[str, HeldOut] = field(default_factory=dict)

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        metrics = judge_held_out(self.rows, scorer, self.start)
        return {f"{HELD_OUT}/{GREEDY}/{metric}": value for metric, value in metrics.items()}

    def errors(self, estimates: Estimates | Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        return {}

    def every_user(self, scorer: Scorer) -> FullTest:
        return FullTest({HELD_OUT: judge_held_out(self.rows, scorer, self.start)}, None)

    def every_user_sampled(self, scorer: Scorer) -> Mapping[str, Values]:
        return {}

    def opponents(self, estimates: Estimates, membership: Tensor, sources: Sources) -> dict[str, Scorer]:
        draws = numpy_generator(self.config.seed, "opponents")
        parts = OpponentParts(self.dataset, estimates, draws, self.dataset.paid_range, sources)
        return opponent_scorers(parts, self.config.leave, membership, self.config.evaluation.opponents)

    def compare(self, opponents: Mapping[str, Scorer], membership: Tensor) -> Mapping[str, FullTest]:
        return {name: self.every_user(scorer) for name, scorer in opponents.items()}

    def noisy_users(self, scorer: Scorer, factors: Factors) -> Mapping[str, Values]:
        return {}

    def by_group(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Any]:
        if not (feature := self.config.evaluation.by_group):
            return {}
        users = self.dataset.world.users[self.rows.users.cpu().numpy()]
        groups = UserGroups.of(self.dataset.user_features, feature, users)
        return judge_by_group(self.rows, groups, scorers, self.start)

    def by_signal(self, scorers: Mapping[str, Scorer]) -> Mapping[str, Mapping[str, Values]]:
        return {
            signal: {name: judge_held_out(rows, scorer, self.start) for name, scorer in scorers.items()}
            for signal, rows in self.signals.items()
        }

    def categories(self, scorer: Scorer, membership: Tensor) -> Categories:
        return {}
