"""Decision Transformer (Chen et al., NeurIPS 2021): imitates the log given the rest of an episode's return, and asks for a
high one.

    sequence   R_1, s_1, a_1, R_2, s_2, a_2, ...,  R_t = r_t + r_(t+1) + ... to the episode's end
    loss       the mean over t of -log pi(a_t | R_1, s_1, a_1, ..., R_t, s_t)
    acting     R_1 is the return that is asked for, R_(t+1) = R_t - r_t

A causal Transformer reads the last `context` steps, three tokens each. The item is predicted from the state's token. s_t is
the state tracker's state for the window before step t. Rewards are normalised to 0..1 by the range that the log declares,
and returns are in units of the largest logged return. The return to ask for is a quantile of the logged episodes' returns,
so it comes from the log alone; `darlr tune` chooses the quantile without the truth.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import blocking_items
from darlr.agents.networks.causal_transformer import CausalTransformer, initialise_weights
from darlr.agents.networks.encoder import initialise_linear
from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, without_blocked
from darlr.agents.offline.replay import Replay
from darlr.agents.policy import Rows
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.methods.cost import Work
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import OFFLINE_SPACE, TO_THE_END, Offline, offline_settings
from darlr.world.window import Window, start_item

TOKENS = 3
"""Number of tokens of a step: the rest of the return, the state and the item."""
CELL = 1.5e-9
"""Seconds per token and entry of a layer's square matrices: 97 updates/s at 300 items, batches of 256, two layers of 48."""


@dataclass(frozen=True)
class DecisionTransformerConfig(Section):
    """Settings of the Decision Transformer."""

    KEY: ClassVar[str] = "decision_transformer"

    context: Annotated[int, Setting("K, number of steps that it reads (published: 20 or 30)", at_least=1, at_most=1_000)] = 10
    layers: Annotated[int, Setting("Transformer layers (published: 3 or 6)", at_least=1, at_most=100)] = 2
    heads: Annotated[int, Setting("attention heads", at_least=1, at_most=1_000)] = 1
    width: Annotated[int, Setting("size of a token (published: 128)", multiple_of="heads", at_most=100_000)] = 48
    asked: Annotated[
        float, Setting("quantile of the logged episodes' returns that is asked for; 1: the best", at_least=0, at_most=1)
    ] = 0.9


