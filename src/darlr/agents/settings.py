"""Settings of the networks and learners that several methods share."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import SINGLE, Section, Setting

ActorKind = Literal["network", "belief"]
HeadKind = Literal["linear", "tied"]
ItemVectors = Literal["world_model", "random"]


@dataclass(frozen=True)
class TrackerConfig(Section):
    """The state tracker: history -> state vector (docs/protocol.md, section 2; Eq. 14)."""

    KEY: ClassVar[str] = "tracker"

    kind: Annotated[str, Setting("name of the state tracker")] = "mean"
    window: Annotated[int, Setting("number of recent items that it reads", at_least=1, at_most=10_000)] = 3
    user_state: Annotated[bool, Setting("whether the state includes the world model's user embedding")] = False
    layers: Annotated[int, Setting("layers of a transformer, blocks of sasrec and nextitnet", at_least=1, at_most=100)] = 2
    heads: Annotated[int, Setting("attention heads of a transformer and sasrec", at_least=1, at_most=1_000)] = 1
    width: Annotated[
        int,
        Setting(
            "size of a state of every kind but the mean; published: the size of an item vector and its reward",
            multiple_of="heads",
            at_most=100_000,
        ),
    ] = 48
    horizontal_filters: Annotated[int, Setting("caser's filters of each height", at_least=1, at_most=10_000)] = 16
    vertical_filters: Annotated[int, Setting("caser's weighted sums of positions", at_least=1, at_most=10_000)] = 4
    item_vectors: Annotated[
        ItemVectors,
        Setting("initial item vectors; random (0.01 N(0, 1)) is that of the published ROLeR and GT"),
    ] = "world_model"


@dataclass(frozen=True)
class PolicyConfig(Section):
    """The policy's network; a comparison uses the same values for all its methods.

    The heads of the offline agents are linear; the optional terms apply to the actor-critic alone.
    """

    KEY: ClassVar[str] = "policy"

    actor: Annotated[
        ActorKind,
        Setting(
            "how items are scored: by a network over the state, or by the rewards that are learned from, corrected by the "
            "belief about the user (two parameters; needs world_model.kind factors)"
        ),
    ] = "network"
    hidden_sizes: Annotated[
        tuple[int, ...],
        Setting("sizes of the trunk's layers; an empty list: linear heads on the state", at_least=1, at_most=100_000),
    ] = (64, 64)
    head: Annotated[HeadKind, Setting("tied: an item's weights come from its vector and categories")] = "linear"
    prior_weight: Annotated[
        float,
        Setting("beta in: logits + beta * the world model's standardised estimate", at_least=0, at_most=1e6),
    ] = 0.0
    candidates: Annotated[
        int | None,
        Setting(
            "number of a user's best items, by the estimates, that the policy chooses among in an episode, besides the best of "
            "each category; at least the number of steps of an episode. null: all items, or 500 if there are more than 20,000 "
            "(docs/scaling.md)",
            at_least=1,
            at_most=10_000_000,
        ),
    ] = None
    category_window: Annotated[
        int,
        Setting(
            "w: a learned weight applies to items that share a category with one of the last w items; 0: off",
            at_least=0,
            at_most=10_000,
        ),
    ] = 0


@dataclass(frozen=True)
class A2CConfig(Section):
    """Advantage actor-critic (docs/protocol.md, section 6)."""

    KEY: ClassVar[str] = "a2c"

    learning_rate: Annotated[float, Setting("step size of Adam", above=0, at_most=SINGLE)] = 1e-3
    tracker_learning_rate: Annotated[float, Setting("step size of Adam for the state tracker", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, weight of a reward one step later", at_least=0, at_most=1)] = 0.9
    gae_lambda: Annotated[float, Setting("lambda of generalised advantage estimation", at_least=0, at_most=1)] = 1.0
    value_weight: Annotated[float, Setting("weight of the critic's loss", at_least=0, at_most=1e6)] = 0.5
    entropy_weight: Annotated[float, Setting("weight of the policy's entropy", at_least=0, at_most=1e6)] = 0.0
    max_gradient_norm: Annotated[
        float, Setting("gradients are scaled down to this norm; 0: no clipping", at_least=0, at_most=1e6)
    ] = 0.0
    normalise_advantages: Annotated[bool, Setting("whether a minibatch's advantages are standardised")] = False
    minibatch_size: Annotated[int, Setting("number of steps in a minibatch", at_least=1, at_most=10_000_000)] = 1024


@dataclass(frozen=True)
class SelectorConfig(Section):
    """DARLR's selector, which picks reference users (Eqs. 7-12)."""

    KEY: ClassVar[str] = "selector"

    references: Annotated[
        int, Setting("K_sel, number of reference users of a recommendation", at_least=1, at_most=1_000_000)
    ] = 20
    pool: Annotated[
        int, Setting("number of nearest users to choose among (at least 2 K_sel); 0: all users", at_least=0, at_most=10_000_000)
    ] = 100
    centred: Annotated[bool, Setting("whether the item means are subtracted from rows before cosines are computed")] = False
    estimate_weight: Annotated[
        float,
        Setting(
            "weight of the reference's r' in Eq. 12; 0: the user's own r', which is the same for all picks",
            at_least=0,
            at_most=1e6,
        ),
    ] = 0.0
    similarity_weight: Annotated[float, Setting("lambda_s, weight of similarity", at_least=0, at_most=1e6)] = 1.0
    diversity_weight: Annotated[float, Setting("lambda_d, weight of diversity", at_least=0, at_most=1e6)] = 0.1
    window: Annotated[int, Setting("w_sel, number of the last picks that the selector sees", at_least=1, at_most=10_000)] = 3
    layers: Annotated[int, Setting("Transformer layers", at_least=1, at_most=100)] = 1
    heads: Annotated[int, Setting("attention heads", at_least=1, at_most=1_000)] = 1
    width: Annotated[int, Setting("size of the selector's tokens", multiple_of="heads", at_most=100_000)] = 48
    training_visits: Annotated[
        int,
        Setting(
            "number of recommendations, of each collection, that the selector learns from; 0: all",
            at_least=0,
            at_most=1_000_000_000,
        ),
    ] = 256


