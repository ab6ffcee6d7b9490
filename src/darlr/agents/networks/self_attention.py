"""The self-attention blocks of SASRec (Kang and McAuley, ICDM 2018, "Self-Attentive Sequential Recommendation").

    h = x + SA(LayerNorm(x)),  y = h + FFN(LayerNorm(h)),  FFN(z) = relu(z W_1 + b_1) W_2 + b_2     (Eqs. 2 to 5, section III-B)

A position attends to itself and to the positions before it. The state tracker and the opponent share these blocks.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.encoder import initialise_linear

Dropping = Callable[[Tensor], Tensor]
"""Applies dropout or nothing to a tensor, and returns the same shape."""


class Dropout:
    """Sets a share of the numbers to 0 and scales the others up. It draws from a generator of its own."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        """
        Args:
            rate: the share, below 1.
            generator: on the tensors' device.
        """
        self._rate, self._generator = rate, generator

    def __call__(self, tensor: Tensor) -> Tensor:
        kept = torch.rand(tensor.shape, generator=self._generator, device=tensor.device) >= self._rate
        return tensor * kept / (1 - self._rate)


def keep(tensor: Tensor) -> Tensor:
    """No dropout: returns the tensor, of shape (n, ...), as it is."""
    return tensor


class SelfAttentionEncoder(nn.Module):
    """Blocks over w positions, newest last. The positions' vectors are learned; the oldest position that is present has the
    first one.
    """

    def __init__(self, width: int, window: int, layers: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(window, width, generator=generator) * 0.02)
        self.blocks = nn.ModuleList(_Block(width, heads, generator) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, inputs: Tensor, present: Tensor, drop: Dropping = keep) -> Tensor:
        """Encode every position, (B, w, width).

        A position's output depends on no later position and on no absent one. The outputs at absent positions have no meaning.

        Args:
            inputs: (B, w, width), for w up to the window.
            present: (B, w) bool.
            drop: dropout, or `keep`.
        """
        allowed = causal_mask(present)
        place = (present.cumsum(dim=1) - 1).clamp_min(0)
        hidden = drop(inputs + self.positions[place])
        for block in self.blocks:
            hidden = block(hidden, allowed, drop)
        normed: Tensor = self.norm(hidden)
        return normed


def causal_mask(present: Tensor) -> Tensor:
    """Whether a position (third axis) attends to another one (last axis), (B, 1, w, w) bool.

    A position sees itself and earlier present ones. Without itself, the softmax of an absent one would be over nothing, NaN.

    Args:
        present: (B, w) bool.
    """
    w = present.shape[1]
    itself = torch.eye(w, dtype=torch.bool, device=present.device)
    earlier = torch.ones(w, w, dtype=torch.bool, device=present.device).tril()
    return ((earlier & present[:, None, :]) | itself)[:, None]


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.widen = nn.Linear(width, width)
        self.narrow = nn.Linear(width, width)
        self.norm_attention = nn.LayerNorm(width)
        self.norm_feedforward = nn.LayerNorm(width)
        for linear in (self.query_key_value, self.out, self.widen, self.narrow):
            initialise_linear(linear, generator)

    def forward(self, hidden: Tensor, allowed: Tensor, drop: Dropping) -> Tensor:
        """The block's output, (B, w, width)."""
        batch, w, width = hidden.shape
        parts = self.query_key_value(self.norm_attention(hidden)).view(batch, w, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, heads, w, size) each
        scores = query @ key.transpose(2, 3) * (width // self.heads) ** -0.5
        weights = drop(scores.masked_fill(~allowed, float("-inf")).softmax(dim=3))
        attended = (weights @ value).transpose(1, 2).reshape(batch, w, width)
        hidden = hidden + drop(self.out(attended))
        output: Tensor = hidden + drop(self.narrow(F.relu(self.widen(self.norm_feedforward(hidden)))))
        return output
