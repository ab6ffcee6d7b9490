import numpy as np
import pytest

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.world.world import World


def features(codes: list[list[int]], numeric: list[list[float]]) -> Features:
    return Features(("f",), np.array(codes, np.int32), (2,), ("g",), np.array(numeric, np.float32))


def test_membership() -> None:
    catalog = ItemCatalog(np.array([[1, 0], [2, -1], [-1, -1]], np.int32), ("a", "b", "c"), Features.none(3))
    assert catalog.membership().tolist() == [[True, True, False], [False, False, True], [False, False, False]]
    assert ItemCatalog(np.zeros((2, 0), np.int32), (), Features.none(2)).membership().shape == (2, 0)


@pytest.mark.parametrize(
    ("codes", "numeric", "message"),
    [
        ([[0], [2]], [[0.0], [0.0]], r"feature 'f' has codes 0..2; expected 0..1"),
        ([[0], [1]], [[0.0], [np.nan]], "feature 'g' has a value that is not finite"),
        ([[0], [1]], [[0.0]], r"numeric features have shape \(1, 1\); expected \(2, 1\)"),
        ([[0, 1]], [[0.0]], r"coded features have shape \(1, 2\)"),
    ],
)
def test_refuses_wrong_features(codes: list[list[int]], numeric: list[list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        features(codes, numeric)


def test_refuses_wrong_categories() -> None:
    with pytest.raises(InputError, match=r"category codes lie in 0..3; expected -1..0"):
        ItemCatalog(np.array([[0], [3]], np.int32), ("a",), Features.none(2))
    with pytest.raises(InputError, match="expected a row for each of 3 items"):
        ItemCatalog(np.array([[0], [0]], np.int32), ("a",), Features.none(3))


def test_refuses_a_wrong_world_or_truth() -> None:
    world = World(np.array([0, 1]), np.array([4]))
    with pytest.raises(InputError, match=r"the truth has shape \(1, 2\); expected \(2, 1\)"):
        Truth(world, np.zeros((1, 2), np.float32))
    with pytest.raises(InputError, match="user row 1, item column 0"):
        Truth(world, np.array([[0], [np.nan]], np.float32))
    with pytest.raises(InputError, match="names one of its items twice"):
        World(np.array([0]), np.array([4, 4]))
    with pytest.raises(InputError, match="has no users"):
        World(np.array([], np.int64), np.array([4]))


def test_refuses_known_cells_of_another_shape() -> None:
    world = World(np.array([0, 1]), np.array([4]))
    with pytest.raises(InputError, match=r"the truth's known cells have shape \(1, 2\); expected \(2, 1\)"):
        Truth(world, np.zeros((2, 1), np.float32), known=np.ones((1, 2), bool))


@pytest.mark.parametrize("alike", [False, True])
def test_items_without_a_category_may_be_alike(alike: bool) -> None:
    catalog = ItemCatalog(np.array([[0, 1], [-1, -1], [1, -1], [-1, -1]], np.int32), ("a", "b"), Features.none(4), alike)
    member = catalog.membership().astype(int).tolist()
    assert [row[:2] for row in member] == [[1, 1], [0, 0], [0, 1], [0, 0]]
    assert [row[2:] for row in member] == ([[0], [1], [0], [1]] if alike else [[], [], [], []])
