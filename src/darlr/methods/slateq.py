"""SlateQ (Ie et al., IJCAI 2019): deep Q-learning of the worth of items inside slates, on a replay of simulated steps.

    Q(s, A) = sum over A of P(i | s, A) Q(s, i)                                          (their Eq. 11)
    loss    = huber(Q(s, i), r + gamma^n V(s'))       i is the chosen item               (Eqs. 12 and 16)
    V(s')   = max over slates A' of Q'(s', A')        `slateq.target: q_learning`        (Eq. 16)
    V(s')   = Q'(s', A') of the next slate            `slateq.target: sarsa`             (Eq. 12)

P is the choice model (`simulator/choice.py`) over the world model's estimates, and Q' the target network. If users may choose
nothing, "nothing" is in every slate and has a Q of its own. With v_i = exp(u_i), the best slate maximises

    (v_0 Q_0 + sum over A of v_i Q_i) / (v_0 + sum over A of v_i)                        (Eq. 19)

v_0 and Q_0 are those of nothing. `best_slates` solves it exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, StateScorer, outputs_of, without_blocked
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.policy import Policy, Rows
from darlr.agents.replaying.learner import Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.slates import SlateBatch, SlateLearner
from darlr.agents.settings import PolicyConfig, ReplayConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.dqn import dqn_loss
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.replaying import REPLAY_SPACE, Replaying
from darlr.simulator.choice import ConditionalLogit
from darlr.world.settings import SlateConfig


@dataclass(frozen=True)
class SlateQConfig(Section):
    """SlateQ's own settings (docs/methods/slateq.md)."""

    KEY: ClassVar[str] = "slateq"

    target: Annotated[
        Literal["q_learning", "sarsa"], Setting("the slate that a target values: the best next one, or the one that was shown")
    ] = "q_learning"
    optimiser: Annotated[
        Literal["exact", "top_k"], Setting("how slates are composed: the best slate, or the items with the largest v_i Q_i")
    ] = "exact"


class SlateQ(ExploringPolicy):
    """Shows the slate of the largest Q.

    Attributes:
        size: k, the number of items of its slates.
        estimates: (n_users, n_items) rewards by which users are expected to choose; rebuilt from the world model, not saved.
    """

    estimates: Tensor

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        slate: SlateConfig,
        own: SlateQConfig,
        generator: torch.Generator,
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            slate: the size of a slate, and the choice model.
            own: the target, and how slates are composed.
            generator: draws the initial weights.
        """
        nothing = {} if slate.nothing is None else {"nothing": 1}
        super().__init__(config, tracker, n_items, {"value": n_items, **nothing}, generator)
        self.size = slate.size
        self._slate, self._own = slate, own
        self.choice = ConditionalLogit.of(slate, (0.0, 1.0))
        self.register_buffer("estimates", torch.zeros(0, n_items), persistent=False)

    def know(self, estimates: Tensor, paid_range: tuple[float, float]) -> None:
        """Expect users to choose by `estimates` (n_users, n_items), whose rewards lie in `paid_range`."""
        self.estimates, self.choice = estimates, ConditionalLogit.of(self._slate, paid_range)

    def of_nothing(self, hidden: Tensor) -> Tensor:
        """Q (B, 1) of choosing nothing; 0 if users always choose an item."""
        if "nothing" not in self.heads:
            return hidden.new_zeros(hidden.shape[0], 1)
        value: Tensor = self.heads["nothing"](hidden)
        return value

    def value_of(self, hidden: Tensor, items: Tensor) -> Tensor:
        """Q (B,) of the chosen `items` (B,), one a row of `hidden` (B, h); n_items stands for nothing."""
        chosen = items < self.n_items
        values = outputs_of(self.heads["value"], hidden, torch.where(chosen, items, 0))
        return torch.where(chosen[:, None], values, self.of_nothing(hidden)).squeeze(1)

    def scores(self, moments: Moments) -> Tensor:
        """Q of every item less Q of nothing, (B, n_items): Eq. 19 needs no more than these differences."""
        hidden = self.hidden(moments)
        return without_blocked(self.heads["value"](hidden) - self.of_nothing(hidden), moments.blocking)

    def slates(self, users: Tensor, scores: Tensor, size: int) -> Tensor:
        """The slates (B, size) that it shows to `users` (B,) by the `scores` (B, n_items), items with larger scores first."""
        compose = best_slates if self._own.optimiser == "exact" else top_slates
        return compose(scores, self.choice.utilities(self.estimates[users]), self.choice, size)

    def explore(self, moments: Moments, epsilon: float, generator: torch.Generator) -> Tensor:
        """Choose slates (B, k): with probability `epsilon` a random one without blocked items, else the best."""
        best = self.slates(moments.users, self.exploring_scores(moments, generator), self.size)
        noise = torch.rand(len(best), self.n_items, generator=generator, device=best.device)
        random = without_blocked(noise, moments.blocking).topk(self.size, dim=1).indices
        exploring = torch.rand(len(best), 1, generator=generator, device=best.device) < epsilon
        return torch.where(exploring, random, best)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(batch, SlateBatch)
        assert isinstance(target, SlateQ)
        with torch.no_grad():
            targets = batch.returns + batch.discounts * self.following(batch, target)
        loss = dqn_loss(self.value_of(self.hidden(batch.now), batch.items), targets)
        return loss, {"value": loss}

    def following(self, batch: SlateBatch, target: "SlateQ") -> Tensor:
        """The values V (B,) of the states after the steps, by the `target` network."""
        users, hidden = batch.after.users, target.hidden(batch.after)
        nothing = target.of_nothing(hidden)
        scores = target.heads["value"](hidden) - nothing
        if self._own.target == "sarsa":
            slates = batch.following.clamp(max=self.n_items - 1)  # where an episode has ended, V counts 0 times
        else:
            slates = self.slates(users, without_blocked(scores, batch.after.blocking), self.size)
        utilities = self.choice.utilities(self.estimates[users])
        return nothing.squeeze(1) + slate_values(scores, utilities, self.choice, slates)

    def scorer(self) -> Scorer:
        return SlateScorer(self)

    def entity_rows(self) -> Mapping[str, Rows]:
        return {name: Rows("items") for name in ("tracker.item_vectors", "heads.value.weight", "heads.value.bias")}

    def average_user(self) -> dict[str, Tensor]:
        return {**super().average_user(), "estimates": self.estimates.mean(dim=0, keepdim=True)}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        super().append_user(rows)
        self.estimates = torch.cat([self.estimates, rows["estimates"]])


class SlateScorer(StateScorer):
    """The policy as a scorer. A list begins with its slate, also when it is drawn; other items follow by their scores."""

    policy: SlateQ

    def __init__(self, policy: SlateQ) -> None:
        super().__init__(policy)

    @torch.no_grad()
    def listed(self, users: Tensor, scores: Tensor, count: int) -> Tensor:
        size = min(count, self.policy.size)
        slates = self.policy.slates(users, scores, size)
        others = scores.scatter(1, slates, float("inf")).topk(count, dim=1).indices[:, size:]
        return torch.cat([slates, others], dim=1)

    def drawn(self, users: Tensor, scores: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return self.listed(users, scores, count)


def slate_values(scores: Tensor, utilities: Tensor, choice: ConditionalLogit, slates: Tensor) -> Tensor:
    """Q(s, A) less Q of nothing, (B,), of `slates` (B, k): the scores that are expected of the choice (Eq. 11).

    Args:
        scores: (B, n_items) Q of the items less Q of nothing.
        utilities: (B, n_items) of the items.
        choice: the choice model.
        slates: (B, k).
    """
    chances = choice.probabilities(utilities.gather(1, slates))[:, : slates.shape[1]]
    return (chances * scores.gather(1, slates)).sum(dim=1)


def best_slates(scores: Tensor, utilities: Tensor, choice: ConditionalLogit, size: int) -> Tensor:
    """The slates (B, size) with the largest Q(s, A), items with larger scores first; for the arguments see `slate_values`.

    The score of blocked items is -inf. The maximum of a ratio is a fixed point (Dinkelbach, Management Science 1967). A slate
    of value V is the best one if and only if no slate has a larger sum of v_i (score_i - V). The `size` largest such terms
    make up the next slate. Values only grow, and a few rounds reach the maximum that the paper finds by linear programming.
    """
    weights = _weights(utilities)
    slates = scores.topk(size, dim=1).indices
    values = slate_values(scores, utilities, choice, slates)
    while True:
        gains = torch.where(scores.isneginf(), scores, weights * (scores - values[:, None]))
        found = gains.topk(size, dim=1).indices
        reached = slate_values(scores, utilities, choice, found)
        better = reached > values
        if not better.any():
            return _ordered(slates, scores)
        slates, values = torch.where(better[:, None], found, slates), torch.where(better, reached, values)


def top_slates(scores: Tensor, utilities: Tensor, choice: ConditionalLogit, size: int) -> Tensor:
    """The `size` items with the largest v_i score_i, (B, size): the paper's top-k; for the arguments see `best_slates`."""
    products = torch.where(scores.isneginf(), scores, _weights(utilities) * scores)
    return _ordered(products.topk(size, dim=1).indices, scores)


