"""The worlds of a run: what the world model says, what the simulator pays, and where the policy is tested."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.config.schema import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.data.registry import SOURCES
from darlr.data.source import LoadedDataset
from darlr.data.statistics import how_to_complete
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.evaluation.metrics import dominant_categories
from darlr.evaluation.protocol import TestWorld
from darlr.methods.table import recipe_of
from darlr.references.simulator import NormalisedStart, WrappedWindow
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.neighbours import shape_by_neighbours
from darlr.rewards.table import TableReward, observed_reward, penalised_reward
from darlr.run.resolution import uncertainty_counts, unread_settings
from darlr.simulator.leave import LeaveRule, leave_rule
from darlr.simulator.simulator import Simulator
from darlr.world.window import Window
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Estimates:
    """What the world model says of the simulated world, (n_users, n_items) each."""

    rewards: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, model: WorldModel, users: NDArray[np.int64], items: NDArray[np.int64], device: torch.device) -> "Estimates":
        """For `users` and `items`, indices into the log's vocabularies."""
        return cls(*model.predict(torch.from_numpy(users).to(device), torch.from_numpy(items).to(device)))

    def shaped(self, config: ExperimentConfig) -> "Estimates":
        """Shaped by each user's nearest users (ROLeR), where `neighbours.users` asks for it."""
        if not config.neighbours.users:
            return self
        return Estimates(*shape_by_neighbours(self.rewards, self.uncertainty, config.neighbours))

    def corrected(self, truth: Truth | None) -> "Estimates":
        """The truth instead of the estimated rewards, where one is given (GT)."""
        return self if truth is None else replace(self, rewards=_borrowed(truth.rewards).to(self.rewards.device))


def _borrowed(rewards: NDArray[np.float32]) -> Tensor:
    """A tensor over the same memory, a memory map included; nobody writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rewards)


def lookback_of(config: ExperimentConfig) -> int:
    """How many positions of an episode its simulator has to show: to tracker, leave rule, entropy term and action head."""
    return max(config.tracker.window, config.leave.window, config.policy.category_window, *config.reward.entropy_orders, 1)


def world_membership(dataset: Dataset, items: NDArray[np.int64], device: torch.device) -> Tensor:
    """(n_items, C) bool, which of the world's items has which category."""
    return torch.from_numpy(dataset.items.membership()[items]).to(device)


def entropy_term(config: ExperimentConfig, dataset: Dataset, device: torch.device) -> EntropyTerm | None:
    """The entropy term, or None where its weight is 0 or the log has no time (see `notices`)."""
    if config.reward.entropy_weight == 0 or dataset.log.times is None or not config.reward.entropy_orders:
        return None
    return EntropyTerm.fit(dataset.log, dataset.world, config.reward.entropy_orders, device)


def notices(config: ExperimentConfig, loaded: LoadedDataset) -> list[str]:
    """What a user must know of what the data cannot give, and of weights that change nothing."""
    source = SOURCES.get(config.dataset)
    texts = [] if source is None else [f"not as published: {line}" for line in source.deviations(loaded)]
    if config.reference_quirks:
        texts.append("with the references' slips (reference_quirks): for comparison with published numbers alone")
    if config.reward.entropy_weight > 0 and loaded.dataset.log.times is None:
        weight = f"reward.entropy_weight {config.reward.entropy_weight:g}"
        texts.append(f"the log has no time, so the entropy term is off ({weight} has no effect)")
    if config.reward.uncertainty_weight > 0 and not uncertainty_counts(config):
        weight = f"reward.uncertainty_weight {config.reward.uncertainty_weight:g}"
        texts.append(f"neighbours.uncertainty is 'none', so no uncertainty is penalised ({weight} has no effect)")
    if unread := unread_settings(config):
        texts.append(f"method '{config.method}' does not read {', '.join(unread)} (no effect)")
    if recipe_of(config.method).offline and loaded.dataset.log.times is None:
        order = "as they stand (reference_quirks)" if config.reference_quirks else "in random order"
        texts.append(f"the log has no time, so each user's rows are replayed {order}")
    if loaded.truth is None:
        texts.append(f"the data set has no truth, so the policy is judged on held-out log rows only{how_to_complete(loaded)}")
    if (learned := loaded.dataset.log.reward_range) != (paid := loaded.dataset.paid_range):
        scales = f"{learned[0]:.3g}..{learned[1]:.3g} in the log, {paid[0]:g}..{paid[1]:g} in the test world"
        texts.append(f"rewards are on two scales ({scales}): error/* compares them as they are")
    return texts


