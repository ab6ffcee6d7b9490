import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.errors import InputError
from darlr.rewards.entropy import EntropyTerm
from darlr.world.world import World
from tests.worlds import CPU, log_of

# In order of time user 0 saw 0 1 2 0 1 3 0, and user 1 saw 1 0 2; the rows stand in another order.
BY_TIME = [(0, 0), (0, 1), (0, 2), (0, 0), (0, 1), (0, 3), (0, 0), (1, 1), (1, 0), (1, 2)]
ROWS = [(user, item, 1.0) for user, item in reversed(BY_TIME)]
TIMES = [10.0 - number for number in range(10)]
UNEVEN = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))  # bits of the counts 2, 1; over log2(2) = 1
START, ABSENT = 4, 5


def term(orders: tuple[int, ...] = (1, 2), columns: tuple[int, ...] = (0, 1, 2, 3)) -> EntropyTerm:
    world = World(np.arange(2), np.array(columns))
    return EntropyTerm.fit(log_of(ROWS, 2, 4, TIMES), world, orders, CPU)


def value(entropy: EntropyTerm, item: int, *window: int) -> float:
    return float(entropy.value(torch.tensor([item]), torch.tensor([window]))[0])


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (0, UNEVEN),  # followed by 1, 1 and 2; by 1, 1, 1 and 2 if users were mixed
        (1, 1.0),  # followed by 2, 3 and 0: even
        (2, 1.0),  # followed by 0 alone
        (3, 1.0),  # likewise
    ],
)
def test_first_order(item: int, expected: float) -> None:
    assert value(term((1,)), item, ABSENT, START) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("previous", "item", "expected"),
    [
        (0, 1, UNEVEN),  # 0 1 goes on with 2 and 3, and 1 0 with 2
        (1, 0, UNEVEN),  # the same pattern: order inside it does not matter
        (2, 1, 1.0),  # 1 2 goes on with 0 alone
        (3, 0, 1.0),  # ends user 0's log, so the log never goes on
        (2, 3, 1.0),  # never seen
        (START, 0, 1.0),  # the history is too short
    ],
)
def test_second_order(previous: int, item: int, expected: float) -> None:
    assert value(term((2,)), item, START, previous) == pytest.approx(expected)


def test_orders_add_up() -> None:
    entropy = term()
    assert value(entropy, 0, START, 1) == pytest.approx(2 * UNEVEN)
    assert value(entropy, 1, START, 0) == pytest.approx(1 + UNEVEN)
    assert value(entropy, 0, ABSENT, START) == pytest.approx(UNEVEN + 1)  # + 1 for the order without a history
    assert [entropy.low, entropy.high] == pytest.approx([2 * UNEVEN, 2.0])


def test_a_window_shorter_than_the_order_is_too_short_a_history() -> None:
    assert value(term((2,)), 1, 0) == pytest.approx(UNEVEN)
    assert value(term((3,)), 1, 0) == 1.0


def test_world_columns_are_mapped_to_log_items() -> None:
    entropy = term(columns=(3, 1, 0))  # column 2 is item 0, column 1 item 1; 3 is the start
    assert value(entropy, 2, 3, 1) == pytest.approx(2 * UNEVEN)
    assert value(entropy, 0, 4, 3) == pytest.approx(2.0)  # item 3 at the start


def test_a_log_too_short_for_any_pattern() -> None:
    entropy = EntropyTerm.fit(log_of([(0, 0, 1.0), (1, 1, 1.0)], 2, 4, [0, 1]), World(np.arange(2), np.arange(4)), (1, 2), CPU)
    assert value(entropy, 0, START, 1) == 2.0
    assert (entropy.low, entropy.high) == (2.0, 2.0)


def test_refuses_a_log_without_times_and_an_order_too_high() -> None:
    with pytest.raises(InputError, match="the log has no time"):
        EntropyTerm.fit(log_of(ROWS, 2, 4), World(np.arange(2), np.arange(4)), (1,), CPU)
    with pytest.raises(InputError, match=r"'reward.entropy_orders' has 31, too high for 4 items"):
        term((1, 31))


@given(
    sequences=st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=3).filter(any),
    order=st.integers(1, 3),
    pattern=st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_equals_a_dictionary_of_counters(sequences: list[list[int]], order: int, pattern: list[int]) -> None:
    following: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for sequence in sequences:
        for place in range(order, len(sequence)):
            following[tuple(sorted(sequence[place - order : place]))][sequence[place]] += 1
    counts = following[tuple(sorted(pattern[-order:]))]
    expected = 1.0
    if len(counts) > 1:
        shares = [count / counts.total() for count in counts.values()]
        expected = -sum(share * math.log2(share) for share in shares) / math.log2(len(counts))
    rows = [(user, item, 1.0) for user, sequence in enumerate(sequences) for item in sequence]
    log = log_of(rows, len(sequences), 4, list(range(len(rows))))
    entropy = EntropyTerm.fit(log, World(np.arange(1), np.arange(4)), (order,), CPU)
    assert value(entropy, pattern[-1], START, *pattern[:-1]) == pytest.approx(expected, abs=1e-6)
