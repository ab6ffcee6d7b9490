import numpy as np
import pytest

from darlr.data.factored import FactoredRewards
from darlr.errors import InputError

USERS = np.array([[1.0, 2.0], [0.0, -1.0], [30.0, 9.0]], np.float32)
ITEMS = np.array([[0.5, 0.25], [1.0, 0.0]], np.float32)


def test_cells_are_those_of_the_table() -> None:
    rewards = FactoredRewards(USERS, ITEMS, "identity", -0.2, 4.0)
    np.testing.assert_allclose(rewards.table(np.arange(3), np.arange(2)), [[1.0, 1.0], [-0.2, 0.0], [4.0, 4.0]])
    np.testing.assert_allclose(rewards.cells(np.array([0, 1, 2]), np.array([1, 0, 1])), [1, -0.2, 4])
    np.testing.assert_allclose(rewards.table(np.array([1]), np.array([1, 0])), [[0, -0.2]])


def test_a_logarithm_is_undone_and_what_is_too_large_is_the_largest() -> None:
    rewards = FactoredRewards(USERS * 100, ITEMS, "log", 0.0, 5.0)
    np.testing.assert_allclose(
        rewards.table(np.arange(3), np.arange(2)), [[5.0, 5.0], [float(np.exp(-25.0)), 1.0], [5.0, 5.0]], rtol=1e-6
    )


def test_factors_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="users have 2 factors and items 1; expected as many"):
        FactoredRewards(USERS, ITEMS[:, :1], "identity", 0.0, 1.0)
    with pytest.raises(InputError, match="the factors of the items are not all finite"):
        FactoredRewards(USERS, np.full_like(ITEMS, np.inf), "identity", 0.0, 1.0)
