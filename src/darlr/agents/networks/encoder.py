"""A small Transformer encoder over short windows; its output is the newest position (Vaswani et al., NeurIPS 2017; Eqs. 8
and 14).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NewestEncoder(nn.Module):
    """Encoder layers over w positions; the newest position is the summary.

    As in the reference code, the layers are post-norm, without dropout, and their feed-forward part is as wide as the
    state. Positions are learned and counted from the newest. The last layer computes the newest position alone.
    """

    def __init__(self, width: int, window: int, layers: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(window, width, generator=generator) * 0.02)
        self.layers = nn.ModuleList(_EncoderLayer(width, heads, generator) for _ in range(layers))

    def forward(self, inputs: Tensor, present: Tensor) -> Tensor:
        """Return (B, width) the summary of `inputs` (B, w, width), newest last; only positions that are `present` (B, w)
        are attended to.
        """
        hidden = inputs + self.positions
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            queries = hidden[:, -1:] if number == last else hidden
            hidden = layer(queries, hidden, present)
        return hidden[:, -1]


class _EncoderLayer(nn.Module):
    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.widen = nn.Linear(width, width)
        self.narrow = nn.Linear(width, width)
        self.norm_attention = nn.LayerNorm(width)
        self.norm_feedforward = nn.LayerNorm(width)
        for linear in (self.query, self.key_value, self.out, self.widen, self.narrow):
            initialise_linear(linear, generator)

    def forward(self, queries: Tensor, hidden: Tensor, present: Tensor) -> Tensor:
        """Return (B, q, width) for `queries` (B, q, width), which attend to `hidden` (B, w, width) where `present` (B, w)."""
        batch, length, width = hidden.shape
        size = width // self.heads
        query = self.query(queries).view(batch, -1, 1, self.heads, size)
        key, value = self.key_value(hidden).view(batch, 1, length, 2, self.heads, size).unbind(3)
        # Windows are short (3 to 10), so elementwise products and sums beat the general attention kernels.
        scores = (query * key).sum(dim=-1) * size**-0.5  # (B, q, w, heads)
        weights = scores.masked_fill(~present[:, None, :, None], float("-inf")).softmax(dim=2)
        attended = (weights.unsqueeze(-1) * value).sum(dim=2).reshape(batch, -1, width)
        queries = self.norm_attention(queries + self.out(attended))
        output: Tensor = self.norm_feedforward(queries + self.narrow(F.relu(self.widen(queries))))
        return output


def initialise_linear(linear: nn.Linear, generator: torch.Generator) -> None:
    """Initialise a linear layer in torch's default way, with numbers from `generator`."""
    bound = linear.in_features**-0.5
    nn.init.uniform_(linear.weight, -bound, bound, generator=generator)
    if linear.bias is not None:
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
