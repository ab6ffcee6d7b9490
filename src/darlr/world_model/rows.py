"""The log's rows as the networks learn from them, and the members' division into training and held-out rows.

A large log's rows take more memory than everything else, so they are stored once, in 32 bits, and shared by all members.
Each member holds out another slice of one random order of all rows.
"""

from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from darlr.data.log import InteractionLog
from darlr.world_model.losses import inverse_counts
from darlr.world_model.model import Scale


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
            users=torch.tensor(log.users, dtype=torch.int32, device=device),
            items=torch.tensor(log.items, dtype=torch.int32, device=device),
            targets=torch.from_numpy(scale.standardise(log.rewards)).to(device),
            weights=torch.from_numpy(inverse_counts(log.items)).to(device) if weighting == "inverse_count" else equal,
            training=tuple(twice[start + held_out : start + n] for start in starts),
            held_out=tuple(twice[start : start + held_out] for start in starts),
        )

    def shuffled(self, generator: torch.Generator) -> Tensor:
        """Return (M, n - n_held) int32, each member's training rows in a new order; only one member's sort is in memory at
        a time.
        """
        shuffled = torch.empty(len(self.training), len(self.training[0]), dtype=torch.int32, device=self.users.device)
        for own, out in zip(self.training, shuffled, strict=True):
            order = torch.rand(len(own), generator=generator, device=own.device).argsort()
            torch.index_select(own, 0, order, out=out)
        return shuffled