def start_window(config: ExperimentConfig, n_items: int, device: torch.device) -> Window:
    """(1, L) what is visible before the first step of an episode."""
    length = lookback_of(config)
    items = torch.full((1, length), n_items + 1, device=device)
    items[:, -1] = n_items
    rewards = torch.zeros(1, length, device=device)
    rewards[:, -1] = 1.0
    return Window(items, rewards)


def training_reward(
    config: ExperimentConfig, dataset: Dataset, predicted: Estimates, learned: Estimates, device: torch.device
) -> TableReward:
    """What the simulator pays at first: what is `learned` from, penalised.

    DARLR's penalty comes from what changes while it learns, so its table holds the estimates alone. With the references'
    quirks shift and range come from what was `predicted`, unshaped, and the truth is not shifted (protocol sections 5 and 8).
    """
    recipe = recipe_of(config.method)
    weights = replace(config.reward, uncertainty_weight=0.0) if recipe.learner == "darlr" else config.reward
    entropy = entropy_term(config, dataset, device)
    reward = penalised_reward(learned.rewards, learned.uncertainty, entropy, weights)
    if not config.reference_quirks:
        return reward
    ranged = penalised_reward(predicted.rewards, predicted.uncertainty, entropy, weights)
    return TableReward(reward.table, 0.0, ranged.high) if recipe.reward == "truth" else ranged.over(reward.table)


def leave_rule_of(config: ExperimentConfig, membership: Tensor, rewards: Tensor) -> LeaveRule:
    """The run's leave rule, for items with `membership` (n_items, C) and columns of `rewards` (n_users, n_items)."""
    rule = leave_rule(config.leave, membership, rewards)
    return WrappedWindow(rule, rewards.shape[1]) if config.reference_quirks else rule


def _simulator_of(config: ExperimentConfig) -> type[Simulator]:
    return NormalisedStart if config.reference_quirks else Simulator


@dataclass(frozen=True)
class LearningWorld:
    """What a run's simulator is made of. Matrices may be one and the same; none is written to.

    Attributes:
        membership: (n_items, C) bool, which of the world's items has which category.
        predicted: (n_users, n_items) the world model's estimates.
        learned: (n_users, n_items) what is learned from: the same, shaped by neighbours where the method asks for it; the truth
            for GT.
        uncertainty: (n_users, n_items) P_U, where a penalty is still to be computed from it: DARLR's static one.
        reward: what is paid at first.
        leave: when users quit, measured on estimates, never on the truth.
    """

    membership: Tensor
    predicted: Tensor
    learned: Tensor
    uncertainty: Tensor | None
    reward: TableReward
    leave: LeaveRule

    @classmethod
    def of(
        cls, config: ExperimentConfig, dataset: Dataset, truth: Truth | None, model: WorldModel, device: torch.device
    ) -> "LearningWorld":
        """For the world of `dataset`; the truth is opened only where the method learns from it."""
        membership = world_membership(dataset, dataset.world.items, device)
        predicted = Estimates.of(model, dataset.world.users, dataset.world.items, device)
        shaped = predicted.shaped(config)
        learned = shaped.corrected(truth if recipe_of(config.method).reward == "truth" else None)
        reward = training_reward(config, dataset, predicted, learned, device)
        leave = leave_rule_of(config, membership, shaped.rewards)
        kept = shaped.uncertainty if config.refinement.penalty == "static" else None
        return cls(membership, predicted.rewards, learned.rewards, kept, reward, leave)


