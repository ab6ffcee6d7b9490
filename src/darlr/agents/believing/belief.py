"""Beliefs about the users of running episodes, learned from their rewards since the start of the episode.

`Belief.begin` opens episodes. The belief then observes recommendations and rewards, and predicts responses to all items.
There are two kinds: the exact posterior of a linear Gaussian model (`factors.py`), and beliefs that begin from a table
(`tables.py`).
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.artifacts.schema import Shape
from darlr.world.window import Window


class Believed(Protocol):
    """The belief about the users of A running episodes."""

    def observe(self, window: Window) -> "Believed":
        """Return the belief after every position of `window` (A, L), too; start and absence carry no information."""
        ...

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return expected responses (A, I), on a scale that grows with the reward, and a summary of the belief (A, s).

        Args:
            out: (A, I) float32 memory for the responses; None: new memory.
        """
        ...

    def expect_of(self, items: Tensor) -> Tensor:
        """Return expected responses (A, k) to `items` (A, k), columns of the world."""
        ...

    def rows(self, chosen: Tensor) -> "Believed":
        """Return the belief about the episodes `chosen` (K,)."""
        ...


class Belief(nn.Module):
    """Base class of the knowledge about users before their episodes.

    Attributes:
        n_items: I.
        size: s, the number of values that summarise the belief about a user.
    """

    n_items: int
    size: int

    def begin(self, users: Tensor) -> Believed:
        """Return the belief about `users` (A,), rows of the world, before their episodes."""
        raise NotImplementedError

    def average_user(self) -> dict[str, Tensor]:
        """Return the rows (1, ...) of an unknown user, by buffer."""
        raise NotImplementedError

    def to_reward(self, responses: Tensor) -> Tensor | None:
        """Convert expected responses, of any shape, to units of reward; None if their scale is unknown."""
        return None

    def saved_shapes(self) -> dict[str, Shape]:
        """Return the shapes of saved tensors whose size depends on the users, by name; see `Policy.saved_shapes`."""
        return {}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        """Add a user with the rows (1, ...) that `average_user` returned."""
        for name, row in rows.items():
            setattr(self, name, torch.cat([getattr(self, name), row]))


class Followed:
    """The belief about episodes that continue. If a window is the last one plus one step, only that step is observed.

    The results equal those of reading every window from its start, whatever is asked in between.
    """

    def __init__(self, belief: Belief) -> None:
        self._belief = belief
        self._last: tuple[Tensor, Window, Believed] | None = None

    def believed(self, users: Tensor, window: Window) -> Believed:
        """Return the belief about `users` (A,) after `window` (A, L), which shows whole episodes."""
        last = self._last
        if last is not None and torch.equal(last[0], users) and _same(last[1], window):
            return last[2]
        if last is not None and torch.equal(last[0], users) and self._goes_on(last[1], window):
            believed = last[2].observe(window.last(1))
        else:
            believed = self._belief.begin(users).observe(window)
        # Windows are copied, because a simulator writes to their memory. One tuple, so that threads never see a
        # half-updated state.
        self._last = users.clone(), Window(window.items.clone(), window.rewards.clone()), believed
        return believed

    def _goes_on(self, before: Window, now: Window) -> bool:
        """Return whether `now` is `before` plus one position, and the positions that left the window carry no information."""
        return (
            before.items.shape == now.items.shape
            and torch.equal(before.items[:, 1:], now.items[:, :-1])
            and torch.equal(before.rewards[:, 1:], now.rewards[:, :-1])
            and bool((before.items[:, 0] >= self._belief.n_items).all())
        )


def _same(before: Window, now: Window) -> bool:
    return torch.equal(before.items, now.items) and torch.equal(before.rewards, now.rewards)


class BelievedList(Scorer):
    """Orders the items by their expected responses after the window: a list that learns from the user alone."""

    lookback = WHOLE_EPISODE

    def __init__(self, belief: Belief) -> None:
        self._followed = Followed(belief)

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._followed.believed(users, window).expect()[0], blocked)
