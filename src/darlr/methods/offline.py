"""The methods that learn from the log alone; they differ in their loss (docs/methods/offline.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.offline.replay import Replay, replay_log
from darlr.agents.policy import Policy
from darlr.agents.settings import OfflineConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge
from darlr.data.dataset import Dataset
from darlr.data.sessions import sessions_of
from darlr.errors import InputError
from darlr.methods.cost import STEPS_OF_TESTS, Work, seconds_of_step
from darlr.methods.method import NO_PENALTIES, Method, Settings
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.simulator.learned_leave import LearnedLeave
from darlr.simulator.leave import Never

UPDATE, UPDATE_AND_VALUE = 3.3e-3, 2e-8
"""Seconds of an update, and of a value in it, from SQN's 208 and 108 updates/s at 300 items and batches of 256 and 1,024."""

OFFLINE_SPACE: Mapping[str, Any] = {
    "offline.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "offline.discount": [0, 0.5, 0.9, 0.99],
    "offline.n_step": [1, 3, 5],
}
TO_THE_END = 10_000
"""`offline.n_step` of methods whose returns reach to the end of an episode: the largest value allowed."""
RETURN_SPACE: Mapping[str, Any] = {key: values for key, values in OFFLINE_SPACE.items() if key != "offline.n_step"}
"""Search space of methods with a fixed number of steps of a return."""


def offline_settings(settings: Settings, yahoo: Settings | None = None) -> Mapping[str, Settings]:
    """The published settings of an agent that learns from the log alone; on Yahoo the users of the test world are replayed."""
    return {"": settings, "yahoo": merge(settings, {"offline": {"users": "world"}, **(yahoo or {})})}


def require_plain_heads(method: str, config: ExperimentConfig) -> None:
    """Raise `InputError` for settings of the actor-critic's terms and heads, which `method` lacks."""
    for key, default in (("actor", "network"), ("head", "linear"), ("prior_weight", 0.0), ("category_window", 0)):
        if getattr(config.policy, key) != default:
            raise InputError(
                f"config key 'policy.{key}' is {getattr(config.policy, key)!r}, but the heads of method '{method}' are "
                f"plain linear ones; expected {default!r}"
            )


def require_states_of_all(config: ExperimentConfig, dataset: Dataset, key: str, everybody: bool) -> None:
    """Raise `InputError` if a replayed user has no vector for the state.

    Args:
        config: the settings.
        dataset: the data set.
        key: the setting that chooses the replayed users, for the message.
        everybody: whether all users of the log are replayed.
    """
    strangers = dataset.log.n_users - dataset.world.n_users
    if config.tracker.user_state and everybody and strangers:
        raise InputError(
            f"config key 'tracker.user_state' is true, but the log has {strangers} users "
            f"whom the test world lacks, and whose rows are replayed; expected '{key}' to be 'world'"
        )


def order_of_rows(config: ExperimentConfig, dataset: Dataset) -> list[str]:
    """The notice on the order in which rows without time are replayed, if there are any."""
    if dataset.log.times is not None:
        return []
    order = "as they stand (reference_quirks)" if config.reference_quirks else "in random order"
    return [f"the log has no time, so each user's rows are replayed {order}"]


def replayed(parts: LearnerParts, everybody: bool) -> Replay:
    """The log as episodes.

    Args:
        parts: what the method learns from.
        everybody: whether rows of users that the test world lacks are replayed, too.
    """
    config, dataset = parts.config, parts.dataset
    leave, sessions = parts.world.leave, None
    if isinstance(leave, LearnedLeave):
        leave, sessions = Never(), sessions_of(dataset.log, config.leave.session_gap)
    replay = replay_log(
        dataset.log,
        dataset.world,
        leave,
        config.leave.max_steps,
        config.training.allow_repeats,
        everybody,
        parts.ways.replay_order(config.seed),
        parts.device,
        sessions,
    )
    return parts.ways.seen(replay)


@dataclass(frozen=True, kw_only=True)
class Offline(Method):
    """A method that learns from the log alone, replayed as episodes.

    Attributes:
        kind: the policy's class, whose losses define the method.
        build: (class, config, tracker, n_items, generator) -> the policy. The class is `kind`, or a variant of it.
    """

    kind: type[OfflinePolicy]
    build: Callable[[type[Any], ExperimentConfig, StateTracker, int, torch.Generator], OfflinePolicy]
    fixed: Settings = field(default_factory=lambda: NO_PENALTIES)
    reads: tuple[type[Section], ...] = (OfflineConfig,)

    offline: ClassVar[bool] = True
    slates: ClassVar[bool] = True  # a log's steps show one item, and a slate the items with the best scores

    def policy(self, parts: PolicyParts) -> Policy:
        generator = parts.generator("weights")
        tracker = parts.tracker(generator)
        kind = parts.ways.offline_policy(self.kind)
        return self.build(kind, parts.config, tracker, len(parts.items), generator).to(parts.device)

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, OfflinePolicy):
            raise TypeError(f"nothing is learned from the log for a {type(policy).__name__}")
        own = parts.config.own(OfflineConfig)
        return OfflineLearner(policy, replayed(parts, own.users == "all"), own, parts.config.training.allow_repeats)

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        require_plain_heads(self.name, config)
        require_states_of_all(config, dataset, "offline.users", config.own(OfflineConfig).users == "all")

    def notices(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        return order_of_rows(config, dataset)

    def work(self, config: ExperimentConfig, items: int) -> Work:
        own = config.own(OfflineConfig)
        update = UPDATE + UPDATE_AND_VALUE * own.batch_size * items
        seconds = update * own.updates_per_epoch + seconds_of_step(config, items) * STEPS_OF_TESTS
        return Work(seconds, own.updates_per_epoch, (config.tracker, config.policy, own.batch_size))
