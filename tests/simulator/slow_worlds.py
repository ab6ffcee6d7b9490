"""Small worlds in plain lists, and the slow way to play in them: one user, one step at a time."""

import math
from dataclasses import dataclass, field, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from darlr.rewards.table import TableReward
from darlr.world.settings import LeaveBy, LeaveConfig, SlateConfig
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


def leaves(world: SmallWorld, history: list[int], item: int, of: int | None = None) -> bool:
    """Whether a user leaves over `item` after the last `of` items of `history`; by default the rule's window."""
    recent = history[max(0, len(history) - (world.leave.window if of is None else of)) :]
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


@dataclass(frozen=True)
class SlateWorld(SmallWorld):
    """A world whose steps show slates: the first `slate.size` of the items that are allowed, from the wish on."""

    slate: SlateConfig
    draws: list[list[float]]

    def shown(self, past: list[int], wish: int) -> list[int]:
        allowed = self.allowed(past)
        return [allowed[(wish + place) % len(allowed)] for place in range(self.slate.size)]


@dataclass
class SlatePast(Past):
    """One user's episode with slates; `nearest` is the least distance of a draw from where another item is chosen."""

    slates: list[list[int]] = field(default_factory=list)
    nearest: float = 1.0


def chosen(world: SlateWorld, user: int, slate: list[int], draw: float) -> tuple[int, float]:
    """The place of the chosen item, or the size of the slate for nothing; and the draw's distance from another choice."""
    config = world.slate
    shares = [(world.table[user][item] - LOW) / (HIGH - LOW) for item in slate]
    weights = [math.exp(config.scale * share) for share in [*shares, *([] if config.nothing is None else [config.nothing])]]
    ends = [sum(weights[: place + 1]) / sum(weights) for place in range(len(weights) - 1)]
    return sum(end <= draw for end in ends), min((abs(end - draw) for end in ends), default=1.0)


def one_user_of_slates(world: SlateWorld, episode: int) -> SlatePast:
    """The slow way: one user, one slate at a time, over plain lists."""
    past, user, window = SlatePast(), world.users[episode], world.leave.window
    for step in range(world.leave.max_steps):
        positions = [*[world.n_items + 1] * (world.lookback - 1), world.n_items, *past.items]
        received = [*[0.0] * (world.lookback - 1), 1.0, *past.seen]
        past.windows.append((positions[-world.lookback :], received[-world.lookback :]))
        slate = world.shown([item for earlier in past.slates for item in earlier], world.wishes[episode][step])
        place, distance = chosen(world, user, slate, world.draws[episode][step])
        past.nearest = min(past.nearest, distance)
        taken = slate[place : place + 1]  # nothing, or one item
        reward = sum(world.table[user][item] + 0.25 * received[-1] for item in taken)
        if world.slate.leave == "shown":
            recent = [item for earlier in past.slates[-window:] for item in earlier]
            left = any(leaves(world, recent, item, of=len(recent)) for item in slate)
        else:
            recent = [item for item in past.items[-window:] if item < world.n_items]
            left = any(leaves(world, recent, item, of=len(recent)) for item in taken)
        past.slates.append(slate)
        past.items.append(taken[0] if taken else world.n_items)
        past.rewards.append(reward)
        past.seen.append(min((reward - LOW) / (HIGH - LOW), 1.0) if taken else 0.0)
        if left:
            break
    return past


@st.composite
def slate_worlds(draw: st.DrawFn) -> SlateWorld:
    world = draw(small_worlds())
    size = draw(st.integers(1, 3 if world.allow_repeats else max(1, min(3, world.n_items // 2))))
    steps = world.leave.max_steps if world.allow_repeats else min(world.leave.max_steps, world.n_items // size)
    slate = SlateConfig(
        size=size,
        scale=draw(st.sampled_from([0.0, 1.0, 5.0])),
        nothing=draw(st.sampled_from([None, 0.0, 0.5, 2.0])),
        leave=draw(st.sampled_from(["chosen", "shown"])),
    )
    fields = {name: getattr(world, name) for name in world.__dataclass_fields__}
    fields["leave"] = replace(world.leave, max_steps=steps)
    draws = torch.rand(len(world.users), steps, generator=torch.Generator().manual_seed(draw(st.integers(0, 1000))))
    return SlateWorld(**fields, slate=slate, draws=draws.tolist())


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