def training_simulator(config: ExperimentConfig, reward: TableReward, leave: LeaveRule) -> Simulator:
    """The environment that a policy learns in."""
    n_items, kind = reward.table.shape[1], _simulator_of(config)
    return kind(reward, leave, n_items, config.leave.max_steps, lookback_of(config), config.training.allow_repeats)


def simulated_world(config: ExperimentConfig, reward: TableReward, leave: LeaveRule) -> TestWorld:
    """The simulator as a test world, paying what it paid at first: where the best epoch is chosen, without the truth."""
    return TestWorld(
        rewards=reward,
        leave=leave,
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        simulator=_simulator_of(config),
    )


def estimated_world(config: ExperimentConfig, dataset: Dataset, estimates: Tensor, membership: Tensor) -> TestWorld:
    """A test world with `estimates` (n_users, n_items) in the place that the truth has in the true one."""
    return TestWorld(
        rewards=observed_reward(estimates, dataset.log.reward_range),
        leave=leave_rule_of(config, membership, estimates),
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        simulator=_simulator_of(config),
    )


def true_world(
    config: ExperimentConfig, dataset: Dataset, truth: Truth, items: NDArray[np.int64], device: torch.device
) -> TestWorld:
    """The test world whose actions are `items` (indices into the log's items) and whose users are the truth's.

    Items and cells that the truth lacks may not be recommended in it. Raises `InputError` if the truth has an item that is no
    action, or lacks one with the references' quirks, whose masks know only what an episode has had.
    """
    column_of = np.full(dataset.log.n_items, -1)
    column_of[items] = np.arange(len(items))
    columns = column_of[truth.world.items]
    if (columns < 0).any():
        strange = dataset.log.item_ids[truth.world.items[columns < 0]][:5]
        raise InputError(f"the truth has items that the policy cannot recommend: {', '.join(map(str, strange))}")
    shape = truth.world.n_users, len(items)
    if np.array_equal(columns, np.arange(len(items))):
        table = _borrowed(truth.rewards).to(device)
    else:
        rewards = np.zeros(shape, np.float32)
        rewards[:, columns] = truth.rewards
        table = torch.from_numpy(rewards).to(device)
    forbidden = np.ones(len(items) if truth.known is None else shape, bool)
    forbidden[..., columns] = False if truth.known is None else ~truth.known
    if config.reference_quirks and forbidden.any():
        raise InputError(
            "the truth lacks items that the policy may recommend, but the references' masks ('reference_quirks') take what may "
            "not be recommended for what an episode has had; expected a truth that has all of them"
        )
    membership = world_membership(dataset, items, device)
    dominated = None
    if dataset.items.n_categories:
        dominant = torch.from_numpy(dominant_categories(dataset.log, dataset.items)).to(device)
        dominated = (membership[:, : len(dominant)] & dominant).any(dim=1)
    return TestWorld(
        rewards=observed_reward(table, _seen_range(config, dataset, table)),
        leave=leave_rule_of(config, membership, table),
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        dominated=dominated,
        forbidden=torch.from_numpy(forbidden).to(device) if forbidden.any() else None,
        simulator=_simulator_of(config),
    )


def _seen_range(config: ExperimentConfig, dataset: Dataset, truth: Tensor) -> tuple[float, float]:
    """What normalises the rewards of tested states: the range that the data set declares for what its test world pays.

    With the references' quirks that of the `truth` (n_users, n_items) itself, or of the log where nothing else is learned from
    (protocol section 2).
    """
    if not config.reference_quirks:
        return dataset.paid_range
    known = dataset.log.rewards if recipe_of(config.method).offline else truth
    return float(known.min()), float(known.max())
