"""The log as episodes that agents learn from (protocol section 8).

A user's rows, in the order of time, are replayed under the leave rule. An episode ends where the user would have left, at
the length limit, and with the user's last row. If users leave at random, the log's own sessions are the episodes. If an
episode may not repeat an item, repeating rows are left out. Files without time mostly list a user's items by their
numbers. In that order, an item's number would reveal how much of the episode is left, and states and values would learn
that. Such rows are therefore replayed in random order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.data.log import InteractionLog
from darlr.data.sessions import Sessions
from darlr.errors import InputError
from darlr.simulator.leave import LeaveRule
from darlr.world.window import Window, absent_item, start_item
from darlr.world.world import ABSENT, World


@dataclass(frozen=True)
class Replay:
    """n logged steps; those of an episode lie side by side in their order.

    Attributes:
        users: (n,) int64 rows of the world, `ABSENT` for users that the world lacks.
        items: (n,) int64 columns of the world.
        rewards: (n,) float32 as logged.
        seen: (n,) float32, the rewards normalised to the log's range, as states have them.
        step: (n,) int64 place in the episode, from 0.
        n_items: of the world.
        start_reward: the start item's reward in windows.
    """

    users: Tensor
    items: Tensor
    rewards: Tensor
    seen: Tensor
    step: Tensor
    n_items: int
    start_reward: float = 1.0

    def __len__(self) -> int:
        return len(self.items)

    @property
    def last(self) -> Tensor:
        """Whether the step ends its episode, (n,) bool."""
        return torch.cat([self.step[1:] == 0, self.step.new_ones(1, dtype=torch.bool)])

    def window(self, chosen: Tensor, length: int) -> Window:
        """The window before the steps `chosen` (B,), (B, length)."""
        back = torch.arange(length, 0, -1, device=chosen.device)
        step = self.step[chosen, None]
        known, start = back <= step, back == step + 1
        place = (chosen[:, None] - back).clamp(min=0)
        outside = torch.where(start, start_item(self.n_items), absent_item(self.n_items))
        return Window(
            torch.where(known, self.items[place], outside), torch.where(known, self.seen[place], start * self.start_reward)
        )

    def blocked_items(self, chosen: Tensor, length: int) -> Tensor:
        """The episode's items before the steps `chosen` (B,), (B, length), filled up with the column of absence."""
        back = torch.arange(1, length + 1, device=chosen.device)
        place = (chosen[:, None] - back).clamp(min=0)
        return torch.where(back <= self.step[chosen, None], self.items[place], absent_item(self.n_items))


def replay_log(
    log: InteractionLog,
    world: World,
    leave: LeaveRule,
    max_steps: int,
    allow_repeats: bool,
    everybody: bool,
    generator: np.random.Generator | None,
    device: torch.device,
    sessions: Sessions | None = None,
) -> Replay:
    """The rows of `log` whose item the world has, as episodes.

    Args:
        log: the logged rows.
        world: its users and items.
        leave: the leave rule.
        max_steps: length limit of an episode.
        allow_repeats: whether an episode may repeat an item.
        everybody: whether rows of users that the world lacks count, too.
        generator: draws the order of each user's rows if the log has no time; None keeps the log's order.
        device: device of the tensors.
        sessions: the sessions of `log`; each is replayed as an episode of its own. None: a user's rows are one.

    Raises:
        InputError: if there is no such row.
    """
    column, row = world.columns(log.n_items), world.rows(log.n_users)
    known = (column[log.items] != ABSENT) & (everybody | (row[log.users] != ABSENT))
    if not known.any():
        raise InputError("no row of the log is about the world's items and users, so there is nothing to replay")
    if sessions is None:
        rows = np.flatnonzero(known)
        times = log.times[rows] if log.times is not None else rows if generator is None else generator.permutation(len(rows))
        rows = rows[np.lexsort((times, log.users[rows]))]  # stable: ties keep the log's order
        of = log.users[rows]
    else:
        kept_rows = known[sessions.rows]
        rows, of = sessions.rows[kept_rows], sessions.numbers[kept_rows]
    items = torch.from_numpy(column[log.items[rows]]).to(device)
    step, kept = _split(torch.from_numpy(of).to(device), items, leave, world.n_items, max_steps, allow_repeats)
    low, high = log.reward_range
    rewards = torch.from_numpy(log.rewards[rows]).to(device)[kept]
    return Replay(
        users=torch.from_numpy(row[log.users[rows]]).to(device)[kept],
        items=items[kept],
        rewards=rewards,
        seen=(rewards - low) / (high - low),
        step=step[kept],
        n_items=world.n_items,
    )


def _split(
    groups: Tensor, items: Tensor, leave: LeaveRule, n_items: int, max_steps: int, allow_repeats: bool
) -> tuple[Tensor, Tensor]:
    """The place of every row in its episode, and whether the row counts, both (m,); rows of a user or session lie side by side.

    All `groups`, users or sessions, are replayed at once, each from its first row. Those with more rows come first, so that
    the remaining ones are a slice.
    """
    _, counts = torch.unique_consecutive(groups, return_counts=True)
    starts = counts.cumsum(0) - counts
    counts, by = counts.sort(descending=True, stable=True)
    starts = starts[by]
    beginning = Window.at_start(n_items, leave.window, items.device).items
    recent = beginning.repeat(len(counts), 1)
    taken = torch.full((len(counts), max_steps), -1, device=items.device)
    length = torch.zeros_like(counts)
    step, kept = torch.zeros_like(items), torch.ones_like(items, dtype=torch.bool)
    present = (len(counts) - torch.bincount(counts).cumsum(0)).tolist()  # [t]: groups with more than t rows
    for number, here in enumerate(present[:-1]):
        place, window, own, steps = starts[:here] + number, recent[:here], taken[:here], length[:here]
        item = items[place]
        if not allow_repeats:
            kept[place] = ~(own == item[:, None]).any(dim=1)
        counted = kept[place]
        step[place] = steps
        ended = counted & (leave.leaves(item, window) | (steps + 1 == max_steps))
        shifted = torch.cat([window[:, 1:], item[:, None]], dim=1)
        recent[:here] = torch.where(ended[:, None], beginning, torch.where(counted[:, None], shifted, window))
        own.scatter_(1, steps[:, None], torch.where(counted, item, own.gather(1, steps[:, None]).squeeze(1))[:, None])
        own[ended] = -1
        length[:here] = torch.where(ended, 0, steps + counted)
    return step, kept
