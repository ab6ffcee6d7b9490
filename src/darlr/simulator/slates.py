"""Slates: a step shows k items, and the user chooses one of them or none (docs/protocol.md, section 9).

A window holds what was chosen. A step whose user chose nothing has the column of the start in it, with the reward 0; the
start itself has the reward 1. So no window is without a position, and no rule sees a category there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.source import RewardSource
from darlr.simulator.choice import ConditionalLogit, choose_places
from darlr.simulator.learned_leave import LearnedLeave
from darlr.simulator.leave import LeaveRule
from darlr.simulator.simulator import Episodes, Simulator
from darlr.world.settings import SlateLeave
from darlr.world.window import Window


@dataclass(frozen=True)
class SlateRules:
    """The rules of slates in a world.

    Attributes:
        size: k, the number of items that a step shows.
        leave: whether users leave over the item that they chose, or over all that were shown.
        choice: the choice model.
        rewards: (n_users, n_items) the rewards that users would give, by which they choose: the estimates while learning, the
            truth when testing.
    """

    size: int
    leave: SlateLeave
    choice: ConditionalLogit
    rewards: Estimates

    def probabilities(self, users: Tensor, slates: Tensor) -> Tensor:
        """Return the probabilities with which `users` (B,) choose from `slates` (B, k), as `ConditionalLogit` does."""
        return self.choice.probabilities(self.choice.utilities(self.rewards.cells(users[:, None], slates)))


class SlateSimulator(Simulator):
    """A simulator whose steps show slates. The items of a slate must differ.

    If repeats are not allowed, `blocked` marks all items that were shown.
    """

    def __init__(
        self,
        rewards: RewardSource,
        leave: LeaveRule | LearnedLeave,
        n_items: int,
        max_steps: int,
        lookback: int,
        allow_repeats: bool,
        rules: SlateRules,
    ) -> None:
        """
        Args:
            rewards, leave, n_items, max_steps, lookback, allow_repeats: as for `Simulator`.
            rules: the rules of slates. A learned hazard knows single items alone, so it goes with a size of 1.
        """
        super().__init__(rewards, leave, n_items, max_steps, lookback, allow_repeats)
        self.rules = rules

    def reset(self, users: Tensor, generator: torch.Generator | None = None) -> None:
        """Begin an episode for each of `users` (B,); `generator` draws what they choose.

        The draws of all steps are made here. So episode b meets the same draw at step t whichever other episodes have ended,
        and policies that are tested with equal generators meet the same draws.

        Raises:
            ValueError: without a generator.
        """
        if generator is None:
            raise ValueError("slates need a generator for the users' choices")
        super().reset(users, generator)
        self._shown.fill_(self.absent_item)
        self._draws = torch.rand(len(users), self.max_steps, generator=generator, device=users.device)

    def _allocate(self, users: Tensor) -> None:
        super()._allocate(users)
        # The leave rule looks back over N slates, so N absent ones stand before the first.
        shape = (len(users), self.leave.window + self.max_steps, self.rules.size)
        self._shown = torch.empty(shape, dtype=torch.int64, device=users.device)

    def step(self, slates: Tensor) -> None:
        """Show `slates` (A, k) to the running episodes, pay for the items that the users choose, and end the episodes of
        those who leave. A user who chooses nothing pays 0.
        """
        rows, users = self._rows, self.users
        self._shown[rows, self.leave.window + self._step] = slates
        places = choose_places(self.rules.probabilities(users, slates), self._draws[rows, self._step])
        nothing = places == self.rules.size
        items = slates.gather(1, places.clamp(max=self.rules.size - 1)[:, None]).squeeze(1)
        column = self.lookback + self._step
        super().step(items.masked_fill(nothing, self.start_item))
        self._seen[rows, column] = self._seen[rows, column].masked_fill(nothing, 0.0)

    def _pay(self, items: Tensor, window: Window) -> Tensor:
        known = items < self.n_items
        return super()._pay(torch.where(known, items, 0), window).masked_fill(~known, 0.0)

    def _block(self, items: Tensor) -> None:
        self._used[self._rows[:, None], self._shown[self._rows, self.leave.window + self._step]] = True

    def _leaving(self, place: Tensor | slice, items: Tensor, recent: Tensor) -> Tensor:
        if self.rules.leave == "chosen" or isinstance(self.leave, LearnedLeave):
            known = items < self.n_items
            return super()._leaving(place, torch.where(known, items, 0), recent) & known
        step = self._step - 1  # the step of these slates
        shown = self._shown[self._rows, step : step + self.leave.window + 1]
        recent, slates = shown[:, :-1].flatten(1), shown[:, -1]
        over = self.leave.leaves(slates.flatten(), recent.repeat_interleave(self.rules.size, dim=0))
        return over.view(slates.shape).any(dim=1)

    def episodes(self) -> Episodes:
        slates = self._shown[:, self.leave.window :]
        return Episodes(self._users, self._lengths, self._items, self._seen, self._paid, slates)
