"""DeepFM with a Gaussian head, M members computed together.

Every parameter has a leading member dimension, so that a training step of the whole ensemble is one batched computation.
A prediction is the sum of a bias, linear terms, a factorisation machine and a multilayer perceptron (Guo et al., IJCAI 2017);
a second output of the perceptron is the log-variance, softly clamped (protocol section 4).
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.world_model.inputs import PADDING, Inputs

LOG_VARIANCE_RANGE = (-10.0, 0.5)
EMBEDDING_SCALE = 0.01


def _soft_clamp(values: Tensor) -> Tensor:
    low, high = LOG_VARIANCE_RANGE
    values = high - F.softplus(high - values)
    return low + F.softplus(values - low)


class DeepFMEnsemble(nn.Module):
    """M DeepFM networks over the same inputs, each with weights of its own.

    Shapes: V rows of the table, D embedding size, F fields, G numeric features, H hidden sizes.

    Attributes:
        table: (M, V, D + 1), the embeddings and, last, the linear weights; row `PADDING` is zero.
    """

    user_codes: Tensor
    item_codes: Tensor
    user_numeric: Tensor
    item_numeric: Tensor

    def __init__(
        self, inputs: Inputs, members: int, embedding_size: int, hidden_sizes: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.members = members
        self.embedding_size = embedding_size
        self.hidden_sizes = hidden_sizes
        self.inputs = inputs
        for name in ("user_codes", "item_codes", "user_numeric", "item_numeric"):
            self.register_buffer(name, getattr(inputs, name), persistent=False)
        self._has_padding = bool((inputs.item_codes == PADDING).any())

        self.table = nn.Parameter(torch.randn(members, inputs.rows, embedding_size + 1, generator=generator) * EMBEDDING_SCALE)
        self.numeric_weight = nn.Parameter(torch.zeros(members, inputs.numbers, 1))
        self.bias = nn.Parameter(torch.zeros(members, 1))
        sizes = [inputs.fields * embedding_size + inputs.numbers, *hidden_sizes]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            scale = (2.0 / fan_in) ** 0.5
            self.weights.append(nn.Parameter(torch.randn(members, fan_in, fan_out, generator=generator) * scale))
            self.biases.append(nn.Parameter(torch.zeros(members, 1, fan_out)))
        self.head = nn.Parameter(torch.randn(members, sizes[-1], 2, generator=generator) * sizes[-1] ** -0.5)
        with torch.no_grad():
            self.table[:, PADDING] = 0.0

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each (M, B), for `users` and `items`, each (M, B) int64."""
        codes = torch.cat([self.user_codes[users], self.item_codes[items]], dim=-1)  # (M, B, F)
        rows = self.table.shape[1]
        offsets = torch.arange(self.members, device=codes.device).view(-1, 1, 1) * rows
        fields = F.embedding(codes + offsets, self.table.view(self.members * rows, -1))  # (M, B, F, D + 1)
        if self._has_padding:
            fields = fields * (codes != PADDING).unsqueeze(-1)
        embedded, linear = fields[..., :-1], fields[..., -1]
        numbers = torch.cat([self.user_numeric[users], self.item_numeric[items]], dim=-1)  # (M, B, G)

        total = embedded.sum(dim=2)
        interactions = 0.5 * (total.square() - embedded.square().sum(dim=2)).sum(dim=-1)
        hidden = torch.cat([embedded.flatten(start_dim=2), numbers], dim=-1)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            hidden = F.relu(torch.baddbmm(bias, hidden, weight))
        output = hidden @ self.head  # (M, B, 2)
        mean = self.bias + linear.sum(dim=-1) + (numbers @ self.numeric_weight).squeeze(-1) + interactions + output[..., 0]
        return mean, _soft_clamp(output[..., 1])

    def user_vectors(self) -> Tensor:
        """(U, F_u * D + G_u): each user's embeddings in the first member, side by side, then its numbers (Eq. 2)."""
        return self._vectors(self.user_codes, self.user_numeric)

    def item_vectors(self) -> Tensor:
        """(I, F_i * D + G_i): likewise for items (Eq. 1; protocol section 2)."""
        return self._vectors(self.item_codes, self.item_numeric)

    def _vectors(self, codes: Tensor, numbers: Tensor) -> Tensor:
        embedded = F.embedding(codes, self.table[0, :, :-1]).flatten(start_dim=1)
        return torch.cat([embedded, numbers], dim=-1).detach()
