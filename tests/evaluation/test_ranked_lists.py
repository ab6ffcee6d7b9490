"""Metrics of ranked lists, by hand and within their bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.evaluation.ranked_lists import (
    SMOOTHING,
    LoggedItems,
    RankedLists,
    average_precision,
    catalogue_coverage,
    category_shares,
    gini,
    hit_rate,
    miscalibration,
    ndcg,
    novelty,
    popularity_bias,
    recall,
    reciprocal_rank,
    self_information,
)

# Items 0 to 3 are had by 3, 1, 0 and 0 of three users; their categories are 0, 1, both and none.
PAIRS = np.array([[0, 0], [0, 1], [1, 0], [2, 0], [0, 0]])
CATEGORIES = np.array([[0, -1], [1, -1], [0, 1], [-1, -1]], np.int32)


def lists_of(items: list[list[int]], liked: list[set[int]], cutoff: int = 4, users: int = 3) -> RankedLists:
    """Lists of users 0 to q - 1; -1 stands for nothing shown."""
    places = np.array(items)
    logged = LoggedItems.of(PAIRS[:, 0], PAIRS[:, 1], np.arange(len(items)), users, 4, CATEGORIES, 2)
    return RankedLists(
        items=places.clip(min=0),
        shown=places >= 0,
        hits=np.array([[item in own for item in row] for row, own in zip(items, liked, strict=True)]),
        n_liked=np.array([len(own) for own in liked]),
        cutoff=cutoff,
        logged=logged,
    )


def test_accuracy_by_hand() -> None:
    # Hits at ranks 2 and 3 of two liked; at rank 1 of five liked, of which four count; none.
    lists = lists_of([[3, 2, 1, 0], [2, 3, 0, 1], [0, 1, 2, -1]], [{2, 1}, {2, 6, 7, 8, 9}, {3}])
    assert hit_rate(lists).tolist() == [1, 1, 0]
    assert recall(lists) == pytest.approx([1, 1 / 4, 0])
    assert reciprocal_rank(lists) == pytest.approx([1 / 2, 1, 0])
    assert average_precision(lists) == pytest.approx([(1 / 2 + 2 / 3) / 2, 1 / 4, 0])
    ideal = [1 / math.log2(rank + 1) for rank in (1, 2, 3, 4)]
    assert ndcg(lists) == pytest.approx([(ideal[1] + ideal[2]) / (ideal[0] + ideal[1]), ideal[0] / sum(ideal), 0])


def test_coverage_and_gini_by_hand() -> None:
    lists = lists_of([[2, 3], [2, -1], [2, -1]], [{0}, {0}, {0}], cutoff=2)
    assert catalogue_coverage(lists) == 2 / 4  # what fills up a list is not shown
    # Sorted counts 0, 0, 1, 3 with weights -3, -1, 1, 3, over 3 times 4.
    assert gini(lists) == pytest.approx((1 + 9) / 12)
    assert gini(lists_of([[0, 1], [2, 3]], [{0}, {0}], cutoff=2)) == pytest.approx(0)
    assert gini(lists_of([[1], [1]], [{0}, {0}], cutoff=1)) == pytest.approx(1)
    assert gini(lists_of([[-1]], [{0}], cutoff=1)) is None


def test_novelty_and_popularity_bias_by_hand() -> None:
    assert self_information(np.array([3, 1, 0]), 3) == pytest.approx([0, 1, 2])
    # User 0 has items 0 and 1 (0 and 1 bits), users 1 and 2 item 0; a repeat in the log counts once.
    lists = lists_of([[2, 1], [3, -1], [-1, -1]], [{0}, {0}, {0}], cutoff=2)
    assert novelty(lists) == pytest.approx([1.5, 2, math.nan], nan_ok=True)
    assert popularity_bias(lists) == pytest.approx([0.5 - 1.5, 0 - 2, math.nan], nan_ok=True)


def test_who_has_nothing_in_the_log_has_nothing_to_be_compared_with() -> None:
    lists = lists_of([[0], [0], [0], [0]], [{0}] * 4, cutoff=1, users=4)
    assert np.isnan(popularity_bias(lists)).tolist() == [False, False, False, True]
    found = miscalibration(lists)
    assert found is not None
    assert np.isnan(found).tolist() == [False, False, False, True]


def test_calibration_by_hand() -> None:
    # User 0 has categories half and half, user 1 all of 0. Item 3 has none and says nothing.
    lists = lists_of([[0, 3], [1, 3], [3, 3]], [{0}, {0}, {0}], cutoff=2)
    found = miscalibration(lists)
    kept = 0.5 * math.log(0.5 / (0.99 * 1 + 0.01 * 0.5)) + 0.5 * math.log(0.5 / (0.01 * 0.5))
    assert found == pytest.approx([kept, math.log(1 / 0.01), math.nan], nan_ok=True)
    assert miscalibration(lists_of([[2], [0]], [{0}, {0}], cutoff=1)) == pytest.approx([0, 0])


def test_categories_of_an_item_share_it() -> None:
    rows, items = np.array([0, 0, 0, 2]), np.array([0, 2, 3, 3])
    shares = category_shares(rows, items, 3, CATEGORIES, 2)
    assert shares[0] == pytest.approx([(1 + 1 / 2) / 2, (1 / 2) / 2])
    assert np.isnan(shares[1:]).all()


def test_without_categories_there_is_no_calibration() -> None:
    nothing = np.zeros((4, 0), np.int32)
    logged = LoggedItems.of(PAIRS[:, 0], PAIRS[:, 1], np.array([0]), 3, 4, nothing, 0)
    one = np.ones((1, 1), bool)
    assert miscalibration(RankedLists(np.zeros((1, 1), np.int64), one, one, np.array([1]), 1, logged)) is None


@st.composite
def any_lists(draw: st.DrawFn) -> RankedLists:
    """Lists of distinct items, some of them short, in a world of any log and any categories."""
    n_users, n_items, q = draw(st.integers(1, 5)), draw(st.integers(2, 8)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cutoff = draw(st.integers(1, 10))
    k, q = min(cutoff, n_items), min(q, n_users)
    items = np.argsort(random.random((q, n_items)), axis=1)[:, :k]
    shown = np.arange(k) < random.integers(0, k + 1, (q, 1))
    liked = random.random((q, n_items)) < draw(st.floats(0, 1))
    liked[np.arange(q), random.integers(0, n_items, q)] = True
    hits = np.take_along_axis(liked, items, axis=1) & shown
    m = draw(st.integers(0, 20))
    pairs = random.integers(0, n_users, m), random.integers(0, n_items, m)
    logged = LoggedItems.of(*pairs, np.arange(q), n_users, n_items, random.integers(-1, 3, (n_items, 2)).astype(np.int32), 3)
    return RankedLists(items, shown, hits, liked.sum(axis=1), cutoff, logged)


@settings(max_examples=100, deadline=None)
@given(any_lists())
def test_bounds(lists: RankedLists) -> None:
    n, rounding = lists.n_items, 1e-9

    def within(values: np.ndarray, low: float, high: float) -> None:
        known = values[~np.isnan(values)]
        assert ((known >= low - rounding) & (known <= high + rounding)).all()

    for metric in (hit_rate, recall, reciprocal_rank, average_precision, ndcg):
        values = metric(lists)
        assert not np.isnan(values).any()
        within(values, 0, 1)
        assert ((values > 0) == (hit_rate(lists) > 0)).all()  # each knows whether there is a hit
    assert (average_precision(lists) <= recall(lists) + rounding).all()
    assert (reciprocal_rank(lists) <= hit_rate(lists)).all()
    assert catalogue_coverage(lists) * n == pytest.approx(len({int(item) for item in lists.items[lists.shown]}))
    uneven = gini(lists)
    assert (uneven is None) == (not lists.shown.any())
    within(np.array([math.nan if uneven is None else uneven]), 0, 1)
    largest = math.log2(5 + 1)  # of five users at most
    within(novelty(lists), 0, largest)
    assert np.isnan(novelty(lists)).tolist() == (~lists.shown.any(axis=1)).tolist()
    within(popularity_bias(lists), -largest, largest)
    divergence = miscalibration(lists)
    assert divergence is not None
    within(divergence, 0, -math.log(SMOOTHING))
