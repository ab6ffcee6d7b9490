import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.readers.normalisation import ItemMoments

TABLES = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100)), min_size=1, max_size=30)


def moments(table: list[tuple[int, float]]) -> ItemMoments:
    items, values = zip(*table, strict=True) if table else ((), ())
    return ItemMoments.of(np.array(items, np.int32), np.array(values, np.float64), 4)


@given(first=TABLES, second=TABLES)
def test_moments_of_two_tables_are_those_of_all_rows(first: list[tuple[int, float]], second: list[tuple[int, float]]) -> None:
    merged, whole = moments(first).merged(moments(second)), moments(first + second)
    np.testing.assert_array_equal(merged.rows, whole.rows)
    np.testing.assert_allclose(merged.means, whole.means, atol=1e-9)
    np.testing.assert_allclose(merged.squares, whole.squares, atol=1e-6)


def test_scores_are_cut_above_alone_and_zero_without_a_spread() -> None:
    table = [(0, 1.0), (0, 3.0), (1, 7.0), (2, 4.0), (2, 4.0)]
    scores = moments(table).z_scores(np.array([0, 0, 0, 1, 2], np.int32), np.array([1.0, 3.0, 99.0, 5.0, 4.0]), 10.0)
    np.testing.assert_allclose(scores, [-(0.5**0.5), 0.5**0.5, 10.0, 0.0, 0.0], rtol=1e-6)


def test_means_are_standardised_over_the_items_that_have_rows() -> None:
    table = [(0, 1.0), (0, 3.0), (1, 4.0), (3, 6.0)]
    np.testing.assert_allclose(moments(table).standardised_means(), [-(1.5**0.5), 0.0, 0.0, 1.5**0.5], rtol=1e-6)
