"""How a run's policy is judged after every epoch, and what stands beside it: by the truth, or by held-out log rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.evaluation.held_out import HeldOut, judge_held_out
from darlr.evaluation.metrics import category_shares, dominant_categories, liked_shares
from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0
from darlr.evaluation.opponents import OpponentParts, judge_opponents, opponent_scorers
from darlr.evaluation.protocol import TestWorld, run_full_test, run_test
from darlr.evaluation.reward_error import sampled_error, table_error
from darlr.evaluation.table import Results, Values
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.window import Window

Categories = Mapping[str, Mapping[str, float | bool]]
"""Category > `dominant`, `liked` (share of the log's liked rows that have it), `recommended` (share of recommendations).

The recommendations are those of one test in NX_0, sampled; empty where items have no categories, or there is no truth.
"""


class Judge(Protocol):
    """Judges scorers of the run's world."""

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        """`mode/policy/metric` -> value, after `epoch` epochs of learning."""
        ...

    def errors(self, estimates: Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        """`error/*` -> how far `estimates` (n_users, n_items) are from the truth, also over the `visited` users and items."""
        ...

    def every_user(self, scorer: Scorer) -> Mapping[str, Values]:
        """mode > metric of `scorer`, acting greedily, over every user: what the opponents are judged by."""
        ...

    def opponents(self, estimates: Tensor, membership: Tensor) -> Results:
        """The opponents' results; `estimates` (n_users, n_items) of the world model."""
        ...

    def categories(self, scorer: Scorer, membership: Tensor) -> Categories:
        """How often `scorer` recommends each category, and the log's users like it; membership: (n_items, C) bool."""
        ...


@dataclass(frozen=True)
class TruthJudge:
    """The published protocol in the true world."""

    config: ExperimentConfig
    dataset: Dataset
    world: TestWorld
    device: torch.device

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        generator = torch_generator(self.config.seed, "test", str(epoch), device=self.device)
        return run_test(self.world, scorer, self.config.evaluation.episodes, generator)

    def errors(self, estimates: Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        truth, unknown = self.world.table, self.world.forbidden
        return {
            "error/table": table_error(estimates, truth, unknown),
            "error/sampled": sampled_error(estimates, truth, *visited, unknown),
        }

    def every_user(self, scorer: Scorer) -> Mapping[str, Values]:
        return run_full_test(self.world, scorer)

    def opponents(self, estimates: Tensor, membership: Tensor) -> Results:
        draws = numpy_generator(self.config.seed, "opponents")
        scorers = opponent_scorers(OpponentParts(self.dataset, estimates, draws), self.config.leave, membership)
        generator = torch_generator(self.config.seed, "test", "opponents", device=self.device)
        return judge_opponents(self.world, scorers, self.config.leave, membership, generator)

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
    """Recall and NDCG on held-out log rows, for data without a truth."""

    config: ExperimentConfig
    dataset: Dataset
    rows: HeldOut
    start: Window

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        metrics = judge_held_out(self.rows, scorer, self.start)
        return {f"{HELD_OUT}/{GREEDY}/{metric}": value for metric, value in metrics.items()}

    def errors(self, estimates: Tensor, visited: tuple[Tensor, Tensor]) -> dict[str, float]:
        return {}

    def every_user(self, scorer: Scorer) -> Mapping[str, Values]:
        return {HELD_OUT: judge_held_out(self.rows, scorer, self.start)}

    def opponents(self, estimates: Tensor, membership: Tensor) -> Results:
        draws = numpy_generator(self.config.seed, "opponents")
        scorers = opponent_scorers(OpponentParts(self.dataset, estimates, draws), self.config.leave, membership)
        return {name: {HELD_OUT: judge_held_out(self.rows, scorer, self.start)} for name, scorer in scorers.items()}

    def categories(self, scorer: Scorer, membership: Tensor) -> Categories:
        return {}
