"""Sessions of one user each, side by side; each ends and begins anew on its own.

`Simulator` runs episodes in lock-step and keeps their whole history, for agents that learn from whole episodes. Agents from
outside keep their own history, and take a step in every session at every call. So a session holds its present state alone:
its user, its window and its blocked items.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.errors import InputError
from darlr.rewards.source import RewardSource, normalised
from darlr.simulator.learned_leave import LearnedLeave, Tempers
from darlr.simulator.leave import LeaveRule
from darlr.world.window import Window


@dataclass(frozen=True)
class Game:
    """The rules of a session. Sessions and environments share one game, and none writes to it.

    Attributes:
        rewards: the source of the rewards.
        leave: when users quit.
        n_users, n_items: the world's size.
        max_steps: the longest session.
        lookback: the least number of positions that an agent sees.
        allow_repeats: whether a session may recommend an item twice.
        forbidden: (n_items,) bool, items that no user may be recommended, or (n_users, n_items) bool, such cells; or None.
        start_reward: the start position's reward after the first step; 1, except with the reference code's slips.

    Raises:
        InputError: if a session could run out of items.
    """

    rewards: RewardSource
    leave: LeaveRule | LearnedLeave
    n_users: int
    n_items: int
    max_steps: int
    lookback: int
    allow_repeats: bool
    forbidden: Tensor | None = None
    start_reward: float = 1.0

    def __post_init__(self) -> None:
        fewest = self.n_items if self.forbidden is None else int((~self.forbidden).sum(dim=-1).min())
        needed = 1 if self.allow_repeats else self.max_steps
        if fewest < needed:
            raise InputError(
                f"a user may be recommended {fewest} items, but an episode recommends up to {needed} different ones; expected "
                "at least as many items, or a smaller 'leave.max_steps'"
            )

    @property
    def window_length(self) -> int:
        """L, the number of visible positions: enough for the agent and for the leave rule."""
        return max(self.lookback, self.leave.window)


class Sessions:
    """N sessions of a game.

    Attributes:
        users: (N,) int64, rows of the world.
        window: (N, L) the present windows.
        blocked: (N, n_items) bool, items that are forbidden, or were recommended before in this session.
    """

    def __init__(self, game: Game, count: int) -> None:
        """
        Args:
            game: the rules.
            count: N. Every session has to `begin` before it takes a step.
        """
        device = torch.device("cpu")  # a step's arrays are too small to gain from a GPU
        self.game = game
        self._start = Window.at_start(game.n_items, game.window_length, device)
        self._everyone = torch.arange(count)
        self._lengths = torch.zeros(count, dtype=torch.int64)
        self.users = torch.zeros(count, dtype=torch.int64)
        self.window = Window(self._start.items.repeat(count, 1), self._start.rewards.repeat(count, 1))
        self.blocked = torch.zeros(count, game.n_items, dtype=torch.bool)
        self._tempers = Tempers(torch.zeros(count), torch.zeros(count))

    def begin(self, rows: Tensor, users: Tensor, tempers: Tempers | None = None) -> None:
        """Begin sessions anew; the others continue.

        Args:
            rows: (K,) the sessions.
            users: (K,) rows of the world.
            tempers: of the K users; None if no user leaves at random.

        Raises:
            ValueError: if users leave at random and there are no tempers.
        """
        if isinstance(self.game.leave, LearnedLeave):
            if tempers is None:
                raise ValueError("users leave at random, but nothing says when; expected their tempers")
            self._tempers.patience[rows], self._tempers.effects[rows] = tempers.patience, tempers.effects
        forbidden = self.game.forbidden
        self.users[rows] = users
        self._lengths[rows] = 0
        self.window.items[rows], self.window.rewards[rows] = self._start.items, self._start.rewards
        self.blocked[rows] = False if forbidden is None else forbidden if forbidden.ndim == 1 else forbidden[users]

    def step(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Recommend `items` (N,). A blocked item is not recommended: it pays nothing and ends its session.

        Returns:
            (N,) float32 rewards, and (N,) bool, whether a session has ended; it must begin anew before the next step.
        """
        game, window = self.game, self.window
        played = ~self.blocked[self._everyone, items]
        rewards = torch.where(played, game.rewards.pay(self.users, items, window), 0.0)
        leaving = self._leaving(items, window.items[:, -game.leave.window :])
        self._lengths += played
        if not game.allow_repeats:
            self.blocked[self._everyone, items] = True
        after = self._moved_on(items, normalised(rewards, game.rewards))
        self.window = Window(
            torch.where(played[:, None], after.items, window.items), torch.where(played[:, None], after.rewards, window.rewards)
        )
        return rewards, ~played | leaving | (self._lengths == game.max_steps)

    def _leaving(self, items: Tensor, recent: Tensor) -> Tensor:
        """Return (N,) bool: whether users leave over `items` (N,) after `recent` (N, M)."""
        leave = self.game.leave
        if not isinstance(leave, LearnedLeave):
            return leave.leaves(items, recent)
        return leave.leaves(self.users, items, recent, self._lengths + 1, self._tempers, slice(None))

    def _moved_on(self, items: Tensor, seen: Tensor) -> Window:
        """Return the windows one position later, with `items` (N,) and their normalised rewards `seen` (N,) as the newest."""
        before = self.window.rewards[:, 1:].clone()
        before[self._lengths == 1, -1:] = self.game.start_reward
        return Window(torch.cat([self.window.items[:, 1:], items[:, None]], dim=1), torch.cat([before, seen[:, None]], dim=1))
