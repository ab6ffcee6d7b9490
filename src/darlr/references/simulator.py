"""The reference code's slips in leave rule and state, for comparison with published numbers alone
(docs/reference_quirks.md).
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from darlr.agents.networks.trackers import StateTracker, state_tracker
from darlr.agents.settings import TrackerConfig
from darlr.errors import InputError
from darlr.simulator.leave import LeaveRule
from darlr.simulator.simulator import Simulator
from darlr.world.window import absent_item


class WrappedWindow:
    """A leave rule that looks at the slice [t - N : t] of the t items so far; a negative start of the slice wraps around.

    For t < N it sees the last min(t, N - t) items: 1, 2 and 1 of them for t = 1, 2, 3 and N = 4 (protocol section 1).
    """

    def __init__(self, rule: LeaveRule, n_items: int) -> None:
        self.window = rule.window
        self._rule, self._n_items = rule, n_items

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        so_far = (recent < self._n_items).sum(dim=1, keepdim=True)  # min(t, N)
        seen = torch.where(so_far < self.window, torch.minimum(so_far, self.window - so_far), self.window)
        age = torch.arange(self.window, 0, -1, device=recent.device)  # the newest item has age 1
        return self._rule.leaves(items, recent.masked_fill(age > seen, absent_item(self._n_items)))


class NormalisedStart(Simulator):
    """A simulator whose start item has the reward 1, which is normalised like any other reward from the first step on.

    So the state of the first step is different when it is learned from than when the item was chosen (protocol section 2).
    """

    def step(self, items: Tensor) -> None:
        super().step(items)
        if self.step_number == 1:
            self._seen[:, self.lookback - 1] = normalised_start(self.rewards.low, self.rewards.high)


def normalised_start(low: float, high: float) -> float:
    """Return the start item's reward of 1, normalised in windows whose rewards lie between `low` and `high`."""
    return min((1 - low) / (high - low), 1.0)


DROPOUT = 0.1


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Inside, torch's own layers draw from a stream that `generator` seeds; outside, nothing is changed."""
    devices = [generator.device] if generator.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        yield


class OldestPositionTracker(StateTracker):
    """The references' Transformer: newest item first, absences are zeros that are attended to, read at the last position.

    It is torch's own, with sinusoidal positions and dropout; layers start alike. A batch is as long as its longest history.
    The first state of all is the start vector itself, which no layer has seen. A state is as wide as an item vector and its
    reward: `tracker.width` says nothing. Values are dropped in training mode alone, in which it is while A2C learns.
    """

    positions: Tensor

    def __init__(self, config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator) -> None:
        super().__init__(config, item_vectors, user_vectors, generator)
        width = self.input_size
        if width % config.heads:
            raise InputError(
                f"config key 'tracker.heads' is {config.heads}, but with 'reference_quirks' a Transformer's state has the size "
                f"of an item vector and its reward, {width}; expected a number that divides it"
            )
        self.register_buffer("positions", sinusoids(config.window, width), persistent=False)
        self.dropout = nn.Dropout(DROPOUT)
        with drawing_from(generator):
            layer = nn.TransformerEncoderLayer(width, config.heads, width, DROPOUT, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.eval()

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        length = int(present.sum(dim=1).max())
        newest_first = inputs[:, -length:].flip(dims=[1])
        if length == 1:
            return newest_first[:, 0]
        hidden: Tensor = self.encoder(self.dropout(newest_first + self.positions[:length]))
        return hidden[:, -1]


def sinusoids(length: int, width: int) -> Tensor:
    """(length, width) position codes: sines at even places, cosines at odd ones (Vaswani et al., NeurIPS 2017)."""
    frequency = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(length)[:, None] * frequency
    codes = torch.zeros(length, width)
    codes[:, 0::2] = angle.sin()
    codes[:, 1::2] = angle.cos()[:, : width // 2]
    return codes


def reference_tracker(
    config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
) -> StateTracker:
    """Make the tracker of `state_tracker`, over item vectors (n_items, d) and user vectors (n_users, d_u), with the
    reference code's Transformer.
    """
    kind = OldestPositionTracker if config.kind == "transformer" else state_tracker
    return kind(config, item_vectors, user_vectors, generator)
