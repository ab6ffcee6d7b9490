"""The log's rows as the networks learn from them, and which member learns from which and holds out which.

A large log has more rows than anything else here has numbers. So members share the rows, in 32 bits, and on a CPU users and
items are the log's own columns. Each member holds out another slice of one random order of all rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.log import InteractionLog
from darlr.world_model.losses import inverse_counts
from darlr.world_model.model import Scale

SHUFFLED_UP_TO = 2**24
"""Most training rows of a member that are shuffled anew for each epoch: sorting more takes more memory than the log does."""

Batch = Callable[[int, int], Tensor]
"""From a first place and a place after the last: (M, B) int32, the rows that each member reads there in this epoch."""


@dataclass(frozen=True)
class Rows:
    """Pairs, targets and folds of n logged rows, on the device.

    Attributes:
        users, items: (n,) int32.
        targets: (n,) float32, standardised rewards.
        weights: (n,) float32, of the rows' losses, of mean 1.
        training: for each of M members (n - n_held,) int32, the rows that it learns from; views of one order of all rows.
        held_out: for each member (n_held,) int32, the rows that it does not read, likewise.
    """

    users: Tensor
    items: Tensor
    targets: Tensor
    weights: Tensor
    training: tuple[Tensor, ...]
    held_out: tuple[Tensor, ...]

    @classmethod
    def of(
        cls,
        log: InteractionLog,
        scale: Scale,
        weighting: Literal["equal", "inverse_count"],
        members: int,
        held_out: int,
        generator: torch.Generator,
        device: torch.device,
    ) -> Self:
        """The rows of `log`, of which each member holds out `held_out`, fewer than there are.

        Members' folds follow each other in an order that `generator` (on the CPU) draws, and begin anew at its end.
        """
        n = len(log)
        order = torch.randperm(n, generator=generator, dtype=torch.int32)
        twice = torch.cat([order, order]).to(device)  # so that a slice that runs over the end is a slice
        starts = [member * held_out % n for member in range(members)]
        equal = torch.ones((), device=device).expand(n)
        return cls(
            users=_shared(log.users).to(device),
            items=_shared(log.items).to(device),
            targets=torch.from_numpy(scale.standardise(log.rewards)).to(device),
            weights=torch.from_numpy(inverse_counts(log.items)).to(device) if weighting == "inverse_count" else equal,
            training=tuple(twice[start + held_out : start + n] for start in starts),
            held_out=tuple(twice[start : start + held_out] for start in starts),
        )

    @property
    def n_training(self) -> int:
        """How many rows each member learns from."""
        return len(self.training[0])

    def epoch(self, generator: torch.Generator, own: slice = slice(None)) -> Batch:
        """A new order of the training rows of each of the members `own`, whoever else is asked for."""
        if self.n_training > SHUFFLED_UP_TO:
            return self._strided(generator, own)
        shuffled = self._shuffled(generator, own)
        return lambda first, end: shuffled[:, first:end]

    def _shuffled(self, generator: torch.Generator, own: slice) -> Tensor:
        """(members, n - n_held) int32, uniformly random orders; one member's sort is in memory at a time."""
        asked = range(len(self.training))[own]
        shuffled = torch.empty(len(asked), self.n_training, dtype=torch.int32, device=self.users.device)
        for member, rows in enumerate(self.training):
            drawn = torch.rand(len(rows), generator=generator, device=rows.device)
            if member in asked:
                torch.index_select(rows, 0, drawn.argsort(), out=shuffled[member - asked.start])
        return shuffled

    def _strided(self, generator: torch.Generator, own: slice) -> Batch:
        """Orders that take no memory: member m reads place (a_m i + b_m) mod n of its training rows i-th.

        That visits each place once, since a_m and n have no common divisor. The rows behind the places are in random order
        already, so every batch is a random sample. New a_m and b_m put other rows together in every epoch.
        """
        n, device = self.n_training, self.users.device
        drawn = torch.randint(n, (len(self.training), 2), generator=generator, device=device).tolist()
        steps = [next(step for step in range(first + 1, first + n + 1) if math.gcd(step, n) == 1) for first, _ in drawn]

        def batch(first: int, end: int) -> Tensor:
            places = torch.arange(first, min(end, n), device=device)
            parts = zip(self.training[own], steps[own], drawn[own], strict=True)
            return torch.stack([rows[(places * (step % n) + start) % n] for rows, step, (_, start) in parts])

        return batch


def _shared(column: NDArray[np.int32]) -> Tensor:
    """A tensor in the memory of `column`, or of a copy where that cannot be written to, which torch asks for."""
    return torch.from_numpy(np.require(column, np.int32, ["C", "W"]))
