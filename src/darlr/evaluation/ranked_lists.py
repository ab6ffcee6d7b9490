"""The metrics of ranked lists beside what users liked and have in a log, one pure function each.

Shapes: q users; k places of a list, best first; I items of the world; C categories, of which an item has S at most. Each gives
(q,) a value of each user, NaN for a user to whom it does not apply, or one number for all lists, None where it does not apply.
Nothing here imports torch: the table of metrics is read by reports, too.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darlr.data.tallies import distinct

Floats = NDArray[np.float64]

SMOOTHING = 0.01
"""The share of the user's own categories that calibration mixes into those recommended (alpha of Steck, 2018)."""


@dataclass(frozen=True)
class LoggedItems:
    """What the rows learned from say of the items and of the q users.

    Attributes:
        information: (I,) self-information of each item in bits, see `self_information`.
        own_information: (q,) its mean over the items that each user has there; NaN for users without any.
        categories: (I, S) codes of each item's categories, -1 where it has fewer than S.
        own_categories: (q, C) the shares of the categories among the items that the user has there, see `category_shares`.
    """

    information: Floats
    own_information: Floats
    categories: NDArray[np.int32]
    own_categories: Floats

    @classmethod
    def of(
        cls,
        users: NDArray[np.int64],
        items: NDArray[np.int64],
        chosen: NDArray[np.int64],
        n_users: int,
        n_items: int,
        categories: NDArray[np.int32],
        n_categories: int,
    ) -> "LoggedItems":
        """
        Args:
            users, items: (m,) the logged pairs; one that stands several times counts once.
            chosen: (q,) the users that lists are made for, in rising order.
            categories: (I, S) codes of each item's categories, as in the attributes; there are `n_categories`.
        """
        users, items = np.divmod(distinct(users, items, n_items), n_items)
        information = self_information(np.bincount(items, minlength=n_items), n_users)
        own = np.isin(users, chosen)
        rows, items = np.searchsorted(chosen, users[own]), items[own]
        return cls(
            information=information,
            own_information=_mean_by_row(rows, information[items], len(chosen)),
            categories=categories,
            own_categories=category_shares(rows, items, len(chosen), categories, n_categories),
        )


@dataclass(frozen=True)
class RankedLists:
    """The lists of q users.

    Attributes:
        items: (q, k) int64 columns of the world, best first.
        shown: (q, k) bool; a list that ran out of items is filled up with others, which nobody is shown.
        hits: (q, k) bool, the items shown that are among the held-out ones that the user liked.
        n_liked: (q,) int64, how many held-out items the user liked; one at least.
        cutoff: how many items a list has where there are enough.
        logged: what the rows learned from say.
    """

    items: NDArray[np.int64]
    shown: NDArray[np.bool_]
    hits: NDArray[np.bool_]
    n_liked: NDArray[np.int64]
    cutoff: int
    logged: LoggedItems

    @property
    def attainable(self) -> NDArray[np.int64]:
        """(q,) the most hits that a list can have."""
        return np.minimum(self.n_liked, self.cutoff)

    @property
    def n_items(self) -> int:
        return len(self.logged.information)

    def of(self, users: NDArray[np.intp]) -> "RankedLists":
        """The lists of some of the users, by their numbers (m,)."""
        own = replace(
            self.logged,
            own_information=self.logged.own_information[users],
            own_categories=self.logged.own_categories[users],
        )
        return RankedLists(self.items[users], self.shown[users], self.hits[users], self.n_liked[users], self.cutoff, own)

    def recommended(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(m,) the list and the item of each recommendation that is shown."""
        rows, places = np.nonzero(self.shown)
        return rows, self.items[rows, places]


def self_information(counts: NDArray[np.int64], n_users: int) -> Floats:
    """-log2((n + 1) / (U + 1)) bits, (I,), for items that n (`counts`) of U users have.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems" (PNAS 2010), have log2(U / n); the one
    more keeps items that nobody has finite.
    """
    information: Floats = np.log2((n_users + 1) / (counts + 1.0))
    return information


def ndcg(lists: RankedLists) -> Floats:
    """(q,) DCG over the largest that is possible, DCG = sum of 1 / log2(rank + 1) over hits (Jarvelin and Kekalainen, 2002)."""
    discounts = 1 / np.log2(np.arange(2.0, lists.cutoff + 2))
    gains = (lists.hits * discounts[: lists.hits.shape[1]]).sum(axis=1)
    found: Floats = gains / np.cumsum(discounts)[lists.attainable - 1]
    return found


def recall(lists: RankedLists) -> Floats:
    """(q,) hits over liked items, of which no more count than a list can hold (Liang et al., WWW 2018, Recall@R)."""
    found: Floats = lists.hits.sum(axis=1) / lists.attainable
    return found


def hit_rate(lists: RankedLists) -> Floats:
    """(q,) 1 where the list has a hit, else 0 (Deshpande and Karypis, TOIS 2004)."""
    return np.where(lists.hits.any(axis=1), 1.0, 0.0)


def reciprocal_rank(lists: RankedLists) -> Floats:
    """(q,) 1 / rank of the first hit, 0 without one; its mean is MRR (Voorhees, TREC-8, 1999)."""
    found: Floats = hit_rate(lists) / (lists.hits.argmax(axis=1) + 1)
    return found


def average_precision(lists: RankedLists) -> Floats:
    """(q,) sum of the precision at each hit's rank, over the most hits that are possible; its mean is MAP.

    Manning, Raghavan and Schutze, "Introduction to Information Retrieval" (2008), Eq. 8.8, cut off after k.
    """
    precision = np.cumsum(lists.hits, axis=1) / np.arange(1, lists.hits.shape[1] + 1)
    found: Floats = (precision * lists.hits).sum(axis=1) / lists.attainable
    return found


def catalogue_coverage(lists: RankedLists) -> float:
    """Share of the world's items that stand in a list (Ge, Delgado-Battenfeld and Jannach, RecSys 2010)."""
    return len(np.unique(lists.items[lists.shown])) / lists.n_items


def gini(lists: RankedLists) -> float | None:
    """Sum over j of (2j - I - 1) p_j / (I - 1), where p_j is the share of recommendations of the item with the j-th smallest.

    0 where all items are recommended alike, 1 where one item alone is (Shani and Gunawardana, 2011, "Evaluating Recommendation
    Systems", 8.3.8.2). None where nothing is shown, or there is one item alone.
    """
    n = lists.n_items
    if n == 1 or not lists.shown.any():
        return None
    counts = np.sort(np.bincount(lists.items[lists.shown], minlength=n))
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / ((n - 1) * counts.sum()))


