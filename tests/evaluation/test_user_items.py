import numpy as np
import torch

from darlr.evaluation.user_items import UserItems
from tests.worlds import CPU


def test_pairs_of_the_chosen_users_become_rows_of_a_matrix() -> None:
    users, items = np.array([3, 0, 5, 3, 3, 7]), np.array([2, 1, 0, 0, 2, 3])
    of = UserItems.of(users, items, np.array([0, 3, 4]), 4, CPU)
    assert of.counts.tolist() == [1, 2, 0]  # a pair that stands twice counts once; users 5 and 7 are not asked about
    assert of.matrix(torch.tensor([2, 1, 0, 1])).int().tolist() == [[0, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0]]


def test_nobody_has_anything() -> None:
    of = UserItems.of(np.array([9]), np.array([0]), np.array([0, 1]), 3, CPU)
    assert not of.matrix(torch.tensor([0, 1])).any()
