"""Settings of the agents that learn from the log alone; the defaults are the published ones (protocol section 8)."""

from dataclasses import dataclass
from typing import Literal

from darlr.config.checks import require

ReplayedUsers = Literal["all", "world"]
AdvantageWeighting = Literal["exp", "binary", "none"]
ActingHead = Literal["value", "imitation"]


@dataclass(frozen=True)
class OfflineConfig:
    """The training loop that they share."""

    learning_rate: float = 1e-3
    discount: float = 0.9  # gamma
    n_step: int = 3  # rewards that a target counts before it looks at a value
    batch_size: int = 1024
    updates_per_epoch: int = 1000
    target_sync: int = 320  # updates after which the target network is renewed
    learn_tracker: bool = False  # whether the state tracker and its item vectors are learned, too
    users: ReplayedUsers = "all"  # whose rows are replayed: every user's of the log, or those of the world's users

    def __post_init__(self) -> None:
        require(self.learning_rate > 0, "offline.learning_rate", self.learning_rate, "above 0")
        require(0 <= self.discount <= 1, "offline.discount", self.discount, "from 0 to 1")
        require(self.n_step >= 1, "offline.n_step", self.n_step, "at least 1")
        require(self.batch_size >= 1, "offline.batch_size", self.batch_size, "at least 1")
        require(self.updates_per_epoch >= 1, "offline.updates_per_epoch", self.updates_per_epoch, "at least 1")
        require(self.target_sync >= 1, "offline.target_sync", self.target_sync, "at least 1")


@dataclass(frozen=True)
class SQNConfig:
    """Self-supervised Q-learning."""

    logit_penalty: float = 0.01  # weight of the mean squared imitation logit
    act_by: ActingHead = "value"  # which head recommends; the paper: imitation, the supervised one

    def __post_init__(self) -> None:
        require(self.logit_penalty >= 0, "sqn.logit_penalty", self.logit_penalty, "0 or more")


@dataclass(frozen=True)
class BCQConfig:
    """Batch-constrained Q-learning."""

    logit_penalty: float = 0.01  # weight of the mean squared imitation logit
    threshold: float = 0.6  # how likely an item has to be, relative to the likeliest, to come into question

    def __post_init__(self) -> None:
        require(self.logit_penalty >= 0, "bcq.logit_penalty", self.logit_penalty, "0 or more")
        require(0 <= self.threshold <= 1, "bcq.threshold", self.threshold, "from 0 to 1")


@dataclass(frozen=True)
class CQLConfig:
    """Conservative Q-learning."""

    quantiles: int = 20  # of an item's return; 1: its mean alone (published: Yahoo 10)
    min_q_weight: float = 10.0  # of the conservative term (published: Yahoo 1)

    def __post_init__(self) -> None:
        require(self.quantiles >= 1, "cql.quantiles", self.quantiles, "at least 1")
        require(self.min_q_weight >= 0, "cql.min_q_weight", self.min_q_weight, "0 or more")


@dataclass(frozen=True)
class CRRConfig:
    """Critic-regularised regression."""

    weighting: AdvantageWeighting = "exp"  # of a logged step by its advantage; none: plain imitation
    beta: float = 1.0  # temperature of "exp"
    bound: float = 20.0  # greatest weight of "exp"
    min_q_weight: float = 10.0  # of the conservative term

    def __post_init__(self) -> None:
        require(self.beta > 0, "crr.beta", self.beta, "above 0")
        require(self.bound > 0, "crr.bound", self.bound, "above 0")
        require(self.min_q_weight >= 0, "crr.min_q_weight", self.min_q_weight, "0 or more")


@dataclass(frozen=True)
class StaticConfig:
    """Policies that follow the world model's estimates and learn nothing beside (UCB, epsilon-greedy)."""

    epsilon: float = 0.0  # probability of an item at random; published: 0.3
    bonus: float = 0.0  # weight of the confidence bonus; published: 1

    def __post_init__(self) -> None:
        require(0 <= self.epsilon <= 1, "static.epsilon", self.epsilon, "from 0 to 1")
        require(self.bonus >= 0, "static.bonus", self.bonus, "0 or more")
