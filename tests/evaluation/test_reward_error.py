import pytest
import torch

from darlr.evaluation.reward_error import sampled_error, table_error
from darlr.rewards.estimates import interface

TRUTH = torch.tensor([[1.0, 2.0, 3.0], [5.0, 5.0, 1.0]])
ESTIMATES = torch.tensor([[1.0, 4.0, 2.5], [4.0, 5.0, 3.5]])  # off by 0, 2, -0.5, -1, 0 and 2.5


def test_over_the_whole_table() -> None:
    assert table_error(ESTIMATES, TRUTH) == pytest.approx(6 / 6)
    assert table_error(TRUTH, TRUTH) == 0


@pytest.mark.parametrize("cells", [1, 3, 100])
def test_blocks_of_any_size_give_the_same_error(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(interface, "CELLS_AT_ONCE", cells)
    unknown = torch.tensor([[False, False, False], [True, True, False]])
    assert table_error(ESTIMATES, TRUTH) == pytest.approx(6 / 6)
    assert table_error(ESTIMATES, TRUTH, unknown) == pytest.approx((0 + 2 + 0.5 + 2.5) / 4)


def test_over_what_was_recommended() -> None:
    # Cells (0, 1), (1, 2), (0, 1) again and (0, 0).
    users, items = torch.tensor([0, 1, 0, 0]), torch.tensor([1, 2, 1, 0])
    assert sampled_error(ESTIMATES, TRUTH, users, items) == pytest.approx((2 + 2.5 + 2 + 0) / 4)


def test_cells_that_the_truth_lacks_count_for_nothing() -> None:
    unknown = torch.tensor([[False, True, False], [False, False, True]])
    assert table_error(ESTIMATES, TRUTH, unknown) == pytest.approx((0 + 0.5 + 1 + 0) / 4)
    users, items = torch.tensor([0, 1, 0, 0]), torch.tensor([1, 2, 2, 0])
    assert sampled_error(ESTIMATES, TRUTH, users, items, unknown) == pytest.approx((0.5 + 0) / 2)
