"""Decision Transformer (Chen et al., NeurIPS 2021): imitate the log, told what the rest of the episode brought; ask for more.

    sequence   R_1, s_1, a_1, R_2, s_2, a_2, ...,  R_t = r_t + r_(t+1) + ... to the episode's end
    loss       the mean over t of -log pi(a_t | R_1, s_1, a_1, ..., R_t, s_t)
    acting     R_1 is the return that is asked for, R_(t+1) = R_t - r_t

A causal Transformer reads the last `context` steps, three tokens each, and the item is read off the state's token. s_t is what
the state tracker makes of the window before step t. Rewards are normalised to 0 to 1 by the range that the log declares, and
returns counted in units of the largest logged one. What is asked for is a quantile of the logged episodes' returns, so it comes
from the log alone; `darlr tune` chooses the quantile without the truth.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import blocking_items
from darlr.agents.networks.causal import CausalTransformer, initialise_weights
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
"""Of a step: what is still to come, the state, the item."""
CELL = 1.5e-9
"""Seconds of a cell of a layer's square matrices and a token: 97 updates/s at 300 items, batches of 256, two layers of 48."""


@dataclass(frozen=True)
class DecisionTransformerConfig(Section):
    """Decision Transformer."""

    KEY: ClassVar[str] = "decision_transformer"

    context: Annotated[int, Setting("K, how many steps it reads (published: 20 or 30)", at_least=1, at_most=1_000)] = 10
    layers: Annotated[int, Setting("Transformer layers (published: 3 or 6)", at_least=1, at_most=100)] = 2
    heads: Annotated[int, Setting("attention heads", at_least=1, at_most=1_000)] = 1
    width: Annotated[int, Setting("size of a token (published: 128)", multiple_of="heads", at_most=100_000)] = 48
    asked: Annotated[
        float, Setting("quantile of the logged episodes' returns that is asked for; 1: the best", at_least=0, at_most=1)
    ] = 0.9


class DecisionTransformer(OfflinePolicy):
    """An actor that is told what to bring; it recommends, by sampling.

    Attributes:
        scale: the largest return of a logged episode.
        asked: the return that is asked for, in units of it.
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
        """Args: longest: steps of the longest episode."""
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
        """(K,) the newest position of `window` before each step that is read."""
        length = window.items.shape[1]
        return torch.arange(length - self._settings.context, length, device=window.items.device)

    def _still_asked(self, window: Window) -> Tensor:
        """(B,) R_t after `window`: what is asked less what was given, but no less than one step's share."""
        given = torch.where(window.items < self.n_items, window.rewards, 0.0).sum(dim=1) / self.scale
        return torch.maximum(self.asked - given, self.asked / self._longest)

    def _hidden(self, users: Tensor, window: Window, still: Tensor, items: Tensor | None) -> Tensor:
        """(B, K, width) what the states' tokens become.

        Args:
            window: (B, L) what was visible before the newest step, the whole episode.
            still: (B,) R of the newest step, in units of `scale`.
            items: (B,) what was recommended then, if that is known; it is no part of what its own choice sees.
        """
        ends = self._ends(window)
        newest = torch.zeros_like(users) if items is None else items
        taken = torch.cat([window.items[:, ends[1:]], newest[:, None]], dim=1).clamp(
            max=self.n_items - 1
        )  # absent ones are masked
        each = torch.stack(
            [self._returns(window, ends, still), self._states(users, window, ends), self.embed_item(taken)], dim=2
        )
        step = (window.items != self.tracker.absent_item).cumsum(dim=1)[:, ends] - 1
        tokens = each.tanh() + self.embed_step(step.clamp(0, self._longest - 1))[:, :, None]
        present = (window.items[:, ends] != self.tracker.absent_item).repeat_interleave(TOKENS, dim=1)
        hidden: Tensor = self.transformer(tokens.flatten(1, 2), present)
        return hidden[:, 1::TOKENS]

    def _returns(self, window: Window, ends: Tensor, still: Tensor) -> Tensor:
        """(B, K, width) embedded R of every step: `still` (B,) and what was given from there on."""
        given = window.rewards[:, ends].flip(1).cumsum(dim=1).flip(1) / self.scale  # from the position before each step on
        later = torch.cat([given[:, 1:], torch.zeros_like(given[:, :1])], dim=1)
        embedded: Tensor = self.embed_return((still[:, None] + later)[:, :, None])
        return embedded

    def _states(self, users: Tensor, window: Window, ends: Tensor) -> Tensor:
        """(B, K, width) embedded states before every step."""
        size = self.tracker.window
        places = ends[:, None] + torch.arange(1 - size, 1, device=ends.device)  # (K, w)
        items, rewards = window.items[:, places].flatten(0, 1), window.rewards[:, places].flatten(0, 1)
        # Before the start there is no state; the start stands in for it, and what comes of it is masked.
        newest = torch.where(items[:, -1:] == self.tracker.absent_item, start_item(self.n_items), items[:, -1:])
        windows = Window(torch.cat([items[:, :-1], newest], dim=1), rewards)
        states = self.tracker(users.repeat_interleave(len(ends)), windows)
        embedded: Tensor = self.embed_state(states).unflatten(0, (-1, len(ends)))
        return embedded

    def _blocked_before(self, window: Window, ends: Tensor) -> Tensor:
        """(B, K, n_items) as `Moments.blocking`: what the episode had had before every step."""
        earlier = torch.arange(window.items.shape[1], device=ends.device) <= ends[:, None]
        had = torch.where(earlier, window.items[:, None], self.tracker.absent_item)  # (B, K, L)
        return blocking_items(had.flatten(0, 1), self.n_items).view(-1, len(ends), self.n_items)


def lookback(longest: int, context: int, window: int) -> int:
    """How many positions show all of an episode of `longest` steps, and the `window` before the oldest step of `context`."""
    return max(longest, context) + window


def sequence_loss(logits: Tensor, items: Tensor, present: Tensor, blocking: Tensor | None) -> Tensor:
    """The mean of -log pi(a) over the steps that are present.

    Args:
        logits: (B, K, n_items).
        items: (B, K) what the log recommended, none of which is blocked.
        present: (B, K) bool, whether the episode had begun.
        blocking: (B, K, n_items) as in `Moments`.
    """
    none = -100  # what cross_entropy leaves out
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
