"""Episodes from a log, worked by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.agents.offline.replay import Replay, replay_log
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.simulator.leave import LeaveRule, Never, SharedCategory
from darlr.world.world import World
from tests.worlds import CPU, log_of, membership_of

EVERYTHING = World(np.arange(3), np.arange(5))
CATEGORIES = membership_of([[0], [1], [0, 1], [2], [3]])


def replay(
    log: InteractionLog,
    world: World = EVERYTHING,
    leave: LeaveRule | None = None,
    max_steps: int = 30,
    allow_repeats: bool = False,
    everybody: bool = True,
    seed: int | None = 0,
) -> Replay:
    order = None if seed is None else np.random.default_rng(seed)
    return replay_log(log, world, leave or Never(), max_steps, allow_repeats, everybody, order, CPU)


def timed(rows: Sequence[tuple[int, int, float]]) -> InteractionLog:
    """A log of (user, item, reward) rows, a second apart."""
    return log_of(rows, 3, 5, times=range(len(rows)))


def episodes(found: Replay) -> list[tuple[int, list[int]]]:
    """(user, items) of every episode."""
    result: list[tuple[int, list[int]]] = []
    for user, item, step in zip(found.users.tolist(), found.items.tolist(), found.step.tolist(), strict=True):
        if step == 0:
            result.append((user, []))
        assert result[-1][0] == user
        assert len(result[-1][1]) == step
        result[-1][1].append(item)
    return result


def test_users_rows_are_replayed_in_the_order_of_time() -> None:
    log = log_of([(1, 0, 1.0), (0, 1, 2.0), (1, 2, 3.0), (0, 3, 4.0)], 3, 5, times=[9.0, 8.0, 7.0, 8.0])
    found = replay(log)
    assert episodes(found) == [(0, [1, 3]), (1, [2, 0])]  # the tie keeps the log's order
    assert found.rewards.tolist() == [2.0, 4.0, 3.0, 1.0]
    torch.testing.assert_close(found.seen, torch.tensor([0.4, 0.8, 0.6, 0.2]))  # of 0..5
    assert found.last.tolist() == [False, True, False, True]


def test_without_time_every_order_is_as_likely() -> None:
    log = log_of([(0, item, item / 10) for item in range(5)] + [(1, 2, 0.2)], 3, 5)
    first = np.zeros(5)
    for seed in range(200):
        found = replay(log, seed=seed)
        (_, items), other = episodes(found)
        assert sorted(items) == list(range(5))
        assert other == (1, [2])
        torch.testing.assert_close(found.rewards, found.items / 10)
        first[items[0]] += 1
    assert (np.abs(first - 40) < 25).all()  # more than four standard deviations
    assert episodes(replay(log, seed=7)) == episodes(replay(log, seed=7))
    assert episodes(replay(log, seed=None))[0] == (0, [0, 1, 2, 3, 4])


def test_an_episode_ends_where_the_user_would_have_left() -> None:
    # 0 and 2 share category 0; 1 and 2 share category 1. The item that makes the user leave still belongs to the episode.
    log = timed([(0, item, 1.0) for item in (0, 3, 2, 1, 4, 2)])
    rule = SharedCategory(CATEGORIES, window=2, tolerance=0)
    assert episodes(replay(log, leave=rule)) == [(0, [0, 3, 2]), (0, [1, 4, 2])]
    shorter = SharedCategory(CATEGORIES, window=1, tolerance=0)
    assert episodes(replay(log, leave=shorter)) == [(0, [0, 3, 2, 1]), (0, [4, 2])]


def test_an_episode_ends_at_the_length_limit() -> None:
    log = timed([(0, item, 1.0) for item in (0, 1, 2, 3, 4)])
    assert episodes(replay(log, max_steps=2)) == [(0, [0, 1]), (0, [2, 3]), (0, [4])]


def test_what_an_episode_repeats_is_left_out_unless_it_may() -> None:
    log = timed([(0, item, 1.0) for item in (0, 1, 0, 2, 1, 0)])
    assert episodes(replay(log)) == [(0, [0, 1, 2])]
    assert episodes(replay(log, allow_repeats=True)) == [(0, [0, 1, 0, 2, 1, 0])]
    assert episodes(replay(log, max_steps=3)) == [(0, [0, 1, 2]), (0, [1, 0])]


def test_only_what_the_world_has_is_replayed() -> None:
    world = World(np.array([2, 0]), np.array([4, 1]))
    log = timed([(0, 4, 1.0), (0, 0, 1.0), (1, 1, 1.0), (2, 1, 1.0), (2, 4, 1.0)])
    assert episodes(replay(log, world)) == [(1, [0]), (-1, [1]), (0, [1, 0])]
    assert episodes(replay(log, world, everybody=False)) == [(1, [0]), (0, [1, 0])]
    with pytest.raises(InputError, match="no row of the log is about the world's items and users"):
        replay(log, World(np.array([1]), np.array([4])), everybody=False)


def test_windows_and_blocked_items_end_at_the_episodes_beginning() -> None:
    log = timed([(0, 3, 5.0), (0, 1, 2.5), (0, 4, 0.0), (1, 2, 5.0)])
    found = replay(log)
    window = found.window(torch.tensor([0, 1, 2, 3]), 2)
    start, absent = 5, 6
    assert window.items.tolist() == [[absent, start], [start, 3], [3, 1], [absent, start]]
    assert window.rewards.tolist() == [[0.0, 1.0], [1.0, 1.0], [1.0, 0.5], [0.0, 1.0]]
    assert found.blocked_items(torch.tensor([2, 3, 1]), 3).tolist() == [[1, 3, absent], [absent] * 3, [3, absent, absent]]


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40),
    window=st.integers(1, 3),
    max_steps=st.integers(1, 4),
    allow_repeats=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_agrees_with_a_replay_row_by_row(rows: list[tuple[int, int]], window: int, max_steps: int, allow_repeats: bool) -> None:
    log = timed([(user, item, 1.0) for user, item in rows])
    expected: list[tuple[int, list[int]]] = []
    for user in range(3):
        current: list[int] = []
        for item in [row[1] for row in rows if row[0] == user]:
            if item in current and not allow_repeats:
                continue
            shares = any((CATEGORIES[item] & CATEGORIES[other]).any() for other in current[-window:])
            current.append(item)
            if len(current) == 1:
                expected.append((user, current))
            if shares or len(current) == max_steps:
                current = []
    rule = SharedCategory(CATEGORIES, window, tolerance=0)
    assert episodes(replay(log, leave=rule, max_steps=max_steps, allow_repeats=allow_repeats)) == expected
