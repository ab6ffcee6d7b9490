"""Similarities that were worked by hand."""

import pytest
import torch

from darlr.world.similarity import NearColumns, SharedCategories
from tests.worlds import membership_of


def test_items_are_as_alike_as_the_categories_that_they_share() -> None:
    # Items 0 and 1 share one of two categories, 2 has one of its own, 3 has none; 4 and 5 are start and absence.
    similarity = SharedCategories(membership_of([[0], [0, 1], [2], []]))
    found = similarity.to_earlier(torch.tensor([1, 2, 3]), torch.tensor([[0, 1, 4], [0, 2, 5], [3, 0, 2]]))
    assert found.tolist() == [[0.5, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_items_are_alike_that_users_are_expected_to_rate_alike() -> None:
    similarity = NearColumns(torch.tensor([[1.0, 4.0, 1.0], [2.0, 6.0, 2.0]]))
    found = similarity.to_earlier(torch.tensor([0, 1]), torch.tensor([[1, 2, 3], [1, 4, 0]]))
    assert found.tolist() == [pytest.approx([1 / 6, 1.0, 0.0]), pytest.approx([1.0, 0.0, 1 / 6])]  # 3-4-5