def novelty(lists: RankedLists) -> Floats:
    """(q,) mean self-information of the items shown, in bits (Zhou et al., PNAS 2010)."""
    rows, items = lists.recommended()
    return _mean_by_row(rows, lists.logged.information[items], len(lists.items))


def popularity_bias(lists: RankedLists) -> Floats:
    """(q,) mean log2 popularity, (n + 1) / (U + 1), of the items shown, less that of the items that the user has in the log.

    1 where they are twice as popular as the user's own, in the geometric mean. This is the popularity lift of Abdollahpouri et
    al. ("The connection between popularity bias, calibration, and fairness in recommendation", RecSys 2020), of logarithms, so
    that a few very popular items do not decide it.
    """
    return lists.logged.own_information - novelty(lists)


def miscalibration(lists: RankedLists) -> Floats | None:
    """(q,) sum over c of p(c) ln(p(c) / ((1 - a) q(c) + a p(c))), a = 0.01 (Steck, "Calibrated recommendations", RecSys 2018).

    p and q are the shares of the categories among the items that the user has in the log and among those shown. From 0 to
    -ln a = 4.6. None where items have no categories.
    """
    own = lists.logged.own_categories
    if own.shape[1] == 0:
        return None
    rows, items = lists.recommended()
    shown = category_shares(rows, items, len(own), lists.logged.categories, own.shape[1])
    mixed = (1 - SMOOTHING) * shown + SMOOTHING * own
    # A category that the user does not have adds nothing; NaN, of users to whom this does not apply, stays.
    ratio = np.divide(own, mixed, out=np.ones_like(own), where=own != 0)
    total: Floats = (own * np.log(ratio)).sum(axis=1)
    return total


def category_shares(
    rows: NDArray[np.int64], items: NDArray[np.int64], n_rows: int, categories: NDArray[np.int32], n_categories: int
) -> Floats:
    """(n_rows, C) shares of the categories among a row's items; NaN for rows without an item that has categories.

    Each item that has some counts alike, and so does each of its categories.

    Args:
        rows, items: (m,) the items of each row.
        categories: (I, S) codes of the items' categories, -1 for none.
    """
    codes = categories[items]
    entry, slot = np.nonzero(codes >= 0)
    weights = 1 / (codes >= 0).sum(axis=1)[entry]
    cells = rows[entry] * n_categories + codes[entry, slot]
    sums = np.bincount(cells, weights, n_rows * n_categories).reshape(n_rows, n_categories)
    with np.errstate(invalid="ignore"):
        shares: Floats = sums / sums.sum(axis=1, keepdims=True)
    return shares


def _mean_by_row(rows: NDArray[np.int64], values: Floats, n_rows: int) -> Floats:
    """(n_rows,) mean of the `values` (m,) of each row; NaN for a row without any."""
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(rows, values, n_rows) / np.bincount(rows, minlength=n_rows)
    return means
