import math
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never, leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveBy, LeaveConfig
from darlr.world.window import Window
from tests.worlds import draws, membership_of


class Spoilt(TableReward):
    """Pays the table's cell, and a quarter of how the newest position was received, normalised."""

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        return super().pay(users, items, window) + 0.25 * window.rewards[:, -1]


@dataclass(frozen=True)
class SmallWorld:
    """A world in plain lists, and what its users are shown: `wishes[e][t]` picks among the items still allowed."""

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
    """What one user went through, and what was visible before each step."""

    items: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    windows: list[tuple[list[int], list[float]]] = field(default_factory=list)


LOW, HIGH = -1.0, 3.0  # the source's bounds; some rewards lie above, and are cut to 1 when normalised


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


@given(small_worlds())
def test_batched_episodes_equal_the_slow_ones(world: SmallWorld) -> None:
    table = torch.tensor(world.table)
    rule = leave_rule(world.leave, membership_of(world.categories), table)
    simulator = Simulator(
        Spoilt(table, LOW, HIGH), rule, world.n_items, world.leave.max_steps, world.lookback, world.allow_repeats
    )
    pasts = [one_user(world, episode) for episode in range(len(world.users))]

    def choose(simulator: Simulator) -> Tensor:
        step, chosen = simulator.step_number, []
        assert simulator.rows.tolist() == [row for row, past in enumerate(pasts) if len(past.items) > step]
        assert simulator.users.tolist() == [world.users[row] for row in simulator.rows]
        for place, row in enumerate(simulator.rows.tolist()):
            past = pasts[row]
            items, rewards = past.windows[step]
            assert simulator.window.items[place, -len(items) :].tolist() == items
            assert simulator.window.rewards[place, -len(items) :].tolist() == pytest.approx(rewards, abs=1e-6)
            allowed = world.allowed(past.items[:step])
            if simulator.blocked is None:
                assert world.allow_repeats
            else:
                assert (~simulator.blocked[place]).nonzero()[:, 0].tolist() == allowed
            chosen.append(allowed[world.wishes[row][step] % len(allowed)])
        return torch.tensor(chosen)

    for _ in range(2):  # a second roll-out in the same buffers knows nothing of the first
        episodes = roll_out(simulator, torch.tensor(world.users), choose)
        assert episodes.lengths.tolist() == [len(past.items) for past in pasts]
        assert int(episodes.lengths.sum()) == sum(len(past.items) for past in pasts)
        visits = episodes.visits()
        seen = {}
        for place, key in enumerate(zip(visits.row.tolist(), visits.step.tolist(), strict=True)):
            seen[key] = visits.window.rows(torch.tensor([place]))
        for row, past in enumerate(pasts):
            length = len(past.items)
            assert episodes.taken[row].tolist() == [step < length for step in range(world.leave.max_steps)]
            assert episodes.actions[row, :length].tolist() == past.items
            assert (episodes.actions[row, length:] == simulator.absent_item).all()
            assert episodes.rewards[row, :length].tolist() == pytest.approx(past.rewards, abs=1e-6)
            assert not episodes.rewards[row, length:].any()
            for step, (items, rewards) in enumerate(past.windows):
                assert seen[row, step].items[0, -len(items) :].tolist() == items
                assert seen[row, step].rewards[0, -len(items) :].tolist() == pytest.approx(rewards, abs=1e-6)


def play(items: list[int], leave: LeaveConfig, categories: list[list[int]]) -> tuple[int, float]:
    """Length and return of an episode in which the k-th item pays k + 1."""
    table = torch.arange(1.0, len(categories) + 1)[None]
    rule = leave_rule(leave, membership_of(categories), table)
    simulator = Simulator(TableReward(table, 0.0, 10.0), rule, len(categories), leave.max_steps, 1, allow_repeats=True)
    episodes = roll_out(simulator, torch.tensor([0]), lambda simulator: torch.tensor([items[simulator.step_number]]))
    return int(episodes.lengths[0]), float(episodes.rewards.sum())


FOUR = [[0], [1], [2], [0]]  # items 0 and 3 share category 0


@pytest.mark.parametrize(
    ("items", "window", "length"),
    [
        ([0, 3, 1, 2, 1], 4, 2),  # the second step already looks back
        ([0, 1, 3, 2, 1], 2, 3),
        ([0, 1, 3, 2, 1], 1, 5),  # out of sight: item 1 lies between
        # The references' window [t - N : t] wraps below 0 and shows one item at t = 3; the intended one shows all three.
        ([0, 1, 2, 3, 1], 4, 4),
        ([0, 1, 2, 3, 1], 3, 4),
        ([0, 1, 2, 3, 1], 2, 5),
    ],
)
def test_users_look_back_over_the_window_and_pay_for_the_item_that_makes_them_leave(
    items: list[int], window: int, length: int
) -> None:
    expected = (length, sum(item + 1.0 for item in items[:length]))
    assert play(items, LeaveConfig(window=window, max_steps=5), FOUR) == expected


def test_nobody_leaves_at_the_first_step_or_after_the_last() -> None:
    for item in range(4):
        assert play([item, item], LeaveConfig(window=4, max_steps=9), FOUR) == (2, 2.0 * (item + 1))
    assert play([0, 1, 2], LeaveConfig(window=4, max_steps=3), FOUR) == (3, 6.0)


def test_a_window_is_long_enough_for_the_leave_rule() -> None:
    table = torch.zeros(1, 6)
    categories = [[0], [1], [2], [3], [4], [0]]
    rule = leave_rule(LeaveConfig(window=5), membership_of(categories), table)
    simulator = Simulator(TableReward(table, 0.0, 1.0), rule, 6, 6, lookback=1, allow_repeats=False)
    episodes = roll_out(simulator, torch.tensor([0]), lambda simulator: torch.tensor([simulator.step_number]))
    assert simulator.lookback == 5
    assert episodes.lengths.tolist() == [6]


def test_a_reset_with_more_users_begins_anew() -> None:
    simulator = Simulator(TableReward(torch.rand(3, 4, generator=draws()), 0.0, 1.0), Never(), 4, 3, 2, allow_repeats=False)
    for users in ([0, 1], [2, 2, 0], [1]):
        episodes = roll_out(
            simulator, torch.tensor(users), lambda simulator: torch.full((len(simulator.rows),), simulator.step_number)
        )
        assert episodes.users.tolist() == users
        assert episodes.actions.tolist() == [[0, 1, 2]] * len(users)
        torch.testing.assert_close(episodes.rewards, torch.rand(3, 4, generator=draws())[users, :3])
