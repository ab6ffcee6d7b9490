"""The batched environment: B episodes that start together, in buffers that are allocated once and written in place."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from darlr.rewards.source import RewardSource, normalised
from darlr.simulator.learned_leave import LearnedLeave, Tempers
from darlr.simulator.leave import LeaveRule
from darlr.world.window import Window, absent_item, start_item


@dataclass(frozen=True)
class Episodes:
    """B finished episodes of at most T steps (views of the simulator's buffers, valid until its reset).

    Attributes:
        users: (B,) int64 rows of the world.
        lengths: (B,) int64 number of steps, 1..T.
        items: (B, L + T) int64; column L + t is the item of step t, see `Window` for the columns before.
        seen_rewards: (B, L + T) float32, the normalised rewards at the same places.
        rewards: (B, T) float32 as paid, 0 after the end.
        slates: (B, T, k) the items that each step showed, absence after the end; None for single recommendations.
    """

    users: Tensor
    lengths: Tensor
    items: Tensor
    seen_rewards: Tensor
    rewards: Tensor
    slates: Tensor | None = None

    @property
    def lookback(self) -> int:
        """L, the number of positions of a window."""
        return self.items.shape[1] - self.rewards.shape[1]

    @property
    def actions(self) -> Tensor:
        """(B, T) the recommended items, or those chosen from slates; after an episode's end, the column that marks absence.

        A step whose user chose nothing has the column that marks the start.
        """
        return self.items[:, self.lookback :]

    @property
    def taken(self) -> Tensor:
        """(B, T) bool: whether the step was taken."""
        return torch.arange(self.rewards.shape[1], device=self.lengths.device) < self.lengths[:, None]

    @property
    def chosen(self) -> Tensor | None:
        """(B, T) bool: whether the user chose an item of the slate; None for single recommendations."""
        return None if self.slates is None else chosen_of(self.slates, self.actions) & self.taken

    def visits(self) -> "Visits":
        """Return all steps that were taken, episode by episode."""
        steps = self.rewards.shape[1]
        row, step = self.taken.nonzero(as_tuple=True)
        items = self.items.unfold(1, self.lookback, 1)[:, :steps]  # (B, T, L) views: the window before each step
        rewards = self.seen_rewards.unfold(1, self.lookback, 1)[:, :steps]
        chosen = None if (chosen := self.chosen) is None else chosen[row, step]
        window = Window(items[row, step], rewards[row, step])
        return Visits(row, step, self.users[row], self.actions[row, step], window, chosen)


def chosen_of(slates: Tensor, actions: Tensor) -> Tensor:
    """Return (...) bool: whether the `actions` (...) are items of the `slates` (..., k)."""
    return (slates == actions[..., None]).any(dim=-1)


@dataclass(frozen=True)
class Visits:
    """The n steps of finished episodes.

    Attributes:
        row, step: (n,) int64, the episode, and the number of the step in it.
        users, items: (n,) int64, the user, and the recommended item.
        window: (n, L) the window before the step.
        chosen: (n,) bool, whether the user chose an item of the slate; None for single recommendations.
    """

    row: Tensor
    step: Tensor
    users: Tensor
    items: Tensor
    window: Window
    chosen: Tensor | None = None


class Simulator:
    """Runs episodes in lock-step, and computes only on those that still run.

    Attributes:
        lookback: L, the number of positions of a window.
        allow_repeats: whether an episode may recommend an item twice; if not, `blocked` marks the items that it may not.
    """

    def __init__(
        self,
        rewards: RewardSource,
        leave: LeaveRule | LearnedLeave,
        n_items: int,
        max_steps: int,
        lookback: int,
        allow_repeats: bool,
    ) -> None:
        self.rewards, self.leave = rewards, leave
        self.n_items, self.max_steps = n_items, max_steps
        self.lookback = max(lookback, leave.window)
        self.allow_repeats = allow_repeats
        self._users = self._rows = torch.empty(0, dtype=torch.int64)  # no users until the first reset

    def anew(self) -> Self:
        """Return a simulator of the same world with memory of its own, which has begun no episodes."""
        fresh = copy(self)
        fresh._users = fresh._rows = torch.empty(0, dtype=torch.int64)
        return fresh

    @property
    def start_item(self) -> int:
        """The column that marks the start of an episode."""
        return start_item(self.n_items)

    @property
    def absent_item(self) -> int:
        """The column that marks positions before the start of an episode."""
        return absent_item(self.n_items)

    @property
    def running(self) -> bool:
        """Whether an episode still runs."""
        return len(self._rows) > 0

    def reset(self, users: Tensor, generator: torch.Generator | None = None) -> None:
        """Begin an episode for each of `users` (B,), rows of the world.

        Args:
            users: (B,) rows of the world.
            generator: draws what users do at random: when they leave, and what they choose from slates. Nothing is drawn
                for a rule without chance and single recommendations.

        Raises:
            ValueError: if users do something at random and there is no generator.
        """
        if isinstance(self.leave, LearnedLeave):
            if generator is None:
                raise ValueError("users leave at random, but nothing draws when; expected a generator")
            self._tempers = Tempers.draw(len(users), generator)
        if self._users.shape != users.shape or self._users.device != users.device:
            self._allocate(users)
        self._users.copy_(users)
        self._items.fill_(self.absent_item)
        self._items[:, self.lookback - 1] = self.start_item
        self._seen.zero_()
        self._seen[:, self.lookback - 1] = 1.0  # the start item's reward (protocol section 2)
        self._paid.zero_()
        self._lengths.zero_()
        if not self.allow_repeats:
            self._used.zero_()
        self._step = 0
        self._rows = self._everyone

    def _allocate(self, users: Tensor) -> None:
        episodes, width = len(users), self.lookback + self.max_steps
        self._users = torch.empty_like(users)
        self._everyone = torch.arange(episodes, device=users.device)
        self._items = torch.empty(episodes, width, dtype=torch.int64, device=users.device)
        self._seen = torch.empty(episodes, width, device=users.device)
        self._paid = torch.empty(episodes, self.max_steps, device=users.device)
        self._lengths = torch.empty(episodes, dtype=torch.int64, device=users.device)
        if not self.allow_repeats:
            self._used = torch.empty(episodes, self.n_items, dtype=torch.bool, device=users.device)

    @property
    def rows(self) -> Tensor:
        """(A,) the rows of the episodes that still run."""
        return self._rows

    @property
    def step_number(self) -> int:
        """The number of steps that the running episodes have taken."""
        return self._step

    @property
    def users(self) -> Tensor:
        """(A,) users of the running episodes."""
        return self._users[self._place]

    @property
    def _place(self) -> Tensor | slice:
        """The rows of the running episodes; a slice while all of them run, so that nothing is copied."""
        return slice(None) if len(self._rows) == len(self._everyone) else self._rows

    @property
    def window(self) -> Window:
        """The present window of the running episodes, (A, L)."""
        columns, place = slice(self._step, self._step + self.lookback), self._place
        return Window(self._items[:, columns][place], self._seen[:, columns][place])

    @property
    def blocked(self) -> Tensor | None:
        """(A, n_items) bool: items recommended before, if repeats are not allowed; else None."""
        return None if self.allow_repeats else self._used[self._place]

    def blocked_at(self, items: Tensor) -> Tensor | None:
        """Return (A, k) bool: which of `items` (A, k) were recommended before, if repeats are not allowed; else None."""
        return None if self.allow_repeats else self._used[self._rows[:, None], items]

    def step(self, items: Tensor) -> None:
        """Recommend `items` (A,) to the running episodes, pay, and end the episodes of users who leave."""
        place, window = self._place, self.window
        reward = self._pay(items, window)
        column = self.lookback + self._step
        self._items[place, column] = items
        self._paid[place, self._step] = reward
        self._seen[place, column] = normalised(reward, self.rewards)
        if not self.allow_repeats:
            self._block(items)
        self._step += 1
        self._lengths[place] = self._step
        if self._step == self.max_steps:
            self._rows = self._rows[:0]
            return
        self._rows = self._rows[~self._leaving(place, items, window.items[:, -self.leave.window :])]

    def _pay(self, items: Tensor, window: Window) -> Tensor:
        """Return (A,) the rewards of `items` (A,) after `window`."""
        return self.rewards.pay(self.users, items, window)

    def _block(self, items: Tensor) -> None:
        """Mark what may not be recommended again; `items` is (A,)."""
        self._used[self._rows, items] = True

    def _leaving(self, place: Tensor | slice, items: Tensor, recent: Tensor) -> Tensor:
        """Return (A,) bool: which of the running episodes, at `place`, end with `items` (A,) after `recent` (A, N)."""
        if not isinstance(self.leave, LearnedLeave):
            return self.leave.leaves(items, recent)
        return self.leave.leaves(self._users[place], items, recent, self._step, self._tempers, place)

    def episodes(self) -> Episodes:
        """Return the episodes in their present state."""
        return Episodes(self._users, self._lengths, self._items, self._seen, self._paid)


def roll_out(
    simulator: Simulator,
    users: Tensor,
    choose: Callable[[Simulator], Tensor],
    generator: torch.Generator | None = None,
) -> Episodes:
    """Run one episode for each of `users` (B,).

    Args:
        simulator: the simulator.
        users: (B,) rows of the world.
        choose: returns the items (A,), or slates (A, k), for the episodes that still run.
        generator: as in `Simulator.reset`.
    """
    simulator.reset(users, generator)
    while simulator.running:
        simulator.step(choose(simulator))
    return simulator.episodes()
