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

    kind: Annotated[str, Setting("which state tracker")] = "mean"
    window: Annotated[int, Setting("how many recent items it reads", at_least=1, at_most=10_000)] = 3
    user_state: Annotated[bool, Setting("append the world model's user embedding to the state")] = False
    layers: Annotated[int, Setting("Transformer layers", at_least=1, at_most=100)] = 2
    heads: Annotated[int, Setting("attention heads", at_least=1, at_most=1_000)] = 1
    width: Annotated[
        int,
        Setting(
            "size of a Transformer's or GRU's state; published: of an item vector and its reward",
            multiple_of="heads",
            at_most=100_000,
        ),
    ] = 48
    item_vectors: Annotated[
        ItemVectors,
        Setting("what item vectors are at first; random (0.01 N(0, 1)): the published ROLeR and GT"),
    ] = "world_model"


@dataclass(frozen=True)
class PolicyConfig(Section):
    """The policy's network; a comparison shares these settings among all its methods.

    The heads of the offline agents are linear; the terms beside them are the actor-critic's alone.
    """

    KEY: ClassVar[str] = "policy"

    actor: Annotated[
        ActorKind,
        Setting(
            "what scores the items: a network over the state, or the rewards that the method learns from, corrected by what is "
            "believed of the user (two parameters; needs world_model.kind factors)"
        ),
    ] = "network"
    hidden_sizes: Annotated[
        tuple[int, ...], Setting("sizes of the trunk's layers; none: linear heads on the state", at_least=1, at_most=100_000)
    ] = (64, 64)
    head: Annotated[HeadKind, Setting("tied: an item's weights come from its vector and categories")] = "linear"
    prior_weight: Annotated[
        float,
        Setting(
            "beta in: logits + beta * the world model's estimate, standardised as its targets are", at_least=0, at_most=1e6
        ),
    ] = 0.0
    candidates: Annotated[
        int | None,
        Setting(
            "best items of a user that the actor of bayes-adaptive chooses among in an episode, beside the best of each "
            "category, and no fewer than an episode has steps; left open: all items, or 500 of more than 20,000",
            at_least=1,
            at_most=10_000_000,
        ),
    ] = None
    category_window: Annotated[
        int,
        Setting(
            "w of the learned weight on 'shares a category with one of the last w items'; 0: off", at_least=0, at_most=10_000
        ),
    ] = 0


