"""The contexts of logged rows for a policy: the user, the items shown to the user before, and the items that are not shown
again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.agents.acting import Scorer, best_alone
from darlr.data.log import InteractionLog
from darlr.data.tallies import count_distinct
from darlr.evaluation.off_policy.matching import Distributions
from darlr.rewards.estimates.interface import Estimates
from darlr.world.window import Window, absent_item, start_item


@dataclass(frozen=True)
class Contexts:
    """The contexts of n logged rows in a world of n_items.

    Attributes:
        users: (n,) int64, rows of the world.
        window: (n, L) of every row, or (1, L) the start of an episode if the log has no sessions.
        earlier: (n, T) int64, the columns shown earlier in the session, padded with an absent one. T is 0 without sessions,
            and if sessions show items twice.
        known: ascending user * n_items + column of the pairs that users had before and that are not shown again; empty if
            the log shows pairs twice.
        n_items: columns of the world.
    """

    users: NDArray[np.int64]
    window: Window
    earlier: NDArray[np.int64]
    known: NDArray[np.int64]
    n_items: int

    @property
    def alike(self) -> bool:
        """Whether the context depends on the user alone."""
        return len(self.window.items) == 1

    def blocked(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return (m, n_items) bool: the items that are not shown (again) in the contexts `rows` (m,)."""
        cells = np.zeros((len(rows), self.n_items + 2), bool)
        users = self.users[rows]
        first, last = (np.searchsorted(self.known, (users + more) * self.n_items) for more in (0, 1))
        counts = last - first
        places = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        cells[np.repeat(np.arange(len(rows)), counts), self.known[places] % self.n_items] = True
        np.put_along_axis(cells, self.earlier[rows], True, axis=1)
        free: NDArray[np.bool_] = cells[:, : self.n_items]
        return free

    def distributions(self, scorer: Scorer, device: torch.device, greedy: bool = False) -> Distributions:
        """Return the probabilities with which `scorer` recommends each item; if `greedy`, its best item has probability 1."""

        def of(rows: NDArray[np.intp]) -> NDArray[np.floating]:
            if not self.alike:
                return self._scored(scorer, rows, self.window.rows(torch.from_numpy(rows)), device, greedy)
            _, first, inverse = np.unique(self.users[rows], return_index=True, return_inverse=True)
            size = len(first), self.window.items.shape[1]
            window = Window(self.window.items.expand(size), self.window.rewards.expand(size))
            return self._scored(scorer, rows[first], window, device, greedy)[inverse]

        return of

    @torch.no_grad()
    def _scored(
        self, scorer: Scorer, rows: NDArray[np.intp], window: Window, device: torch.device, greedy: bool
    ) -> NDArray[np.floating]:
        users = torch.from_numpy(self.users[rows]).to(device)
        blocked = torch.from_numpy(self.blocked(rows)).to(device)
        scores = scorer(users, Window(window.items.to(device), window.rewards.to(device)), blocked)
        chosen = best_alone(scores) if greedy else scorer.probabilities(scores)
        return chosen.cpu().numpy()


def repeats_pairs(log: InteractionLog) -> bool:
    """Return whether the log shows an item to a user twice."""
    return count_distinct(log.users, log.items) < len(log)


def start_contexts(users: NDArray[np.int64], known: NDArray[np.int64], n_items: int, start: Window) -> Contexts:
    """Return contexts of rows of `users` (n,), each taken as the first step of an episode, after the window `start` (1, L)."""
    return Contexts(users, start, np.zeros((len(users), 0), np.int64), known, n_items)


def session_contexts(
    users: NDArray[np.int64],
    columns: NDArray[np.int64],
    rewards: NDArray[np.float64],
    places: NDArray[np.int64],
    known: NDArray[np.int64],
    n_items: int,
    lookback: int,
) -> Contexts:
    """Return contexts of rows in the order of their sessions and steps, each after the earlier steps of its session.

    Args:
        users, columns: (n,) rows and columns of the world.
        rewards: (n,) normalised to 0..1, as in windows.
        places: (n,) the place of each row in its session, from 0 on.
        known: pairs that are not shown again.
        n_items: number of items of the world.
        lookback: number of positions of a window.
    """
    numbers = np.arange(len(users))
    items = np.full((len(users), lookback), absent_item(n_items))
    given = np.zeros((len(users), lookback), np.float32)
    for back in range(1, lookback + 1):
        slot = lookback - back
        there, start = places >= back, places == back - 1
        items[there, slot], given[there, slot] = columns[numbers[there] - back], rewards[numbers[there] - back]
        items[start, slot], given[start, slot] = start_item(n_items), 1.0
    longest = int(places.max())
    earlier = np.full((len(users), longest), absent_item(n_items))
    for back in range(1, longest + 1):
        there = places >= back
        earlier[there, back - 1] = columns[numbers[there] - back]
    if (earlier == columns[:, None]).any():  # an item occurs twice in a session, so nothing is withheld
        earlier = earlier[:, :0]
    return Contexts(users, Window(torch.from_numpy(items), torch.from_numpy(given)), earlier, known, n_items)


def estimated_rows(estimates: Estimates, users: NDArray[np.int64]) -> Distributions:
    """Return estimated rewards (n_users, n_items) of a world as a function of logged rows of `users` (n,)."""
    return lambda rows: estimates.rows(torch.from_numpy(users[rows]).to(estimates.device)).cpu().numpy()
