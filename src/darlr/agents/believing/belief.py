"""Beliefs about the users of running episodes, from what they have given since their episodes began.

`Belief.begin` opens episodes. What is believed then observes what was recommended and given, and expects responses to all
items. The beliefs themselves are in `factors.py`, the exact posterior of a linear Gaussian model, and `tables.py`.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.artifacts.schema import Shape
from darlr.world.window import Window


class Believed(Protocol):
    """What is believed of the users of A episodes."""

    def observe(self, window: Window) -> "Believed":
        """What is believed after every position of `window` (A, L) as well; start and absence say nothing."""
        ...

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Expected responses (A, I), on a scale on which they grow with the reward, and a summary (A, s).

        Args:
            out: (A, I) float32 where the responses are to lie; anew without.
        """
        ...

    def rows(self, chosen: Tensor) -> "Believed":
        """The chosen episodes."""
        ...


class Belief(nn.Module):
    """Base: what is known of users before their episodes.

    Attributes:
        n_items: I.
        size: s, how many numbers summarise what is believed of a user.
    """

    n_items: int
    size: int

    def begin(self, users: Tensor) -> Believed:
        """What is believed of `users` (A,), rows of the world, before their episodes."""
        raise NotImplementedError

    def average_user(self) -> dict[str, Tensor]:
        """(1, ...) rows for somebody unknown, by buffer."""
        raise NotImplementedError

    def to_reward(self, responses: Tensor) -> Tensor | None:
        """Expected responses of any shape in units of reward; None where their scale is unknown."""
        return None

    def saved_shapes(self) -> dict[str, Shape]:
        """Of what is saved with a policy and has another size for other users, by name: see `Policy.saved_shapes`."""
        return {}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        """Add the user whose rows `average_user` gave."""
        for name, row in rows.items():
            setattr(self, name, torch.cat([getattr(self, name), row]))


class Followed:
    """What is believed in episodes that go on: where a window is the last one and a step more, only that step is taken in.

    The numbers are those of a fresh look at every window, whatever is asked in between.
    """

    def __init__(self, belief: Belief) -> None:
        self._belief = belief
        self._last: tuple[Tensor, Window, Believed] | None = None

    def believed(self, users: Tensor, window: Window) -> Believed:
        """What is believed of `users` (A,) after `window` (A, L), whole episodes."""
        last = self._last
        if last is not None and torch.equal(last[0], users) and _same(last[1], window):
            return last[2]
        if last is not None and torch.equal(last[0], users) and self._goes_on(last[1], window):
            believed = last[2].observe(window.last(1))
        else:
            believed = self._belief.begin(users).observe(window)
        # Copies: a simulator writes to the memory that its windows show. One tuple, so that threads see a whole one.
        self._last = users.clone(), Window(window.items.clone(), window.rewards.clone()), believed
        return believed

    def _goes_on(self, before: Window, now: Window) -> bool:
        """Whether `now` is `before` and one position more, and what fell out of sight says nothing."""
        return (
            before.items.shape == now.items.shape
            and torch.equal(before.items[:, 1:], now.items[:, :-1])
            and torch.equal(before.rewards[:, 1:], now.rewards[:, :-1])
            and bool((before.items[:, 0] >= self._belief.n_items).all())
        )


def _same(before: Window, now: Window) -> bool:
    return torch.equal(before.items, now.items) and torch.equal(before.rewards, now.rewards)


class BelievedList(Scorer):
    """The items by their expected responses after the window: a list that learns from the user alone."""

    lookback = WHOLE_EPISODE

    def __init__(self, belief: Belief) -> None:
        self._followed = Followed(belief)

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._followed.believed(users, window).expect()[0], blocked)