@dataclass(frozen=True)
class A2CConfig(Section):
    """Advantage actor-critic (docs/protocol.md, section 6)."""

    KEY: ClassVar[str] = "a2c"

    learning_rate: Annotated[float, Setting("step size of Adam", above=0, at_most=SINGLE)] = 1e-3
    tracker_learning_rate: Annotated[float, Setting("step size of Adam for the state tracker", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, what a reward counts one step later", at_least=0, at_most=1)] = 0.9
    gae_lambda: Annotated[float, Setting("lambda of generalised advantage estimation", at_least=0, at_most=1)] = 1.0
    value_weight: Annotated[float, Setting("of the critic's loss", at_least=0, at_most=1e6)] = 0.5
    entropy_weight: Annotated[float, Setting("of the policy's entropy", at_least=0, at_most=1e6)] = 0.0
    max_gradient_norm: Annotated[
        float, Setting("gradients are scaled down to this norm; 0: no clipping", at_least=0, at_most=1e6)
    ] = 0.0
    normalise_advantages: Annotated[bool, Setting("whether a minibatch's advantages are standardised")] = False
    minibatch_size: Annotated[int, Setting("steps of a minibatch", at_least=1, at_most=10_000_000)] = 1024


@dataclass(frozen=True)
class SelectorConfig(Section):
    """DARLR's selector, which picks reference users (Eqs. 7-12)."""

    KEY: ClassVar[str] = "selector"

    references: Annotated[int, Setting("K_sel, reference users a visit", at_least=1, at_most=1_000_000)] = 20
    pool: Annotated[
        int, Setting("nearest users to choose among (2 K_sel if that is more); 0: all", at_least=0, at_most=10_000_000)
    ] = 100
    centred: Annotated[bool, Setting("whether cosines are of rows less the item means")] = False
    estimate_weight: Annotated[
        float,
        Setting(
            "of the reference's r' in Eq. 12; 0: the user's own r', which is the same for all picks", at_least=0, at_most=1e6
        ),
    ] = 0.0
    similarity_weight: Annotated[float, Setting("lambda_s", at_least=0, at_most=1e6)] = 1.0
    diversity_weight: Annotated[float, Setting("lambda_d", at_least=0, at_most=1e6)] = 0.1
    window: Annotated[int, Setting("w_sel, how many of the last picks the selector sees", at_least=1, at_most=10_000)] = 3
    layers: Annotated[int, Setting("Transformer layers", at_least=1, at_most=100)] = 1
    heads: Annotated[int, Setting("attention heads", at_least=1, at_most=1_000)] = 1
    width: Annotated[int, Setting("size of its tokens", multiple_of="heads", at_most=100_000)] = 48
    training_visits: Annotated[
        int,
        Setting(
            "recommendations of a collection whose selections the selector learns from; 0: all",
            at_least=0,
            at_most=1_000_000_000,
        ),
    ] = 256


@dataclass(frozen=True)
class OfflineConfig(Section):
    """The training loop of the agents that learn from the log alone; published defaults (docs/protocol.md, section 8)."""

    KEY: ClassVar[str] = "offline"

    learning_rate: Annotated[float, Setting("step size of Adam", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, what a reward counts one step later", at_least=0, at_most=1)] = 0.9
    n_step: Annotated[int, Setting("rewards that a target counts before it looks at a value", at_least=1, at_most=10_000)] = 3
    batch_size: Annotated[int, Setting("logged steps of an update", at_least=1, at_most=10_000_000)] = 1024
    updates_per_epoch: Annotated[int, Setting("updates of an epoch", at_least=1, at_most=1_000_000_000)] = 1000
    target_sync: Annotated[
        int, Setting("updates after which the target network is renewed", at_least=1, at_most=1_000_000_000)
    ] = 320
    learn_tracker: Annotated[bool, Setting("whether the state tracker and its item vectors are learned, too")] = False
    users: Annotated[
        Literal["all", "world"], Setting("whose rows are replayed: every user's of the log, or those of the world's users")
    ] = "all"


@dataclass(frozen=True)
class ReplayConfig(Section):
    """The training loop of the agents that learn from a replay of simulated steps (docs/methods/replay.md)."""

    KEY: ClassVar[str] = "replay"

    learning_rate: Annotated[float, Setting("step size of Adam, of the state tracker too", above=0, at_most=SINGLE)] = 1e-3
    discount: Annotated[float, Setting("gamma, what a reward counts one step later", at_least=0, at_most=1)] = 0.9
    n_step: Annotated[int, Setting("rewards that a target counts before it looks at a value", at_least=1, at_most=10_000)] = 1
    batch_size: Annotated[int, Setting("replayed steps of an update", at_least=1, at_most=10_000_000)] = 256
    steps_per_update: Annotated[
        int, Setting("recommendations that are played for each update", at_least=1, at_most=10_000_000)
    ] = 10
    target_sync: Annotated[
        int, Setting("updates after which the target network is renewed", at_least=1, at_most=1_000_000_000)
    ] = 320
    episodes: Annotated[int, Setting("the newest episodes that are kept", at_least=1, at_most=10_000_000)] = 4000
    epsilon: Annotated[float, Setting("probability of a random item while learning, in the end", at_least=0, at_most=1)] = 0.1
    annealing_steps: Annotated[
        int,
        Setting("recommendations over which that probability falls from 1; 0: at once", at_least=0, at_most=1_000_000_000_000),
    ] = 100_000


@dataclass(frozen=True)
class StaticConfig(Section):
    """Policies that follow the world model's estimates and learn nothing beside (UCB, epsilon-greedy)."""

    KEY: ClassVar[str] = "static"

    epsilon: Annotated[float, Setting("probability of an item at random; published: 0.3", at_least=0, at_most=1)] = 0.0
    bonus: Annotated[float, Setting("weight of the confidence bonus; published: 1", at_least=0, at_most=1e6)] = 0.0


@dataclass(frozen=True)
class BeliefConfig(Section):
    """What is believed of a user's feedback, and what `bayes-adaptive` learns beside (docs/methods/bayes-adaptive.md)."""

    KEY: ClassVar[str] = "belief"

    noise_levels: Annotated[
        tuple[float, ...],
        Setting(
            "shares of the log's noise that a user may have, each as likely", above=0, at_most=1, filled=True, distinct=True
        ),
    ] = (1 / 64, 1 / 8, 1.0)
    distrust: Annotated[
        float,
        Setting("a further such share, at which feedback that the model cannot explain is not believed", above=1, at_most=1e6),
    ] = 1000.0
    actor_learning_rate: Annotated[float, Setting("step size of Adam for log beta and lambda", above=0, at_most=SINGLE)] = 0.1
    critic_size: Annotated[int, Setting("hidden units of the critic", at_least=1, at_most=100_000)] = 64

    @property
    def levels(self) -> tuple[float, ...]:
        """All levels that a belief weighs; users of the posterior world have one of `noise_levels`."""
        return (*self.noise_levels, self.distrust)
