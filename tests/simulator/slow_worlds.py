"""Small worlds in plain lists, and the slow way to play in them: one user, one step at a time."""

import math
from dataclasses import dataclass, field

from hypothesis import strategies as st
from torch import Tensor

from darlr.rewards.table import TableReward
from darlr.world.settings import LeaveBy, LeaveConfig
from darlr.world.window import Window


class Spoilt(TableReward):
    """Pays the table's cell, and a quarter of the newest position's normalised reward."""

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        return super().pay(users, items, window) + 0.25 * window.rewards[:, -1]


@dataclass(frozen=True)
class SmallWorld:
    """A world in plain lists, and its recommendations: `wishes[e][t]` picks among the items still allowed."""

    categories: list[list[int]]
    table: list[list[float]]
    leave: LeaveConfig
    lookback: int
    allow_repeats: bool
    users: list[int]
    wishes: list[list[int]]

    @property
    def n_items(self) -> int:
        return len(self.categories)

    def allowed(self, history: list[int]) -> list[int]:
        return [item for item in range(self.n_items) if self.allow_repeats or item not in history]


@dataclass
class Past:
    """One user's episode, and the window before each step."""

    items: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    windows: list[tuple[list[int], list[float]]] = field(default_factory=list)


LOW, HIGH = -0.5, 3.0  # the bounds; normalised rewards above are cut to 1, those below stay below 0


def leaves(world: SmallWorld, history: list[int], item: int) -> bool:
    recent = history[max(0, len(history) - world.leave.window) :]
    if world.leave.by == "category":
        for category in world.categories[item]:
            if sum(category in world.categories[other] for other in recent) > world.leave.tolerance:
                return True
    if world.leave.by == "distance":
        columns = list(zip(*world.table, strict=True))
        return any(math.dist(columns[item], columns[other]) < world.leave.tolerance for other in recent)
    return False


def one_user(world: SmallWorld, episode: int) -> Past:
    """The slow way: one user, one step at a time, over plain lists."""
    past = Past()
    length = world.lookback
    for step in range(world.leave.max_steps):
        positions = [*[world.n_items + 1] * (length - 1), world.n_items, *past.items]
        received = [*[0.0] * (length - 1), 1.0, *past.seen]
        past.windows.append((positions[-length:], received[-length:]))
        allowed = world.allowed(past.items)
        item = allowed[world.wishes[episode][step] % len(allowed)]
        reward = world.table[world.users[episode]][item] + 0.25 * received[-1]
        left = leaves(world, past.items, item)
        past.items.append(item)
        past.rewards.append(reward)
        past.seen.append(min((reward - LOW) / (HIGH - LOW), 1.0))
        if left:
            break
    return past


@st.composite
def small_worlds(draw: st.DrawFn) -> SmallWorld:
    allow_repeats = draw(st.booleans())
    n_items = draw(st.integers(3, 8))
    n_users = draw(st.integers(1, 3))
    by: LeaveBy = draw(st.sampled_from(["category", "category", "distance", "distance", "never"]))
    max_steps = draw(st.integers(3, 8 if allow_repeats else n_items))
    episodes = draw(st.integers(1, 4))

    def table_of(values: st.SearchStrategy[int], rows: int, columns: int) -> list[list[int]]:
        return draw(st.lists(st.lists(values, min_size=columns, max_size=columns), min_size=rows, max_size=rows))

    return SmallWorld(
        categories=[draw(st.lists(st.integers(0, 3), max_size=2, unique=True)) for _ in range(n_items - 1)] + [[3]],
        table=[[cell / 2 for cell in row] for row in table_of(st.integers(-2, 7), n_users, n_items)],
        leave=LeaveConfig(by=by, window=draw(st.integers(1, 4)), tolerance=float(draw(st.integers(0, 2))), max_steps=max_steps),
        lookback=draw(st.integers(1, 5)),
        allow_repeats=allow_repeats,
        users=draw(st.lists(st.integers(0, n_users - 1), min_size=episodes, max_size=episodes)),
        wishes=table_of(st.integers(0, 100), episodes, max_steps),
    )
