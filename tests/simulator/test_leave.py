import pytest
import torch

from darlr.simulator.leave import LeaveRule, Never, SharedCategory, leave_rule
from darlr.world.settings import LeaveBy, LeaveConfig
from tests.worlds import draws, membership_of

CATEGORIES = [[0], [0, 1], [1], [2], []]
START, ABSENT = 5, 6
REWARDS = torch.tensor([[0.0, 3.0, 0.0, 9.0, 3.0], [0.0, 4.0, 1.0, 9.0, 4.0]])  # columns: (0,0) (3,4) (0,1) (9,9) (3,4)


def rule(by: LeaveBy, tolerance: float) -> LeaveRule:
    return leave_rule(LeaveConfig(by=by, window=3, tolerance=tolerance), membership_of(CATEGORIES), REWARDS)


def leaves(by: LeaveBy, tolerance: float, item: int, recent: list[int]) -> bool:
    return bool(rule(by, tolerance).leaves(torch.tensor([item]), torch.tensor([recent]))[0])


@pytest.mark.parametrize(
    ("item", "recent", "tolerance", "expected"),
    [
        (0, [3, 2, 4], 0, False),  # none of the three has category 0
        (0, [0, 3, 3], 0, True),  # the oldest counts
        (1, [3, 3, 2], 0, True),  # one of two categories is enough
        (4, [4, 4, 4], 0, False),  # no category at all
        (0, [1, 3, 3], 1, False),  # category 0 occurs once: forgiven
        (0, [1, 3, 0], 1, True),  # twice
        (1, [0, 3, 2], 1, False),  # categories 0 and 1 once each: they are not added up
        (1, [1, 3, 3], 1, False),  # an item counts once for each of its categories
        (1, [1, 3, 2], 1, True),  # category 1 twice
        (0, [0, 1, 0], 2, True),
        (0, [0, 1, 2], 2, False),
        (0, [ABSENT, ABSENT, START], 0, False),  # the first step
        (0, [ABSENT, START, 0], 0, True),
    ],
)
def test_shared_category(item: int, recent: list[int], tolerance: float, expected: bool) -> None:
    assert leaves("category", tolerance, item, recent) is expected


@pytest.mark.parametrize(
    ("item", "recent", "tolerance", "expected"),
    [
        (0, [1, 3, 3], 5.0, False),  # at distance 5 exactly: not below
        (0, [1, 3, 3], 5.001, True),
        (0, [3, 3, 2], 1.5, True),  # distance 1
        (1, [3, 3, 4], 0.001, True),  # another item with the same column
        (3, [3, 0, 1], 0.001, True),  # the item itself
        (3, [0, 1, 2], 7.0, False),  # nearest is (3, 4), at the root of 61
        (0, [ABSENT, ABSENT, START], 1e6, False),
        (0, [0, 0, 0], 0.0, False),  # no distance lies below 0
    ],
)
def test_near_duplicate(item: int, recent: list[int], tolerance: float, expected: bool) -> None:
    assert leaves("distance", tolerance, item, recent) is expected


def test_near_duplicates_are_found_among_many_users_and_items() -> None:
    columns = torch.rand(400, 40, generator=draws()) * 5
    distance = leave_rule(LeaveConfig(by="distance", window=1, tolerance=1e-3), torch.zeros(40, 0), columns)
    every = torch.arange(40)
    assert distance.leaves(every, every[:, None]).all()
    assert not distance.leaves(every, every.roll(1)[:, None]).any()


def test_never() -> None:
    assert isinstance(rule("never", 0.0), Never)
    assert not leaves("never", 9.0, 0, [0, 0, 0])


def test_the_items_over_which_users_would_leave_are_those_over_which_they_do() -> None:
    generator = torch.Generator().manual_seed(0)
    membership = torch.rand(12, 5, generator=generator) < 0.3
    recent = torch.randint(0, 14, (20, 4), generator=generator)
    for tolerance in (0.0, 1.0):
        shared = SharedCategory(membership, 4, tolerance)
        one_by_one = torch.stack([shared.leaves(torch.full((20,), item), recent) for item in range(12)], dim=1)
        assert torch.equal(shared.leaves_over(recent), one_by_one)
        assert one_by_one.any()
        assert not one_by_one.all()