class DecisionTransformer(OfflinePolicy):
    """An actor that is given a return to reach and samples its recommendations.

    Attributes:
        scale: the largest return of a logged episode (scalar).
        asked: the return to ask for, in units of `scale` (scalar).
    """

    deterministic = False
    normalised = True
    scale: Tensor
    asked: Tensor

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        settings: DecisionTransformerConfig,
        longest: int,
        generator: torch.Generator,
    ) -> None:
        """
        Args:
            config: the policy's settings.
            tracker: the state tracker.
            n_items: number of items.
            settings: the method's own settings.
            longest: number of steps of the longest episode.
            generator: draws the initial weights.
        """
        super().__init__(config, tracker, n_items, {"actor": n_items}, generator, state_size=settings.width)
        self._settings, self._longest = settings, longest
        self.sequence = settings.context
        self.embed_return = nn.Linear(1, settings.width)
        self.embed_state = nn.Linear(tracker.state_size, settings.width)
        self.embed_item = nn.Embedding(n_items, settings.width)
        self.embed_step = nn.Embedding(longest, settings.width)
        for linear in (self.embed_return, self.embed_state):
            initialise_linear(linear, generator)
        for embedding in (self.embed_item, self.embed_step):
            initialise_weights(embedding, generator)
        self.transformer = CausalTransformer(settings.width, settings.layers, settings.heads, generator)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("asked", torch.ones(()))

    @property
    def lookback(self) -> int:
        return lookback(self._longest, self._settings.context, self.tracker.window)

    def read(self, replay: Replay) -> None:
        ends = replay.last.nonzero().squeeze(1)
        brought = replay.seen.double().cumsum(0)[ends].diff(prepend=replay.seen.new_zeros(1, dtype=torch.float64))
        self.scale.copy_(brought.max().clamp(min=1e-6))
        self.asked.copy_(brought.quantile(self._settings.asked) / self.scale)

    def scores(self, moments: Moments) -> Tensor:
        window = moments.window
        hidden = self._hidden(moments.users, window, self._still_asked(window), None)
        return without_blocked(self.heads["actor"](self.trunk(hidden[:, -1])), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        window, blocking = batch.now.window, batch.now.blocking
        hidden = self._hidden(batch.now.users, window, batch.returns / self.scale, batch.items)
        ends = self._ends(window)
        items = torch.cat([window.items[:, ends[1:]], batch.items[:, None]], dim=1)
        loss = sequence_loss(
            self.heads["actor"](self.trunk(hidden)),
            items,
            window.items[:, ends] != self.tracker.absent_item,
            None if blocking is None else self._blocked_before(window, ends),
        )
        return loss, {"likelihood": loss}

    def entity_rows(self) -> dict[str, Rows]:
        return {**super().entity_rows(), "embed_item.weight": Rows("items")}

    def _ends(self, window: Window) -> Tensor:
        """The newest position of `window` before each step that is read, (K,)."""
        length = window.items.shape[1]
        return torch.arange(length - self._settings.context, length, device=window.items.device)

    def _still_asked(self, window: Window) -> Tensor:
        """R_t after `window`, (B,): the return asked for minus the rewards so far, but at least one step's share."""
        given = torch.where(window.items < self.n_items, window.rewards, 0.0).sum(dim=1) / self.scale
        return torch.maximum(self.asked - given, self.asked / self._longest)

    def _hidden(self, users: Tensor, window: Window, still: Tensor, items: Tensor | None) -> Tensor:
        """The outputs at the states' tokens, (B, K, width).

        Args:
            users: (B,).
            window: (B, L) the whole episode before the newest step.
            still: (B,) R of the newest step, in units of `scale`.
            items: (B,) the item of the newest step, if it is known; the prediction of that item does not see it.
        """
        ends = self._ends(window)
        newest = torch.zeros_like(users) if items is None else items
        taken = torch.cat([window.items[:, ends[1:]], newest[:, None]], dim=1).clamp(
            max=self.n_items - 1
        )  # absent positions are masked
        each = torch.stack(
            [self._returns(window, ends, still), self._states(users, window, ends), self.embed_item(taken)], dim=2
        )
        step = (window.items != self.tracker.absent_item).cumsum(dim=1)[:, ends] - 1
        tokens = each.tanh() + self.embed_step(step.clamp(0, self._longest - 1))[:, :, None]
        present = (window.items[:, ends] != self.tracker.absent_item).repeat_interleave(TOKENS, dim=1)
        hidden: Tensor = self.transformer(tokens.flatten(1, 2), present)
        return hidden[:, 1::TOKENS]

    def _returns(self, window: Window, ends: Tensor, still: Tensor) -> Tensor:
        """The embedded R of every step, (B, K, width): `still` (B,) plus the rewards from that step on."""
        given = window.rewards[:, ends].flip(1).cumsum(dim=1).flip(1) / self.scale  # starts at the position before each step
        later = torch.cat([given[:, 1:], torch.zeros_like(given[:, :1])], dim=1)
        embedded: Tensor = self.embed_return((still[:, None] + later)[:, :, None])
        return embedded

    def _states(self, users: Tensor, window: Window, ends: Tensor) -> Tensor:
        """The embedded states before every step, (B, K, width)."""
        size = self.tracker.window
        places = ends[:, None] + torch.arange(1 - size, 1, device=ends.device)  # (K, w)
        items, rewards = window.items[:, places].flatten(0, 1), window.rewards[:, places].flatten(0, 1)
        # Before the start there is no state. The start stands in for it, and its output is masked.
        newest = torch.where(items[:, -1:] == self.tracker.absent_item, start_item(self.n_items), items[:, -1:])
        windows = Window(torch.cat([items[:, :-1], newest], dim=1), rewards)
        states = self.tracker(users.repeat_interleave(len(ends)), windows)
        embedded: Tensor = self.embed_state(states).unflatten(0, (-1, len(ends)))
        return embedded

    def _blocked_before(self, window: Window, ends: Tensor) -> Tensor:
        """The items of the episode before every step, (B, K, n_items), in the form of `Moments.blocking`."""
        earlier = torch.arange(window.items.shape[1], device=ends.device) <= ends[:, None]
        had = torch.where(earlier, window.items[:, None], self.tracker.absent_item)  # (B, K, L)
        return blocking_items(had.flatten(0, 1), self.n_items).view(-1, len(ends), self.n_items)


def lookback(longest: int, context: int, window: int) -> int:
    """Number of positions that cover an episode of at most `longest` steps and the `window` before its oldest step read."""
    return max(longest, context) + window


def sequence_loss(logits: Tensor, items: Tensor, present: Tensor, blocking: Tensor | None) -> Tensor:
    """The mean (scalar) of -log pi(a) over the steps that are present.

    Args:
        logits: (B, K, n_items).
        items: (B, K) the logged items, none of which is blocked.
        present: (B, K) bool, whether the episode had begun.
        blocking: (B, K, n_items) as in `Moments`.
    """
    none = -100  # cross_entropy ignores this target
    return F.cross_entropy(without_blocked(logits, blocking).flatten(0, 1), torch.where(present, items, none).flatten())


@dataclass(frozen=True, kw_only=True)
class _DecisionTransformerMethod(Offline):
    def lookback(self, config: ExperimentConfig) -> int:
        context = config.own(DecisionTransformerConfig).context
        return max(super().lookback(config), lookback(config.leave.max_steps, context, config.tracker.window))

    def idle(self, key: str, config: ExperimentConfig) -> bool:
        return key == "offline.target_sync"

    def work(self, config: ExperimentConfig, items: int) -> Work:
        heads, own, loop = super().work(config, items), config.own(DecisionTransformerConfig), config.own(OfflineConfig)
        tokens = TOKENS * loop.batch_size * loop.updates_per_epoch
        return Work(heads.seconds + CELL * tokens * own.layers * own.width**2, heads.units, (heads.alike, own))


DECISION_TRANSFORMER = _DecisionTransformerMethod(
    name="decision-transformer",
    summary="imitation of the log by a Transformer that is told what the rest of an episode brought, and asked for much",
    source="Chen et al., NeurIPS 2021",
    page="decision-transformer.md",
    fixed={"offline.n_step": TO_THE_END, "offline.discount": 1.0, **NO_PENALTIES},
    published=offline_settings({"policy": {"hidden_sizes": []}}),
    space={
        "offline.learning_rate": OFFLINE_SPACE["offline.learning_rate"],
        "decision_transformer.context": [5, 10, 20],
        "decision_transformer.asked": [0.5, 0.75, 0.9, 1.0],
    },
    reads=(OfflineConfig, DecisionTransformerConfig),
    kind=DecisionTransformer,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy,
        tracker,
        n_items,
        config.own(DecisionTransformerConfig),
        config.leave.max_steps,
        generator,
    ),
)
