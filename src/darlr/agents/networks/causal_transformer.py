"""A causal Transformer over sequences of tokens, like GPT (Radford et al., 2018): each token sees itself and earlier tokens."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.networks.self_attention import causal_mask

SPREAD = 0.02
"""Standard deviation of the initial weights."""


class CausalTransformer(nn.Module):
    """Pre-norm layers with a feed-forward part (GELU) four times as wide as a token, and a final norm; no dropout."""

    def __init__(self, width: int, layers: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                initialise_weights(module, generator)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Encode every token, (B, n, width).

        Args:
            tokens: (B, n, width), oldest first.
            present: (B, n) bool; no other token sees an absent one.
        """
        visible = causal_mask(present)
        for layer in self.layers:
            tokens = layer(tokens, visible)
        output: Tensor = self.norm(tokens)
        return output


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.norm_attention = nn.LayerNorm(width)
        self.norm_feedforward = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, visible: Tensor) -> Tensor:
        """The layer's output, (B, n, width).

        Args:
            tokens: (B, n, width).
            visible: (B, 1, n, n) bool, whether a token attends to another.
        """
        each = self.query_key_value(self.norm_attention(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = each.permute(2, 0, 3, 1, 4)  # (B, heads, n, size) each
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        tokens = tokens + self.out(attended.transpose(1, 2).flatten(2))
        output: Tensor = tokens + self.narrow(F.gelu(self.widen(self.norm_feedforward(tokens))))
        return output


def initialise_weights(module: nn.Linear | nn.Embedding, generator: torch.Generator) -> None:
    """Initialise like GPT: small normal weights drawn from `generator`, and biases of 0."""
    nn.init.normal_(module.weight, std=SPREAD, generator=generator)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
