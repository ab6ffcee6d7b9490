"""The kinds of rewards that a policy may learn from: darlr's own, and those that others register (`reward.kind`)."""

from collections.abc import Callable
from dataclasses import dataclass

from darlr.data.dataset import Dataset
from darlr.registry import Registry
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.intrinsic import intrinsic_reward
from darlr.rewards.settings import RewardConfig
from darlr.rewards.source import RewardSource
from darlr.rewards.table import observed_reward, penalised_reward


@dataclass(frozen=True)
class RewardParts:
    """The parts of a reward.

    Attributes:
        dataset: the data to learn from, never the truth.
        predicted: the world model's estimates.
        learned: the estimates, averaged over neighbours if the method asks for it, or the true rewards for GT.
        entropy: the entropy term, or None if its weight is 0 or the log has no time.
        weights: the settings of the reward, as the method wants them.
    """

    dataset: Dataset
    predicted: Predicted
    learned: Predicted
    entropy: EntropyTerm | None
    weights: RewardConfig


@dataclass(frozen=True)
class RewardKind:
    """A kind of reward.

    Attributes:
        name: its value of `reward.kind`.
        summary: one line.
        build: builds it from its parts.
        whole_episode: whether it depends on all items of an episode, not only on those that the policy sees.
    """

    name: str
    summary: str
    build: Callable[[RewardParts], RewardSource]
    whole_episode: bool = False


PENALISED = RewardKind(
    "penalised",
    "the estimate, less its uncertainty, plus the entropy term (Eqs. 4 and 6)",
    lambda parts: penalised_reward(parts.learned.rewards, parts.learned.uncertainty, parts.entropy, parts.weights),
)

OBSERVED = RewardKind(
    "observed",
    "the estimate in the users' own range, without penalties and shift",
    lambda parts: observed_reward(parts.learned.rewards, parts.dataset.paid_range),
)

INTRINSIC = RewardKind(
    "intrinsic",
    "the estimate, plus a bonus for items unlike the episode's others and for items that few users like",
    lambda parts: intrinsic_reward(parts.dataset, parts.learned.rewards, parts.weights),
    whole_episode=True,
)

REWARDS: Registry[RewardKind] = Registry("reward", lambda: {kind.name: kind for kind in (PENALISED, OBSERVED, INTRINSIC)})


def register_reward(
    name: str, build: Callable[[RewardParts], RewardSource], summary: str = "", whole_episode: bool = False
) -> RewardKind:
    """Add a reward, which `reward.kind` may then name.

    Raises:
        InputError: if the name is taken.
    """
    return REWARDS.register(name, RewardKind(name, summary, build, whole_episode))
