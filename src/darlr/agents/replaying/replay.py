"""A replay of simulated steps: the newest finished episodes, whole, in tensors that are allocated once.

A checkpoint contains the replay. A learner uses steps that are epochs old, so a resumed run needs those very steps. Playing
them again would take the policies of all former epochs. The number of episodes is bounded, and a step takes 16 bytes: 4,000
episodes of 30 steps are about 2 MB.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from darlr.agents.acting import blocking_items
from darlr.agents.offline.policy import Batch, Moments
from darlr.artifacts.schema import require_alike, require_indices
from darlr.simulator.simulator import Episodes, Simulator
from darlr.world.window import OUTSIDE, Window, absent_item


class EpisodeReplay:
    """A ring buffer of episodes; a new collection overwrites the oldest.

    Attributes:
        played: number of steps that were ever added.
    """

    def __init__(self, capacity: int, simulator: Simulator, n_users: int, device: torch.device) -> None:
        """
        Args:
            capacity: number of episodes that are kept.
            simulator: plays the episodes.
            n_users: number of the simulator's users.
            device: device of the tensors.
        """
        self._lookback, self._longest = simulator.lookback, simulator.max_steps
        self._n_items, self._n_users, self._blocks = simulator.n_items, n_users, not simulator.allow_repeats
        columns = self._lookback + self._longest
        self._users = torch.zeros(capacity, dtype=torch.int64, device=device)
        self._lengths = torch.zeros(capacity, dtype=torch.int64, device=device)
        self._items = torch.full((capacity, columns), simulator.absent_item, device=device)
        self._seen = torch.zeros(capacity, columns, device=device)
        self._rewards = torch.zeros(capacity, self._longest, device=device)
        self.played, self._next = 0, 0
        self._count()

    def __len__(self) -> int:
        """The number of steps that are kept."""
        return self._kept

    def _count(self) -> None:
        self._ends = self._lengths.cumsum(0)
        self._kept = int(self._ends[-1])

    def add(self, episodes: Episodes) -> None:
        """Keep a collection. If it has more episodes than the capacity, the last ones are kept."""
        capacity = len(self._users)
        chosen = torch.arange(max(0, len(episodes.users) - capacity), len(episodes.users), device=self._users.device)
        places = (self._next + torch.arange(len(chosen), device=chosen.device)) % capacity
        self._store(places, episodes, chosen)
        self._next = (self._next + len(chosen)) % capacity
        self.played += int(episodes.lengths.sum())
        self._count()

    def _store(self, places: Tensor, episodes: Episodes, chosen: Tensor) -> None:
        """Copy the `chosen` (n,) episodes of a collection to the `places` (n,) of the ring."""
        self._users[places] = episodes.users[chosen]
        self._lengths[places] = episodes.lengths[chosen]
        self._items[places] = episodes.items[chosen]
        self._seen[places] = episodes.seen_rewards[chosen]
        self._rewards[places] = episodes.rewards[chosen]

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw episodes and steps in them, (size,) each, uniformly from all steps that are kept, with replacement."""
        drawn = torch.randint(self._kept, (size,), generator=generator, device=self._ends.device)
        rows = torch.searchsorted(self._ends, drawn, right=True)
        return rows, drawn - self._ends[rows] + self._lengths[rows]

    def batch(self, rows: Tensor, steps: Tensor, n_step: int, discount: float, window: int) -> Batch:
        """The batch of some steps, with n-step returns (see `n_step_returns`).

        Args:
            rows: (B,) episodes.
            steps: (B,) steps in these episodes.
            n_step: number of rewards in a return.
            discount: gamma.
            window: number of positions that the policy reads.
        """
        lengths = self._lengths[rows]
        returns = torch.zeros(len(rows), device=rows.device)
        for k in range(n_step):
            place = (steps + k).clamp(max=self._longest - 1)
            returns += torch.where(steps + k < lengths, discount**k * self._rewards[rows, place], 0.0)
        return Batch(
            now=self._moments(rows, steps, window),
            items=self._items[rows, self._lookback + steps],
            returns=returns,
            discounts=torch.where(steps + n_step < lengths, discount**n_step, 0.0),
            make_after=lambda: self._moments(rows, torch.minimum(steps + n_step, lengths - 1), window),
        )

    def _moments(self, rows: Tensor, steps: Tensor, window: int) -> Moments:
        """The moments before the steps."""
        columns = steps[:, None] + torch.arange(self._lookback - window, self._lookback, device=rows.device)
        seen = Window(self._items[rows[:, None], columns], self._seen[rows[:, None], columns])
        if not self._blocks:
            return Moments(self._users[rows], seen, None)
        earlier = torch.arange(self._longest, device=rows.device) < steps[:, None]
        return Moments(self._users[rows], seen, blocking_items(self._had(rows, earlier), self._n_items))

    def _had(self, rows: Tensor, earlier: Tensor) -> Tensor:
        """The items (B, M) that the episodes `rows` (B,) had at the `earlier` (B, T) steps; absence elsewhere."""
        return torch.where(earlier, self._items[rows, self._lookback :], absent_item(self._n_items))

    def tensors(self) -> dict[str, Tensor]:
        """All steps that are kept, by name, for a checkpoint."""
        return {
            "replay.users": self._users,
            "replay.lengths": self._lengths,
            "replay.items": self._items,
            "replay.seen": self._seen,
            "replay.rewards": self._rewards,
            "replay.played": torch.tensor(self.played),
            "replay.next": torch.tensor(self._next),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint; raises `InputError` for tensors of another kind."""
        own = self.tensors()
        kept = {name: tensor for name, tensor in tensors.items() if name.startswith("replay.")}
        require_alike(kept, own)
        for name, bound in self._bounds().items():
            require_indices(kept[f"replay.{name}"], f"replay.{name}", bound)
        for name, tensor in own.items():
            tensor.copy_(kept[name])
        self.played, self._next = int(kept["replay.played"]), int(kept["replay.next"])
        self._count()

    def _bounds(self) -> dict[str, int]:
        """The upper bounds, themselves excluded, of the numbers in saved tensors by name."""
        return {
            "users": self._n_users,
            "lengths": self._longest + 1,
            "items": self._n_items + OUTSIDE,
            "next": len(self._users),
        }
