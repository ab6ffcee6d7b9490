"""The log's rows as the networks learn from them, and the members' division into training and held-out rows.

A large log's rows take more memory than everything else, so all members share them, in 32 bits. On a CPU, users and items are
the log's own columns. Each member holds out another slice of one random order of all rows.
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
"""The most training rows of a member that every epoch shuffles; sorting more would take more memory than the log does."""

Batch = Callable[[int, int], Tensor]
"""From a first place and the place after the last one to (M, B) int32, the rows that each member reads there in an epoch."""


@dataclass(frozen=True)
class Rows:
    """Pairs, targets and folds of n logged rows, on the device.

    Attributes:
        users, items: (n,) int32.
        targets: (n,) float32, standardised rewards.
        weights: (n,) float32, weights of the rows' losses, with mean 1.
        training: for each of M members (n - n_held,) int32, the rows that it learns from; views of one order of all rows.
        held_out: for each member (n_held,) int32, the rows that it does not read; views, too.
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
        """Divide the rows of `log`; each member holds out `held_out` of them.

        The members' folds follow each other in an order that `generator` (on the CPU) draws, and start again at its end.
        """
        n = len(log)
        order = torch.randperm(n, generator=generator, dtype=torch.int32)
        twice = torch.cat([order, order]).to(device)  # so that a fold that continues at the start is one slice
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
        """The number of rows that each member learns from."""
        return len(self.training[0])

    def epoch(self, generator: torch.Generator, own: slice = slice(None)) -> Batch:
        """Return a new order of the training rows of each of the members `own`; it does not depend on who else is asked for."""
        if self.n_training > SHUFFLED_UP_TO:
            return self._strided(generator, own)
        shuffled = self._shuffled(generator, own)
        return lambda first, end: shuffled[:, first:end]

    def _shuffled(self, generator: torch.Generator, own: slice) -> Tensor:
        """Return (members, n - n_held) int32, random orders; only one member's sort is in memory at a time."""
        asked = range(len(self.training))[own]
        shuffled = torch.empty(len(asked), self.n_training, dtype=torch.int32, device=self.users.device)
        for member, rows in enumerate(self.training):
            drawn = torch.rand(len(rows), generator=generator, device=rows.device)
            if member in asked:
                torch.index_select(rows, 0, drawn.argsort(), out=shuffled[member - asked.start])
        return shuffled

    def _strided(self, generator: torch.Generator, own: slice) -> Batch:
        """Return orders that take no memory: the i-th row that member m reads is at place (a_m i + b_m) mod n.

        This visits each place once, because a_m and n have no common divisor. The rows behind the places are in random order
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
    """Return a tensor in the memory of `column`, or of a copy of it if the column is read-only, which torch does not take."""
    return torch.from_numpy(np.require(column, np.int32, ["C", "W"]))