@dataclass(frozen=True)
class OfflineConfig(Section):
    """The training loop of agents that learn from the log alone; the defaults are the published values (docs/protocol.md,
    section 8).
    """

    KEY: ClassVar[str] = "offline"

    learning_rate: Annotated[float, Setting("step size of Adam", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, weight of a reward one step later", at_least=0, at_most=1)] = 0.9
    n_step: Annotated[
        int, Setting("n, number of rewards in a target before the bootstrapped value", at_least=1, at_most=10_000)
    ] = 3
    batch_size: Annotated[int, Setting("number of logged steps in an update", at_least=1, at_most=10_000_000)] = 1024
    updates_per_epoch: Annotated[int, Setting("number of updates in an epoch", at_least=1, at_most=1_000_000_000)] = 1000
    target_sync: Annotated[
        int, Setting("number of updates between renewals of the target network", at_least=1, at_most=1_000_000_000)
    ] = 320
    learn_tracker: Annotated[bool, Setting("whether the state tracker and its item vectors are learned, too")] = False
    users: Annotated[
        Literal["all", "world"], Setting("users whose rows are replayed: all users of the log, or those of the test world")
    ] = "all"


@dataclass(frozen=True)
class ReplayConfig(Section):
    """The training loop of the agents that learn from a replay of simulated steps (docs/methods/replay.md)."""

    KEY: ClassVar[str] = "replay"

    learning_rate: Annotated[float, Setting("step size of Adam, of the state tracker too", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, weight of a reward one step later", at_least=0, at_most=1)] = 0.9
    n_step: Annotated[
        int, Setting("n, number of rewards in a target before the bootstrapped value", at_least=1, at_most=10_000)
    ] = 1
    batch_size: Annotated[int, Setting("replayed steps of an update", at_least=1, at_most=10_000_000)] = 256
    steps_per_update: Annotated[
        int, Setting("recommendations that are played for each update", at_least=1, at_most=10_000_000)
    ] = 10
    target_sync: Annotated[
        int, Setting("number of updates between renewals of the target network", at_least=1, at_most=1_000_000_000)
    ] = 320
    episodes: Annotated[int, Setting("number of newest episodes that are kept", at_least=1, at_most=10_000_000)] = 4000
    epsilon: Annotated[float, Setting("final probability of a random item while learning", at_least=0, at_most=1)] = 0.1
    annealing_steps: Annotated[
        int,
        Setting("recommendations over which that probability falls from 1; 0: at once", at_least=0, at_most=1_000_000_000_000),
    ] = 100_000


@dataclass(frozen=True)
class StaticConfig(Section):
    """Policies that follow the world model's estimates and learn nothing else (UCB, epsilon-greedy)."""

    KEY: ClassVar[str] = "static"

    epsilon: Annotated[float, Setting("probability of a random item; published: 0.3", at_least=0, at_most=1)] = 0.0
    bonus: Annotated[float, Setting("weight of the confidence bonus; published: 1", at_least=0, at_most=1e6)] = 0.0


@dataclass(frozen=True)
class BeliefConfig(Section):
    """The belief about a user's feedback, and the learning of `bayes-adaptive` (docs/methods/bayes-adaptive.md)."""

    KEY: ClassVar[str] = "belief"

    noise_levels: Annotated[
        tuple[float, ...],
        Setting(
            "possible shares of the log's noise that a user has, equally likely", above=0, at_most=1, filled=True, distinct=True
        ),
    ] = (1 / 64, 1 / 8, 1.0)
    distrust: Annotated[
        float,
        Setting(
            "a larger share for users whose feedback the model cannot explain; such feedback is nearly ignored",
            above=1,
            at_most=1e6,
        ),
    ] = 1000.0
    actor_learning_rate: Annotated[float, Setting("step size of Adam for log beta and lambda", above=0, at_most=SINGLE)] = 0.1
    critic_size: Annotated[int, Setting("number of hidden units of the critic", at_least=1, at_most=100_000)] = 64

    @property
    def levels(self) -> tuple[float, ...]:
        """All levels that a belief weighs; users of the posterior world have one of `noise_levels`."""
        return (*self.noise_levels, self.distrust)
