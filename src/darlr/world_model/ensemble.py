"""The DeepFM ensemble as a fitted world model: means, variances and embeddings in the log's reward units."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from darlr.artifacts.schema import Keys, Shape, list_of, require, require_indices, require_tensors, whole
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.inputs import Inputs
from darlr.world_model.model import SCALE, Scale

BLOCK = 8_192
"""The number of pairs predicted at once; it bounds the memory of a whole matrix's prediction."""

STATE = Keys(
    {
        "rows": whole(1),
        "members": whole(1),
        "embedding_size": whole(1),
        "hidden_sizes": list_of(whole(1)),
        "scale": SCALE,
    }
)

INPUTS: Mapping[str, Shape] = {
    "user_codes": (torch.int64, ["users", "user fields"]),
    "item_codes": (torch.int64, ["items", "item fields"]),
    "user_numeric": (torch.float32, ["users", "user numbers"]),
    "item_numeric": (torch.float32, ["items", "item numbers"]),
}


class EnsembleModel:
    """An ensemble that predicts the reward that a user would give an item."""

    network: DeepFMEnsemble
    scale: Scale

    def __init__(self, network: DeepFMEnsemble, scale: Scale) -> None:
        self.network = network.eval()
        self.scale = scale

    @torch.no_grad()
    def predict(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every pair of `users` (n,) and `items` (m,), indices into the log's vocabularies.

        Returns:
            r: (n, m) float32, mean over the members' means (Eq. 3).
            P_U: (n, m) float32, largest variance over the members (section 3.1 of the paper), in squared reward units.
        """
        estimate = torch.empty(len(users), len(items), device=users.device)
        uncertainty = torch.empty_like(estimate)
        for first in range(0, len(items), BLOCK):
            columns = slice(first, min(first + BLOCK, len(items)))
            item_side = self.network.item_side(items[columns])
            step = BLOCK // (columns.stop - columns.start)
            for start in range(0, len(users), step):
                rows = slice(start, start + step)
                mean, log_variance = self.network.all_pairs(self.network.user_side(users[rows]), item_side)
                estimate[rows, columns] = mean.mean(dim=0)
                uncertainty[rows, columns] = log_variance.amax(dim=0).exp()
        return estimate.mul_(self.scale.spread).add_(self.scale.centre), uncertainty.mul_(self.scale.spread**2)

    @torch.no_grad()
    def expected(self, users: Tensor, items: Tensor) -> Tensor:
        """Return (n,) the estimates of n pairs, user `users[k]` and item `items[k]`."""
        members = self.network.members
        parts = [
            self.network.pairs(own_users.expand(members, -1), own_items.expand(members, -1))[0].mean(dim=0)
            for own_users, own_items in zip(torch.split(users, BLOCK), torch.split(items, BLOCK), strict=True)
        ]
        return torch.cat(parts) * self.scale.spread + self.scale.centre

    def user_vectors(self) -> Tensor:
        """Return (U, d_u): each user's embeddings in the first member, side by side, then its numeric features (Eq. 2)."""
        return self.network.user_vectors()

    def item_vectors(self) -> Tensor:
        """Return (I, d): the same for items (Eq. 1)."""
        return self.network.item_vectors()

    def tensors(self) -> dict[str, Tensor]:
        """Return all learned tensors and the inputs' codes, so that predictions need nothing else."""
        inputs = self.network.inputs
        codes = {f"inputs.{field.name}": getattr(inputs, field.name) for field in fields(Inputs) if field.name != "rows"}
        return {**codes, **self.network.state_dict()}

    def state(self) -> dict[str, Any]:
        """Return the sizes and the scale, as plain values."""
        network = self.network
        return {
            "rows": network.inputs.rows,
            "members": network.members,
            "embedding_size": network.embedding_size,
            "hidden_sizes": list(network.hidden_sizes),
            "scale": asdict(self.scale),
        }

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor], state: Mapping[str, Any], device: torch.device) -> "EnsembleModel":
        """Restore the model that `tensors()` and `state()` describe, on `device`.

        Raises:
            InputError: if they describe no model.
        """
        require(state, STATE, "its state")
        codes = {name.removeprefix("inputs."): tensor for name, tensor in tensors.items() if name.startswith("inputs.")}
        require_tensors(codes, INPUTS)
        weights = {name: tensor for name, tensor in tensors.items() if not name.startswith("inputs.")}
        inputs = Inputs(**codes, rows=state["rows"])
        require_tensors(weights, _shapes(state, inputs))
        for name in ("user_codes", "item_codes"):
            require_indices(codes[name], f"inputs.{name}", inputs.rows)
        network = DeepFMEnsemble(
            inputs,
            state["members"],
            state["embedding_size"],
            tuple(state["hidden_sizes"]),
            torch.Generator(),
        )
        network.load_state_dict(weights)
        return cls(network.to(device), Scale(**state["scale"]))


def _shapes(state: Mapping[str, Any], inputs: Inputs) -> dict[str, Shape]:
    """Return the shapes of the weights of an ensemble with the sizes in `state`, to be checked before the ensemble is built."""
    members, size = state["members"], state["embedding_size"]
    layers = [inputs.fields * size + inputs.numbers, *state["hidden_sizes"]]
    shapes: dict[str, Shape] = {
        "table": (torch.float32, [members, inputs.rows, size + 1]),
        "numeric_weight": (torch.float32, [members, inputs.numbers, 1]),
        "bias": (torch.float32, [members, 1]),
        "head": (torch.float32, [members, layers[-1], 2]),
    }
    for layer, (fan_in, fan_out) in enumerate(pairwise(layers)):
        shapes[f"weights.{layer}"] = (torch.float32, [members, fan_in, fan_out])
        shapes[f"biases.{layer}"] = (torch.float32, [members, 1, fan_out])
    return shapes
