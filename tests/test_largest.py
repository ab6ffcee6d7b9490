import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.largest import GROUP, largest_places
from tests.worlds import draws


@given(
    count=st.integers(1, 5),
    n=st.integers(5, 12 * GROUP),
    distinct=st.sampled_from([2, 10, 1_000_000]),
    missing=st.sampled_from([0.0, 0.5, 0.99]),
    seed=st.integers(0, 2**31),
)
def test_the_largest_are_those_of_a_full_search(count: int, n: int, distinct: int, missing: float, seed: int) -> None:
    """With as few numbers as need no groups and with more, with ties, and with numbers that are minus infinity."""
    numbers = torch.randint(distinct, (3, n), generator=draws(seed)).float()
    numbers[torch.rand(3, n, generator=draws(seed + 1)) < missing] = float("-inf")
    places = largest_places(numbers, count)
    assert torch.equal(numbers.gather(1, places), numbers.topk(count, dim=1).values)
    assert all(len(set(row)) == count for row in places.tolist())


def test_groups_take_every_sixteenth_number() -> None:
    """40 numbers make 16 groups of 2, whose members lie 2 apart, and 8 numbers without a group."""
    numbers = torch.zeros(1, 40)
    numbers[0, 3], numbers[0, 39] = 1.0, 2.0
    assert largest_places(numbers, 1).tolist() == [[39]]
    numbers[0, 39] = 0.5
    assert largest_places(numbers, 1).tolist() == [[3]]
