"""Every setting of an experiment, with its default and its limits.

The defaults are the references' published ones (protocol sections 3 to 6) unless a comment says otherwise.
A value out of its limits raises `InputError` naming the key.
"""

from dataclasses import dataclass, field
from typing import Literal

from darlr.config.checks import require as _require
from darlr.config.offline import BCQConfig, CQLConfig, CRRConfig, OfflineConfig, SQNConfig, StaticConfig

LeaveBy = Literal["category", "distance", "never"]
TrackerKind = Literal["mean", "gru", "transformer"]
HeadKind = Literal["linear", "tied"]
ItemVectors = Literal["world_model", "random"]
LossKind = Literal["auto", "logged", "negatives"]
Weighting = Literal["mean", "sum", "divided", "normalised"]
NeighbourUncertainty = Literal["none", "model", "variance", "cosine_min", "cosine_mean", "cosine_max"]


@dataclass(frozen=True)
class DataConfig:
    """How a data set is read where there is a choice; one that the data set at hand does not have is refused.

    The defaults let nothing of the test world into the log, and are the references' elsewhere (docs/data.md).
    """

    reward: Literal["raw", "normalised"] = "raw"  # KuaiRec's log: watch ratios, or each item's z-scores (the references)
    normalisation: Literal["train", "all"] = "train"  # whose rows give items' means and spreads; all: the test's too (a leak)
    repeats: Literal["keep", "last", "mean", "sum"] = "keep"  # a pair that is logged several times
    missing_truth: Literal["zero", "masked"] = "zero"  # cells that the truth lacks; masked: no policy may recommend them
    logs: Literal["first", "both"] = "first"  # KuaiRand's training logs: the first fortnight, or all of the month
    features: Literal["reference", "all"] = "reference"  # what world models read beside ids and categories
    truth: Literal["published", "completed"] = "published"  # Coat's: RL4Rec's matrix, or what `darlr complete` made
    log_share: float = 0.1  # of MovieLens' ratings, drawn at random; the truth is completed from the others

    def __post_init__(self) -> None:
        _require(0 < self.log_share < 1, "data.log_share", self.log_share, "between 0 and 1, both excluded")


@dataclass(frozen=True)
class SyntheticConfig:
    """Size and seed of the built-in synthetic world (used by the data set `synthetic` alone)."""

    users: int = 1000
    items: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.users >= 2, "synthetic.users", self.users, "at least 2")
        _require(self.items >= 2, "synthetic.items", self.items, "at least 2")


@dataclass(frozen=True)
class WorldModelConfig:
    """The DeepFM ensemble and how it is fitted."""

    members: int = 5
    embedding_size: int = 16  # published: 8 (KuaiRand 4); 16 ranks held-out rows better
    hidden_sizes: tuple[int, ...] = (128, 128)
    loss: LossKind = "auto"  # logged rows only where they carry ratings, logged rows + negatives where all are positive
    error: Literal["gaussian", "squared"] = "gaussian"  # squared: no variance is learned (IPS, UCB, epsilon-greedy)
    weighting: Literal["equal", "inverse_count"] = "equal"  # of logged rows; by 1 / (rows about the item): IPS
    negatives_per_row: int = 5  # published: 3 on KuaiRec, 5 elsewhere
    batch_size: int = 0  # rows a step; 0: about 1/512 of the log's, 256 to 8,192; published: 4096, Coat 1024, Yahoo 128
    learning_rate: float = 1e-3
    weight_decay: float = 2e-2  # added to every gradient, times the weight; published: 0.2 on a loss summed over the batch
    max_epochs: int = 100  # published: always 5, without early stopping
    patience: int = 5  # epochs without a better held-out loss until fitting stops
    held_out: float = 0.1  # share of the log's rows that a member is stopped by

    def __post_init__(self) -> None:
        _require(self.members >= 1, "world_model.members", self.members, "at least 1")
        _require(self.embedding_size >= 1, "world_model.embedding_size", self.embedding_size, "at least 1")
        _require(
            all(size >= 1 for size in self.hidden_sizes) and len(self.hidden_sizes) >= 1,
            "world_model.hidden_sizes",
            self.hidden_sizes,
            "one or more sizes of at least 1",
        )
        _require(self.negatives_per_row >= 1, "world_model.negatives_per_row", self.negatives_per_row, "at least 1")
        _require(self.batch_size >= 0, "world_model.batch_size", self.batch_size, "0 or more")
        _require(self.learning_rate > 0, "world_model.learning_rate", self.learning_rate, "above 0")
        _require(self.weight_decay >= 0, "world_model.weight_decay", self.weight_decay, "0 or more")
        _require(self.max_epochs >= 1, "world_model.max_epochs", self.max_epochs, "at least 1")
        _require(self.patience >= 1, "world_model.patience", self.patience, "at least 1")
        _require(0 < self.held_out < 1, "world_model.held_out", self.held_out, "between 0 and 1, both excluded")


