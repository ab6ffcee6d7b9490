"""DeepFM with a Gaussian head, M members computed together.

Every parameter has a leading member dimension, so a training step of the whole ensemble is one batched computation. A
prediction is the sum of a bias, linear terms, a factorisation machine and a multilayer perceptron (Guo et al., IJCAI 2017).
A second output of the perceptron is the log-variance, softly clamped (protocol section 4).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.errors import InputError
from darlr.world.world import ABSENT
from darlr.world_model.inputs import PADDING, Inputs
from darlr.world_model.row_adam import rows_of

LOG_VARIANCE_RANGE = (-10.0, 0.5)
EMBEDDING_SCALE = 0.01


def _soft_clamp(values: Tensor) -> Tensor:
    low, high = LOG_VARIANCE_RANGE
    values = high - F.softplus(high - values)
    return low + F.softplus(values - low)


@dataclass(frozen=True)
class Side:
    """The share of n users or n items in the predictions of their pairs, whatever the other side. It is computed once for
    many pairs.

    Attributes:
        score: (M, n), the linear terms, and the interactions among the side's own fields.
        embedded: (M, n, D), the sum of its embeddings; its inner product with the other side's gives the remaining
            interactions.
        hidden: (M, n, H), its share of the perceptron's first layer.
    """

    score: Tensor
    embedded: Tensor
    hidden: Tensor


class DeepFMEnsemble(nn.Module):
    """M DeepFM networks over the same inputs, each with its own weights.

    Shapes: V rows of the table, D embedding size, F fields, G numeric features, H hidden sizes.

    Attributes:
        table: (M, V, D + 1), the embeddings and, last, the linear weights; row `PADDING` is zero.
        sparse_gradient: whether the table's gradient is a sparse tensor of the rows that were read (`row_adam`).
    """

    sparse_gradient = False

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

    @torch.no_grad()
    def of_members(self, own: slice) -> "DeepFMEnsemble":
        """The networks of the members `own` alone, as they are now."""
        members = len(range(self.members)[own])
        part = DeepFMEnsemble(self.inputs, members, self.embedding_size, self.hidden_sizes, torch.Generator())
        for parameter, values in zip(part.parameters(), self.parameters(), strict=True):
            parameter.copy_(values[own])
        return part

    @torch.no_grad()
    def continue_from(self, former: "DeepFMEnsemble", rows: Tensor) -> None:
        """Copy the weights of `former`; new rows of the table keep their values.

        Args:
            former: the earlier networks.
            rows: (V,) int64, the former row of every row of the table, `ABSENT` for new ones.

        Raises:
            InputError: for networks of other sizes.
        """
        known = rows != ABSENT
        for (name, parameter), (_, values) in zip(self.named_parameters(), former.named_parameters(), strict=True):
            if name == "table" and parameter.shape[2] == values.shape[2] and self.members == former.members:
                parameter[:, known] = values[:, rows[known]]
            elif parameter.shape != values.shape:
                raise InputError(
                    f"'{name}' of the run's world model has the size {list(values.shape)}, and {list(parameter.shape)} is "
                    "needed; expected the same networks, features and number of categories that an item has at most"
                )
            else:
                parameter.copy_(values)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (M, B), for `users` and `items`, each (M, B) int64."""
        codes = torch.cat([self.user_codes[users], self.item_codes[items]], dim=-1)  # (M, B, F)
        fields = self._fields(codes)
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

    def _fields(self, codes: Tensor) -> Tensor:
        """Return (M, n, F, D + 1) the rows of the table that `codes`, (n, F) or (M, n, F), name; 0 for `PADDING`."""
        if self.sparse_gradient:
            fields = rows_of(self.table, codes.expand(self.members, *codes.shape[-2:]))
        else:
            rows = self.table.shape[1]
            offsets = torch.arange(self.members, device=codes.device).view(-1, 1, 1) * rows
            fields = F.embedding(codes + offsets, self.table.view(self.members * rows, -1))
        return fields * (codes != PADDING).unsqueeze(-1) if self._has_padding else fields

    def user_side(self, users: Tensor) -> Side:
        """Return the share of `users`, (n,) int64, in their pairs."""
        return self._side(self.user_codes[users], self.user_numeric[users], 0)

    def item_side(self, items: Tensor) -> Side:
        """Return the share of `items`, (m,) int64, in their pairs."""
        return self._side(self.item_codes[items], self.item_numeric[items], 1)

    def _side(self, codes: Tensor, numbers: Tensor, which: int) -> Side:
        """Return the share of users (`which` 0) or items (1) with `codes` (n, F) and `numbers` (n, G), or (M, n, .) by
        member.
        """
        fields = self._fields(codes)
        embedded, linear = torch.split(fields, [self.embedding_size, 1], dim=-1)
        total = embedded.sum(dim=2)
        interactions = 0.5 * (total.square() - embedded.square().sum(dim=2)).sum(dim=-1)
        counts = [self.user_numeric.shape[1], self.item_numeric.shape[1]]
        widths = [side.shape[1] * self.embedding_size for side in (self.user_codes, self.item_codes)]
        first = torch.split(self.weights[0], [*widths, *counts], dim=1)
        numeric = (numbers @ torch.split(self.numeric_weight, counts, dim=1)[which]).squeeze(-1)
        hidden = embedded.flatten(start_dim=2) @ first[which] + numbers @ first[2 + which]
        return Side(linear.squeeze(-1).sum(dim=-1) + numeric + interactions, total, hidden)

    def pairs(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return the results of `forward`, each (M, B); if a side has at most B users or items, each one's share is
        computed once.
        """
        own, other = self._sides_of_pairs(users, 0), self._sides_of_pairs(items, 1)
        score = own.score + other.score + (own.embedded * other.embedded).sum(dim=-1)
        return self._outputs(score, own.hidden + other.hidden + self.biases[0])

    def _sides_of_pairs(self, chosen: Tensor, which: int) -> Side:
        """Return the shares (M, B, ...) of the users (`which` 0) or items (1) `chosen`, (M, B)."""
        codes, numbers = ((self.user_codes, self.user_numeric), (self.item_codes, self.item_numeric))[which]
        if len(codes) > chosen.shape[1]:
            return self._side(codes[chosen], numbers[chosen], which)
        side = self._side(codes, numbers, which)
        place = chosen + torch.arange(self.members, device=chosen.device).unsqueeze(1) * len(codes)
        score, embedded, hidden = (
            F.embedding(place, part.reshape(self.members * len(codes), -1)) for part in (side.score, side.embedded, side.hidden)
        )
        return Side(score.squeeze(-1), embedded, hidden)

    def all_pairs(self, users: Side, items: Side) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (M, n, m), of all pairs, as in `forward`, from the shares of both sides."""
        score = users.score.unsqueeze(2) + items.score.unsqueeze(1) + users.embedded @ items.embedded.mT
        first = (users.hidden + self.biases[0]).unsqueeze(2) + items.hidden.unsqueeze(1)  # (M, n, m, H)
        mean, log_variance = self._outputs(score.flatten(1), first.flatten(1, 2))
        return mean.view_as(score), log_variance.view_as(score)

    def _outputs(self, score: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (M, B), from the score (M, B) and the first layer's sums `first` (M, B, H) of
        pairs.
        """
        hidden = F.relu(first, inplace=True)
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            hidden = F.relu(torch.baddbmm(bias, hidden, weight), inplace=True)
        output = hidden @ self.head
        return self.bias + score + output[..., 0], _soft_clamp(output[..., 1])

    def user_vectors(self) -> Tensor:
        """Return (U, F_u * D + G_u): each user's embeddings in the first member, side by side, then its numeric features
        (Eq. 2).
        """
        return self._vectors(self.user_codes, self.user_numeric)

    def item_vectors(self) -> Tensor:
        """Return (I, F_i * D + G_i): the same for items (Eq. 1; protocol section 2)."""
        return self._vectors(self.item_codes, self.item_numeric)

    def _vectors(self, codes: Tensor, numbers: Tensor) -> Tensor:
        embedded = F.embedding(codes, self.table[0, :, :-1]).flatten(start_dim=1)
        return torch.cat([embedded, numbers], dim=-1).detach()
