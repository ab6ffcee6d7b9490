"""Building a run's learner with a new policy, and dividing its roll-outs."""

import torch

from darlr.agents.learning import Learner
from darlr.agents.recommending import RecommendingAgent
from darlr.cluster.workers import Workers
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.world import LearningWorld
from darlr.run.choosing import method_of, ways_of
from darlr.run.worlds import lookback_of
from darlr.world_model.model import WorldModel


def learner_of(
    config: ExperimentConfig, dataset: Dataset, model: WorldModel, learned_in: LearningWorld, device: torch.device
) -> Learner:
    """Make the learner of the policy of `config` in the world `learned_in`, which `model` describes."""
    method, ways, world = method_of(config), ways_of(config), dataset.world
    membership, estimates = learned_in.membership, learned_in.predicted
    parts = PolicyParts(config, ways, model, world.users, world.items, membership, estimates, dataset.paid_range, device)
    policy = method.policy(parts)
    return method.learner(LearnerParts(config, ways, dataset, model, learned_in, lookback_of(config), device), policy)


def divide_rollouts(learner: Learner, groups: int, workers: Workers) -> None:
    """Let `workers` play the collections of `learner` in `groups` groups; with one group, this process plays them whole.

    Raises:
        TypeError: for a learner without collections that can be divided. `Method.check` has refused darlr's own.
    """
    if groups == 1:
        return
    if not isinstance(learner, RecommendingAgent):
        raise TypeError(f"the collections of a {type(learner).__name__} cannot be divided into {groups} groups")
    learner.divide(groups, workers)
