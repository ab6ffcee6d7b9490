"""The static policies that every method is shown beside, each judged once on every user of the test world."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.lists import item_means, popularity
from darlr.agents.static.matrix_factorisation import factorised
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.data.dataset import Dataset
from darlr.evaluation.protocol import MODES, TestWorld, run_full_test
from darlr.world.settings import LeaveConfig

Results = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""name > mode > metric -> value."""


def static_scorers(
    dataset: Dataset, estimates: Tensor, leave: LeaveConfig, membership: Tensor, generator: np.random.Generator
) -> dict[str, Scorer]:
    """Static policies by name, none of which has seen the truth.

    `item_mean` is left out where the log holds positives alone: all means are equal. The lists that skip what shares a
    category with the last N items are there where users leave by category.

    Args:
        estimates: (n_users, n_items) of the world model.
        generator: for the matrix factorisation.
    """
    device = estimates.device
    lists: dict[str, Scorer] = {"popular": TableScorer(popularity(dataset).to(device))}
    if dataset.log.rewards.min() < dataset.log.rewards.max():
        lists["item_mean"] = TableScorer(item_means(dataset).to(device))
    if (factorisation := factorised(dataset, generator, device)) is not None:
        lists["matrix_factorisation"] = factorisation
    lists["greedy_world_model"] = TableScorer(estimates)
    scorers = dict(lists)
    if leave.by == "category":
        for name, scorer in lists.items():
            scorers[f"{name}_skipping"] = SkippingScorer(scorer, membership, leave.window)
    return scorers


def judge_opponents(
    world: TestWorld, scorers: Mapping[str, Scorer], leave: LeaveConfig, membership: Tensor, generator: torch.Generator
) -> Results:
    """name > mode > metric for the static `scorers`, the uniform policy and, as a reference, the truth's own greedy list.

    Every user of the world has one episode; all act greedily but the uniform policy, which is sampled. The truth's list skips
    shared categories in the modes whose users leave for them.
    """
    oracle = TableScorer(world.table)
    skipping = SkippingScorer(oracle, membership, leave.window)
    uniform = TableScorer(torch.zeros(1, world.n_items, device=world.device))
    results: dict[str, Mapping[str, Mapping[str, float | None]]] = {
        "uniform_random": {mode: world.measure(mode, world.every_user, uniform, generator) for mode in MODES}
    }
    for name, scorer in scorers.items():
        results[name] = run_full_test(world, scorer)
    by_category = leave.by == "category"
    results["truth_oracle"] = {
        mode: world.measure(mode, world.every_user, skipping if settings.users_leave and by_category else oracle, None)
        for mode, settings in MODES.items()
    }
    return results