@dataclass(frozen=True)
class RewardConfig:
    """Weights of the reward's terms (Eqs. 4 and 6)."""

    uncertainty_weight: float = 0.0  # lambda_U
    entropy_weight: float = 0.0  # lambda_E
    entropy_orders: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        _require(self.uncertainty_weight >= 0, "reward.uncertainty_weight", self.uncertainty_weight, "0 or more")
        _require(self.entropy_weight >= 0, "reward.entropy_weight", self.entropy_weight, "0 or more")
        _require(
            all(order >= 1 for order in self.entropy_orders) and len(set(self.entropy_orders)) == len(self.entropy_orders),
            "reward.entropy_orders",
            self.entropy_orders,
            "distinct orders of at least 1",
        )


@dataclass(frozen=True)
class NeighbourConfig:
    """ROLeR's shaping of the estimates by each user's nearest users, the user itself included (protocol section 7)."""

    users: int = 0  # k; 0: no shaping
    weighting: Weighting = "normalised"
    uncertainty: NeighbourUncertainty = "none"  # what stands for P_U after the shaping
    centred: bool = False  # cosines of rows less the item means

    def __post_init__(self) -> None:
        _require(self.users >= 0, "neighbours.users", self.users, "0 or more")


@dataclass(frozen=True)
class SelectorConfig:
    """DARLR's selector, which picks reference users (Eqs. 7-12)."""

    references: int = 20  # K_sel
    pool: int = 100  # nearest users to choose among (2 K_sel if that is more); 0: all
    centred: bool = False  # cosines of rows less the item means
    estimate_weight: float = 0.0  # of the reference's r' in Eq. 12; 0: the user's own r', which is the same for all picks
    similarity_weight: float = 1.0  # lambda_s
    diversity_weight: float = 0.1  # lambda_d
    window: int = 3  # w_sel
    layers: int = 1
    heads: int = 1
    width: int = 48
    training_visits: int = 256  # recommendations of a collection whose selections the selector learns from; 0: all

    def __post_init__(self) -> None:
        _require(self.references >= 1, "selector.references", self.references, "at least 1")
        _require(self.pool >= 0, "selector.pool", self.pool, "0 or more")
        _require(self.estimate_weight >= 0, "selector.estimate_weight", self.estimate_weight, "0 or more")
        _require(self.similarity_weight >= 0, "selector.similarity_weight", self.similarity_weight, "0 or more")
        _require(self.diversity_weight >= 0, "selector.diversity_weight", self.diversity_weight, "0 or more")
        _require(self.window >= 1, "selector.window", self.window, "at least 1")
        _require(self.layers >= 1, "selector.layers", self.layers, "at least 1")
        _require(self.heads >= 1, "selector.heads", self.heads, "at least 1")
        _require(
            self.width >= 1 and self.width % self.heads == 0,
            "selector.width",
            self.width,
            f"a positive multiple of selector.heads ({self.heads})",
        )
        _require(self.training_visits >= 0, "selector.training_visits", self.training_visits, "0 or more")


@dataclass(frozen=True)
class RefinementConfig:
    """How DARLR's reward table and penalty are rewritten while the policy learns (Eqs. 15-17)."""

    reward: Literal["dynamic", "static"] = "dynamic"  # static: the table as it was at first
    penalty: Literal["dynamic", "static"] = "dynamic"  # static: P_U of the world model, or of ROLeR's shaping
    source: Literal["current", "initial"] = "current"  # the table that the reference users' estimates are read from
    write_back: bool = True
    keep_levels: bool = False  # average what references give beyond their own mean, and add the user's mean (darlr-plus)
    epsilon: float = 0.01  # lower bound of Eq. 16's denominator

    def __post_init__(self) -> None:
        _require(self.epsilon > 0, "refinement.epsilon", self.epsilon, "above 0")


@dataclass(frozen=True)
class LeaveConfig:
    """When a user quits (protocol section 1); each data set brings its own default."""

    by: LeaveBy = "category"
    window: int = 4  # N: how many recent items are compared
    tolerance: float = 0.0  # M: shared categories forgiven, or the distance below which items count as alike
    max_steps: int = 30

    def __post_init__(self) -> None:
        _require(self.window >= 1, "leave.window", self.window, "at least 1")
        _require(self.tolerance >= 0, "leave.tolerance", self.tolerance, "0 or more")
        _require(self.max_steps >= 1, "leave.max_steps", self.max_steps, "at least 1")


@dataclass(frozen=True)
class TrackerConfig:
    """The state tracker: history -> state vector (protocol section 2, Eq. 14)."""

    kind: TrackerKind = "mean"
    window: int = 3
    user_state: bool = False  # append the world model's user embedding to the state
    layers: int = 2  # Transformer layers
    heads: int = 1  # attention heads
    width: int = 48  # size of a Transformer's or GRU's state; published: that of an item vector and its reward
    item_vectors: ItemVectors = "world_model"  # what they are at first; random (0.01 N(0, 1)): the published ROLeR and GT

    def __post_init__(self) -> None:
        _require(self.window >= 1, "tracker.window", self.window, "at least 1")
        _require(self.layers >= 1, "tracker.layers", self.layers, "at least 1")
        _require(self.heads >= 1, "tracker.heads", self.heads, "at least 1")
        _require(
            self.width >= 1 and self.width % self.heads == 0,
            "tracker.width",
            self.width,
            f"a positive multiple of tracker.heads ({self.heads})",
        )


