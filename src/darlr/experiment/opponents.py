"""The static policies that every method is shown beside, each judged once on every user of the test world."""

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static import SkippingScorer, TableScorer, item_means, popularity
from darlr.config.schema import LeaveConfig
from darlr.data.dataset import Dataset
from darlr.evaluation.protocol import MODES, TestWorld
from darlr.rewards.table import TableReward

RANDOM = "uniform_random"


def static_scorers(dataset: Dataset, estimates: Tensor, leave: LeaveConfig, membership: Tensor) -> dict[str, TableScorer | SkippingScorer]:
    """Static policies by name, none of which has seen the truth.

    `item_mean` is left out where the log holds positives alone: all means are equal. The lists that skip what shares a
    category with the last N items are there where users leave by category.

    Args: estimates: (n_users, n_items) of the world model.
    """
    device = estimates.device
    lists = {"popular": TableScorer(popularity(dataset).to(device))}
    if dataset.log.rewards.min() < dataset.log.rewards.max():
        lists["item_mean"] = TableScorer(item_means(dataset).to(device))
    lists["greedy_world_model"] = TableScorer(estimates)
    scorers: dict[str, TableScorer | SkippingScorer] = dict(lists)
    if leave.by == "category":
        for name, scorer in lists.items():
            scorers[f"{name}_skipping"] = SkippingScorer(scorer, membership, leave.window)
    return scorers


def judge_opponents(
    world: TestWorld, dataset: Dataset, estimates: Tensor, leave: LeaveConfig, membership: Tensor, generator: torch.Generator
) -> dict[str, dict[str, dict[str, float | None]]]:
    """name > mode > metric for every static policy, the uniform one and, as the bound, the truth's own greedy list."""
    scorers: dict[str, Scorer] = {RANDOM: TableScorer(torch.zeros(1, world.n_items, device=estimates.device))}
    scorers.update(static_scorers(dataset, estimates, leave, membership))
    if isinstance(world.rewards, TableReward):
        oracle = TableScorer(world.rewards.table)
        scorers["truth_oracle"] = (
            SkippingScorer(oracle, membership, leave.window) if leave.by == "category" else oracle
        )
    users = torch.arange(world.n_users, device=estimates.device)
    return {
        name: {mode: world.measure(mode, users, scorer, generator if name == RANDOM else None) for mode in MODES}
        for name, scorer in scorers.items()
    }
