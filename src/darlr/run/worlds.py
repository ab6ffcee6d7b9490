"""The worlds in which a run's policy is tested: the true one, the simulator, and worlds of other estimates."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.evaluation.metrics import dominant_categories
from darlr.evaluation.protocol import EvaluationWorld
from darlr.methods.world import LearningWorld, learned_hazard, leave_of, slate_rules, world_membership
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.rewards.estimates.predicted import borrowed
from darlr.rewards.table import observed_reward
from darlr.run.choosing import method_of, ways_of
from darlr.world.hazard import LeaveHazard
from darlr.world.world import ABSENT, World


def lookback_of(config: ExperimentConfig) -> int:
    """Return the number of an episode's positions that a run's simulator has to show to the method and to the leave rule."""
    return max(method_of(config).lookback(config), config.leave.window)


def simulated_world(config: ExperimentConfig, learning: LearningWorld) -> EvaluationWorld:
    """Return the simulator as a test world with its initial rewards, in which the best epoch is chosen without the truth."""
    return EvaluationWorld(
        rewards=learning.reward,
        n_users=learning.n_users,
        n_items=len(learning.membership),
        leave=learning.leave,
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        simulator=ways_of(config).simulator,
        device=learning.learned.device,
        slates=learning.slates if config.slate.active else None,
        seed=config.seed,
    )


def estimated_world(config: ExperimentConfig, dataset: Dataset, estimates: Estimates, membership: Tensor) -> EvaluationWorld:
    """Return a test world in which `estimates` (n_users, n_items) replace the truth; `membership` is (n_items, C)."""
    ways, bounds, hazard = ways_of(config), dataset.log.reward_range, learned_hazard(config, dataset)
    return EvaluationWorld.of_table(
        observed_reward(estimates, bounds),
        leave=leave_of(config, ways, hazard, dataset.world.users, membership, estimates, bounds),
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        simulator=ways.simulator,
        **_slates(config, dataset, estimates),
    )


def true_world(
    config: ExperimentConfig, dataset: Dataset, truth: Truth, items: NDArray[np.int64], device: torch.device
) -> EvaluationWorld:
    """Return the test world with the truth's users, and with `items` (n,), indices into the log's items, as actions.

    Items and cells that the truth lacks may not be recommended.

    Raises:
        InputError: if the truth has an item that is not an action, or lacks one that the run's way of testing requires.
    """
    columns = World(truth.world.users, items).columns(dataset.log.n_items)[truth.world.items]
    if (columns == ABSENT).any():
        strange = dataset.log.item_ids[truth.world.items[columns == ABSENT]][:5]
        raise InputError(f"the truth has items that the policy cannot recommend: {', '.join(map(str, strange))}")
    shape = truth.world.n_users, len(items)
    if np.array_equal(columns, np.arange(len(items))):
        table = borrowed(truth.rewards).to(device)
    else:
        rewards = np.zeros(shape, np.float32)
        rewards[:, columns] = truth.rewards
        table = torch.from_numpy(rewards).to(device)
    forbidden = np.ones(len(items) if truth.known is None else shape, bool)
    forbidden[..., columns] = False if truth.known is None else ~truth.known
    ways = ways_of(config)
    ways.require_allowed(bool(forbidden.any()))
    membership, hazard = world_membership(dataset, items, device), _true_hazard(config, dataset, truth)
    dominated = None
    if dataset.items.n_categories:
        dominant = torch.from_numpy(dominant_categories(dataset.log, dataset.items)).to(device)
        dominated = (membership[:, : len(dominant)] & dominant).any(dim=1)
    return EvaluationWorld.of_table(
        observed_reward(table, ways.seen_range(dataset, table, method_of(config).offline)),
        leave=leave_of(config, ways, hazard, truth.world.users, membership, table, dataset.paid_range),
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        dominated=dominated,
        forbidden=torch.from_numpy(forbidden).to(device) if forbidden.any() else None,
        simulator=ways.simulator,
        **_slates(config, dataset, table),
    )


def _true_hazard(config: ExperimentConfig, dataset: Dataset, truth: Truth) -> LeaveHazard | None:
    """Return the law by which users leave in tests: the truth's own, else the log's; None if users do not leave at random."""
    if config.leave.by == "learned" and truth.leave is not None:
        return truth.leave
    return learned_hazard(config, dataset)


def _slates(config: ExperimentConfig, dataset: Dataset, rewards: Estimates | Tensor) -> dict[str, Any]:
    """Return the fields of a test world about slates, for users who would give `rewards` (n_users, n_items)."""
    rules = slate_rules(config, dataset, estimates_of(rewards)) if config.slate.active else None
    return {"slates": rules, "seed": config.seed}