@dataclass(frozen=True)
class PolicyConfig:
    """The policy's network; a comparison shares these settings among all its methods.

    The heads of the offline agents are linear; the terms beside them are the actor-critic's alone.
    """

    hidden_sizes: tuple[int, ...] = (64, 64)  # of the trunk; none: linear heads on the state
    head: HeadKind = "linear"
    prior_weight: float = 0.0  # beta in: logits + beta * the world model's estimate, standardised as its targets are
    category_window: int = 0  # w of the learned weight on 'shares a category with one of the last w items'; 0: off

    def __post_init__(self) -> None:
        _require(all(size >= 1 for size in self.hidden_sizes), "policy.hidden_sizes", self.hidden_sizes, "sizes of at least 1")
        _require(self.prior_weight >= 0, "policy.prior_weight", self.prior_weight, "0 or more")
        _require(self.category_window >= 0, "policy.category_window", self.category_window, "0 or more")


@dataclass(frozen=True)
class A2CConfig:
    """Advantage actor-critic (protocol section 6)."""

    learning_rate: float = 1e-3
    tracker_learning_rate: float = 1e-3
    discount: float = 0.9  # gamma
    gae_lambda: float = 1.0
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    max_gradient_norm: float = 0.0  # 0: no clipping
    normalise_advantages: bool = False
    minibatch_size: int = 1024

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, "a2c.learning_rate", self.learning_rate, "above 0")
        _require(self.tracker_learning_rate > 0, "a2c.tracker_learning_rate", self.tracker_learning_rate, "above 0")
        _require(0 <= self.discount <= 1, "a2c.discount", self.discount, "from 0 to 1")
        _require(0 <= self.gae_lambda <= 1, "a2c.gae_lambda", self.gae_lambda, "from 0 to 1")
        _require(self.value_weight >= 0, "a2c.value_weight", self.value_weight, "0 or more")
        _require(self.entropy_weight >= 0, "a2c.entropy_weight", self.entropy_weight, "0 or more")
        _require(self.max_gradient_norm >= 0, "a2c.max_gradient_norm", self.max_gradient_norm, "0 or more")
        _require(self.minibatch_size >= 1, "a2c.minibatch_size", self.minibatch_size, "at least 1")


@dataclass(frozen=True)
class TrainingConfig:
    """The schedule: an epoch is at least `steps_per_epoch` recommendations of learning, then one test."""

    epochs: int = 200
    steps_per_epoch: int = 100_000
    environments: int = 100  # episodes per collection, all at once
    allow_repeats: bool = False  # whether an episode may recommend an item twice while learning (the references: yes)

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "training.epochs", self.epochs, "at least 1")
        _require(self.steps_per_epoch >= 1, "training.steps_per_epoch", self.steps_per_epoch, "at least 1")
        _require(self.environments >= 1, "training.environments", self.environments, "at least 1")


@dataclass(frozen=True)
class EvaluationConfig:
    """The test after every epoch (protocol section 3)."""

    episodes: int = 100
    held_out: float = 0.1  # share of the log that judges the policy where the data set has no truth
    referee: bool = False  # whether a world model that the policy did not learn from judges it, too (darlr tune)

    def __post_init__(self) -> None:
        _require(self.episodes >= 1, "evaluation.episodes", self.episodes, "at least 1")
        _require(0 < self.held_out < 1, "evaluation.held_out", self.held_out, "between 0 and 1, both excluded")


@dataclass(frozen=True)
class ExperimentConfig:
    """One run, whole: the same config and seed give the same numbers on the same machine."""

    dataset: str = "synthetic"
    method: str = "darlr"
    seed: int = 0
    reference_quirks: bool = False  # what the references do, slips included, for comparison alone (docs/reference_quirks.md)
    data: DataConfig = field(default_factory=DataConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    world_model: WorldModelConfig = field(default_factory=WorldModelConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    neighbours: NeighbourConfig = field(default_factory=NeighbourConfig)
    selector: SelectorConfig = field(default_factory=SelectorConfig)
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    leave: LeaveConfig = field(default_factory=LeaveConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    offline: OfflineConfig = field(default_factory=OfflineConfig)
    sqn: SQNConfig = field(default_factory=SQNConfig)
    bcq: BCQConfig = field(default_factory=BCQConfig)
    cql: CQLConfig = field(default_factory=CQLConfig)
    crr: CRRConfig = field(default_factory=CRRConfig)
    static: StaticConfig = field(default_factory=StaticConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