def _weights(utilities: Tensor) -> Tensor:
    """The v_i (B, n_items), up to a factor of each row that keeps the largest at 1."""
    return (utilities - utilities.amax(dim=1, keepdim=True)).exp()


def _ordered(slates: Tensor, scores: Tensor) -> Tensor:
    return slates.gather(1, scores.gather(1, slates).argsort(dim=1, descending=True, stable=True))


@dataclass(frozen=True, kw_only=True)
class _SlateQMethod(Replaying):
    reads: tuple[type[Section], ...] = (ReplayConfig, SlateQConfig)

    by_request: ClassVar[bool] = False
    slates: ClassVar[bool] = True

    def policy(self, parts: PolicyParts) -> Policy:
        policy = super().policy(parts)
        assert isinstance(policy, SlateQ)
        policy.know(parts.estimated().to(parts.device), parts.paid_range)
        return policy

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        if not isinstance(policy, SlateQ):
            raise TypeError(f"method '{self.name}' learns no {type(policy).__name__}")
        config, world = parts.config, parts.world
        simulator = world.slate_simulator(config, world.reward, parts.lookback)
        own = config.own(ReplayConfig)
        return SlateLearner(policy, self.updates(parts, policy), simulator, world.n_users, own, world.learned)

    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        own = parts.config.own(ReplayConfig)
        updates = TargetedUpdates(policy, own.learning_rate, own.target_sync)
        assert isinstance(policy, SlateQ)
        assert isinstance(updates.target, SlateQ)
        updates.target.estimates = policy.estimates  # never changes, so one table is enough
        return updates


SLATEQ = _SlateQMethod(
    name="slateq",
    summary="Q-learning of items inside slates, by a model of what users choose",
    source="Ie et al., IJCAI 2019",
    page="slateq.md",
    space={**REPLAY_SPACE, "slateq.target": ["q_learning", "sarsa"]},
    build=lambda config, tracker, n_items, generator: SlateQ(
        config.policy, tracker, n_items, config.slate, config.own(SlateQConfig), generator
    ),
)
