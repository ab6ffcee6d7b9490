"""The agents of a run: its policy, and who learns it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.darlr import DARLR
from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import StateTracker, state_tracker
from darlr.agents.offline.bcq import BCQ
from darlr.agents.offline.cql import CQL
from darlr.agents.offline.crr import CRR
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.offline.replay import replay_log
from darlr.agents.offline.sqn import SQN
from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.selector import Selector
from darlr.agents.static.policy import StaticLearner, StaticPolicy, confidence_bonus
from darlr.config.schema import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.methods.table import recipe_of
from darlr.references.agents import FirstStepBonus, Kind, ReferenceA2C, as_references_act, as_references_see
from darlr.references.simulator import reference_tracker
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.table import TableReward
from darlr.run.assembly import Estimates, LearningWorld, training_simulator
from darlr.seeding import numpy_generator, torch_generator
from darlr.simulator.leave import LeaveRule
from darlr.world_model.model import WorldModel

RANDOM_VECTORS = 0.01
"""Standard deviation of item vectors that do not come from the world model (protocol section 2)."""


def _kind(config: ExperimentConfig, kind: type[Kind]) -> type[Kind]:
    return as_references_act(kind) if config.reference_quirks else kind


OFFLINE_POLICIES: Mapping[str, Callable[[ExperimentConfig, StateTracker, int, torch.Generator], OfflinePolicy]] = (
    MappingProxyType(
        {
            "sqn": lambda config, tracker, n_items, generator: _kind(config, SQN)(
                config.policy, tracker, n_items, config.sqn.logit_penalty, generator, config.sqn.act_by
            ),
            "bcq": lambda config, tracker, n_items, generator: _kind(config, BCQ)(
                config.policy, tracker, n_items, config.bcq.logit_penalty, config.bcq.threshold, generator
            ),
            "cql": lambda config, tracker, n_items, generator: _kind(config, CQL)(
                config.policy, tracker, n_items, config.cql.quantiles, config.cql.min_q_weight, generator
            ),
            "crr": lambda config, tracker, n_items, generator: _kind(config, CRR)(
                config.policy, tracker, n_items, config.crr, generator
            ),
        }
    )
)
"""The policies that are learned from the log alone, by their recipe's `learner`."""


def build_policy(
    config: ExperimentConfig,
    model: WorldModel,
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    membership: Tensor,
    estimates: Tensor | None,
    device: torch.device,
) -> Policy:
    """A fresh policy for `users` and `items`, indices into the log's vocabularies; its user rows are `users` in that order.

    Args: estimates: (n_users, n_items) the world model's, if they are known already; else they are predicted if needed.
    """
    recipe = recipe_of(config.method)
    if recipe.static:
        rewards = Estimates.of(model, users, items, device).rewards if estimates is None else estimates
        static = FirstStepBonus if config.reference_quirks else StaticPolicy
        return static(rewards, config.static.epsilon)
    generator = torch_generator(config.seed, "policy", "weights")
    network = model.network
    item_vectors = network.item_vectors()[torch.from_numpy(items).to(device)].cpu()
    if config.tracker.item_vectors == "random":
        draws = torch_generator(config.seed, "policy", "item_vectors")
        item_vectors = torch.randn(item_vectors.shape, generator=draws) * RANDOM_VECTORS
    user_vectors = network.user_vectors()[torch.from_numpy(users).to(device)].cpu()
    make_tracker = reference_tracker if config.reference_quirks else state_tracker
    tracker = make_tracker(config.tracker, item_vectors, user_vectors, generator)
    if recipe.offline:
        return OFFLINE_POLICIES[recipe.learner](config, tracker, len(items), generator).to(device)
    prior = None
    if config.policy.prior_weight:
        rewards = Estimates.of(model, users, items, device).rewards if estimates is None else estimates
        prior = ((rewards - model.scale.centre) / model.scale.spread).cpu()
    return ActorCritic(config.policy, tracker, membership.to("cpu", torch.float32), prior, generator).to(device)


def build_learner(
    config: ExperimentConfig, dataset: Dataset, policy: Policy, parts: LearningWorld, device: torch.device
) -> Learner:
    """The learning agent of the method, for the `policy` that `build_policy` gave.

    Args: parts: what the simulator is made of; DARLR goes on with a copy of its table, which it rewrites.
    """
    if isinstance(policy, OfflinePolicy):
        return _from_the_log(config, dataset, policy, parts.leave, device)
    if isinstance(policy, StaticPolicy):
        policy.bonus.copy_(config.static.bonus * confidence_bonus(dataset))
        return StaticLearner(policy)
    if not isinstance(policy, ActorCritic):
        raise TypeError(f"no agent learns a {type(policy).__name__}")
    reward = parts.reward
    if recipe_of(config.method).learner == "a2c":
        return _recommender(config, policy, reward, parts.learned, parts.leave)
    refined = RefinedReward(reward, config.refinement)
    recommender = _recommender(config, policy, refined, refined.table, parts.leave)
    generator = torch_generator(config.seed, "selector", "weights")
    selector = Selector(config.selector, config.a2c, parts.predicted, policy.tracker.state_size, generator)
    weight = config.reward.uncertainty_weight
    return DARLR(recommender, selector, refined, parts.uncertainty, weight, config.refinement)


def _recommender(config: ExperimentConfig, policy: ActorCritic, reward: TableReward, learned: Tensor, leave: LeaveRule) -> A2C:
    kind = ReferenceA2C if config.reference_quirks else A2C
    return kind(policy, training_simulator(config, reward, leave), len(learned), config.a2c, learned)


def _from_the_log(
    config: ExperimentConfig, dataset: Dataset, policy: OfflinePolicy, leave: LeaveRule, device: torch.device
) -> OfflineLearner:
    repeats = config.training.allow_repeats
    everybody = config.offline.users == "all"
    order = None if config.reference_quirks else numpy_generator(config.seed, "replay")
    replay = replay_log(dataset.log, dataset.world, leave, config.leave.max_steps, repeats, everybody, order, device)
    if config.reference_quirks:
        replay = as_references_see(replay)
    return OfflineLearner(policy, replay, config.offline, repeats)
