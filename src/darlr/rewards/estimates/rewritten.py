"""Estimates whose single cells are rewritten while a policy learns (DARLR, Eq. 15)."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from darlr.artifacts.schema import require_alike, require_tensors
from darlr.errors import InputError
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates


class RewrittenEstimates(Estimates):
    """Base class of estimates that can be written to."""

    @abstractmethod
    def write(self, users: Tensor, items: Tensor, values: Tensor) -> None:
        """Write `values` (n,) to the cells `users`, `items` (n,), each of which occurs once."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return the written cells for `restore`; the names begin with "table"."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the cells that `tensors()` returned.

        Raises:
            InputError: for tensors of other names, types or sizes.
        """


class RewrittenTable(KeptEstimates, RewrittenEstimates):
    """A table that is written to in place."""

    def write(self, users: Tensor, items: Tensor, values: Tensor) -> None:
        self.table()[users, items] = values

    def tensors(self) -> dict[str, Tensor]:
        return {"table": self.table()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        found = {"table": tensors["table"]}
        require_alike(found, self.tensors())
        self.table().copy_(found["table"])


class Overlay(RewrittenEstimates):
    """Written cells on top of other estimates. Only written cells are stored, so memory grows with the number of cells
    visited.
    """

    def __init__(self, base: Estimates) -> None:
        self._base = base
        self.n_users, self.n_items, self.device = base.n_users, base.n_items, base.device
        self._places = torch.empty(0, dtype=torch.int64, device=base.device)  # user * n_items + item, ascending
        self._values = torch.empty(0, device=base.device)

    def cells(self, users: Tensor, items: Tensor) -> Tensor:
        found, places = self._base.cells(users, items), users * self.n_items + items
        if not len(self._places):
            return found
        at = torch.searchsorted(self._places, places).clamp_(max=len(self._places) - 1)
        return torch.where(self._places[at] == places, self._values[at], found)

    def rows(self, users: Tensor) -> Tensor:
        rows = self._base.rows(users).clone()
        first, last = (torch.searchsorted(self._places, (users + more) * self.n_items) for more in (0, 1))
        counts = last - first
        owners = torch.repeat_interleave(counts)
        at = torch.arange(len(owners), device=self.device) + (first - counts.cumsum(0) + counts)[owners]
        rows[owners, self._places[at] % self.n_items] = self._values[at]
        return rows

    def write(self, users: Tensor, items: Tensor, values: Tensor) -> None:
        places, order = (users * self.n_items + items).sort()
        values = values[order]
        at = torch.searchsorted(self._places, places)
        known = torch.zeros_like(places, dtype=torch.bool)
        if len(self._places):
            known = self._places[at.clamp(max=len(self._places) - 1)] == places
            self._values[at[known]] = values[known]
        if not bool(known.all()):
            self._insert(at[~known], places[~known], values[~known])

    def _insert(self, before: Tensor, places: Tensor, values: Tensor) -> None:
        """Insert new `places` (n,), ascending, before the ones at `before` (n,)."""
        new = before + torch.arange(len(before), device=self.device)
        total = len(self._places) + len(new)
        old = torch.ones(total, dtype=torch.bool, device=self.device)
        old[new] = False
        both = places.new_empty(total), values.new_empty(total)
        for merged, former, added in zip(both, (self._places, self._values), (places, values), strict=True):
            merged[old], merged[new] = former, added
        self._places, self._values = both

    def tensors(self) -> dict[str, Tensor]:
        return {"table.places": self._places, "table.values": self._values}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        found = {name: tensors[name] for name in self.tensors()}
        require_tensors(found, {"table.places": (torch.int64, ["cells"]), "table.values": (torch.float32, ["cells"])})
        places, values = (tensor.to(self.device) for tensor in found.values())
        inside = not len(places) or (int(places[0]) >= 0 and int(places[-1]) < self.n_users * self.n_items)
        if not inside or bool((places.diff() <= 0).any()):
            raise InputError("tensor 'table.places' is not ascending inside the world")
        self._places, self._values = places, values


def rewritten(base: Estimates) -> RewrittenEstimates:
    """Return `base` in a form that can be written to: a copy of its table, or an overlay if there is none."""
    return RewrittenTable(base.table().clone()) if isinstance(base, KeptEstimates) else Overlay(base)
