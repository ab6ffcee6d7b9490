from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.log import InteractionLog
from darlr.errors import InputError


def example() -> InteractionLog:
    return InteractionLog(
        users=np.array([0, 1, 1], np.int32),
        items=np.array([2, 0, 2], np.int32),
        rewards=np.array([1, 2.5, 5], np.float32),
        times=np.array([3.0, 2.0, 1.0]),
        user_ids=np.array([7, 20]),
        item_ids=np.array(["a", "b", "c"]),
        reward_range=(1.0, 5.0),
    )


def test_rows_keep_the_vocabularies() -> None:
    log = example().rows(np.array([False, True, True]))
    assert (len(log), log.n_users, log.n_items) == (2, 2, 3)
    assert log.times is not None
    assert (log.items.tolist(), log.times.tolist()) == ([0, 2], [2.0, 1.0])


def test_pairs_count_once() -> None:
    """Users 0 and 2 of three have rows; item 0 is in one of these users' rows twice, item 2 in those of both."""
    users, items = np.array([2, 0, 2, 2], np.int32), np.array([2, 2, 0, 0], np.int32)
    log = replace(
        example(), users=users, items=items, rewards=np.ones(4, np.float32), times=None, user_ids=np.array([7, 20, 21])
    )
    assert log.cells().tolist() == [2, 6, 8]
    assert log.audience_shares().tolist() == [0.5, 0.0, 1.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"users": np.zeros(0, np.int32), "items": np.zeros(0, np.int32)},
            "the interaction log is empty; expected at least one row",
        ),
        ({"items": np.zeros(2, np.int32)}, r"items have shape \(2,\); expected \(3,\)"),
        ({"items": np.array([0, 3, 0], np.int32)}, r"items lie in 0..3; expected 0..2"),
        ({"users": np.array([0, -1, 0], np.int32)}, r"users lie in -1..0; expected 0..1"),
        ({"rewards": np.array([1, np.nan, 1], np.float32)}, "reward in row 1 is not finite"),
        ({"rewards": np.array([1, 6, 1], np.float32)}, r"rewards lie in 1..6; expected 1..5"),
        ({"times": np.array([1, 2, np.inf])}, "time in row 2 is not finite"),
        ({"reward_range": (5.0, 5.0)}, r"reward range is 5.0..5.0; expected the smaller reward first"),
        ({"user_ids": np.array([7, 7])}, "users: id 7 stands more than once"),
        ({"item_ids": np.array(["a", "b", "a"])}, "items: id a stands more than once"),
    ],
)
def test_refuses_what_is_no_log(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(example(), **changes)  # type: ignore[arg-type]


@given(
    users=st.lists(st.integers(-2, 3), min_size=1, max_size=5),
    rewards=st.lists(st.floats(-1, 7, width=32) | st.just(float("nan")), min_size=1, max_size=5),
)
def test_a_log_exists_exactly_if_it_is_valid(users: list[int], rewards: list[float]) -> None:
    valid = len(users) == len(rewards) and all(0 <= user < 2 for user in users) and all(1 <= reward <= 5 for reward in rewards)

    def build() -> InteractionLog:
        return replace(
            example(),
            users=np.array(users, np.int32),
            items=np.zeros(len(users), np.int32),
            rewards=np.array(rewards, np.float32),
            times=None,
        )

    if valid:
        assert build().rewards.tolist() == rewards
    else:
        with pytest.raises(InputError):
            build()
