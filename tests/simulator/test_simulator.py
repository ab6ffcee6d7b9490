import pytest
import torch
from hypothesis import given
from torch import Tensor

from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never, leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveConfig
from tests.simulator.slow_worlds import HIGH, LOW, SmallWorld, Spoilt, one_user, small_worlds
from tests.worlds import draws, membership_of


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
