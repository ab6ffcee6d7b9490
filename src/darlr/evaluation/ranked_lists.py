"""The metrics of ranked lists, from the items that users liked and the items that they have in a log, one pure function each.

Shapes: q users; k places of a list, best first; I items of the world; C categories, of which an item has at most S. Each
function returns either (q,) a value of each user, NaN where it does not apply, or one number for all lists, None if it does
not apply. This module does not import torch, because reports read the table of metrics, too.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darlr.data.tallies import distinct

Floats = NDArray[np.float64]

SMOOTHING = 0.01
"""The share of the user's own categories that calibration mixes into the recommended ones (alpha of Steck, 2018)."""


@dataclass(frozen=True)
class LoggedItems:
    """Statistics of the items and of the q users in the rows learned from.

    Attributes:
        information: (I,) self-information of each item in bits, see `self_information`.
        own_information: (q,) its mean over the user's items; NaN for users without any.
        categories: (I, S) codes of each item's categories, -1 in unused places.
        own_categories: (q, C) the shares of the categories among the user's items, see `category_shares`.
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
        """Compute the statistics.

        Args:
            users, items: (m,) the logged pairs; a repeated pair counts once.
            chosen: (q,) the users of the lists, in rising order.
            n_users, n_items, n_categories: numbers of users, items and categories.
            categories: (I, S) codes of each item's categories, as in the attributes.
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
        shown: (q, k) bool; False for items that only fill a list that ran out of allowed ones.
        hits: (q, k) bool, the shown items that are among the held-out ones that the user liked.
        n_liked: (q,) int64, the number of held-out items that the user liked; at least one.
        cutoff: the length of a list if there are enough items.
        logged: statistics of the rows learned from.
    """

    items: NDArray[np.int64]
    shown: NDArray[np.bool_]
    hits: NDArray[np.bool_]
    n_liked: NDArray[np.int64]
    cutoff: int
    logged: LoggedItems

    @property
    def attainable(self) -> NDArray[np.int64]:
        """(q,) the largest possible number of hits of a list."""
        return np.minimum(self.n_liked, self.cutoff)

    @property
    def n_items(self) -> int:
        """I, the number of items of the world."""
        return len(self.logged.information)

    def of(self, users: NDArray[np.intp]) -> "RankedLists":
        """Return the lists of some of the users, by their numbers (m,)."""
        own = replace(
            self.logged,
            own_information=self.logged.own_information[users],
            own_categories=self.logged.own_categories[users],
        )
        return RankedLists(self.items[users], self.shown[users], self.hits[users], self.n_liked[users], self.cutoff, own)

    def recommended(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (m,) the list and (m,) the item of each recommendation that is shown."""
        rows, places = np.nonzero(self.shown)
        return rows, self.items[rows, places]


def self_information(counts: NDArray[np.int64], n_users: int) -> Floats:
    """Return (I,) -log2((n + 1) / (U + 1)) bits, for items that n (`counts`, (I,)) of U users have.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems" (PNAS 2010), use log2(U / n). The
    added ones keep the value finite for items that no user has.
    """
    information: Floats = np.log2((n_users + 1) / (counts + 1.0))
    return information


def ndcg(lists: RankedLists) -> Floats:
    """Return (q,) DCG over the largest possible one, DCG = sum of 1 / log2(rank + 1) over hits (Jarvelin and Kekalainen,
    2002).
    """
    discounts = 1 / np.log2(np.arange(2.0, lists.cutoff + 2))
    gains = (lists.hits * discounts[: lists.hits.shape[1]]).sum(axis=1)
    found: Floats = gains / np.cumsum(discounts)[lists.attainable - 1]
    return found


def recall(lists: RankedLists) -> Floats:
    """Return (q,) hits over liked items, of which at most as many count as a list can hold (Liang et al., WWW 2018,
    Recall@R).
    """
    found: Floats = lists.hits.sum(axis=1) / lists.attainable
    return found


def hit_rate(lists: RankedLists) -> Floats:
    """Return (q,) 1 if the list has a hit, else 0 (Deshpande and Karypis, TOIS 2004)."""
    return np.where(lists.hits.any(axis=1), 1.0, 0.0)


def reciprocal_rank(lists: RankedLists) -> Floats:
    """Return (q,) 1 / rank of the first hit, 0 without one; its mean is MRR (Voorhees, TREC-8, 1999)."""
    found: Floats = hit_rate(lists) / (lists.hits.argmax(axis=1) + 1)
    return found


def average_precision(lists: RankedLists) -> Floats:
    """Return (q,) the sum of the precision at each hit's rank, over the largest possible number of hits; its mean is MAP.

    Manning, Raghavan and Schutze, "Introduction to Information Retrieval" (2008), Eq. 8.8, cut off after k.
    """
    precision = np.cumsum(lists.hits, axis=1) / np.arange(1, lists.hits.shape[1] + 1)
    found: Floats = (precision * lists.hits).sum(axis=1) / lists.attainable
    return found


def catalogue_coverage(lists: RankedLists) -> float:
    """Return the share of the world's items that occur in a list (Ge, Delgado-Battenfeld and Jannach, RecSys 2010)."""
    return len(np.unique(lists.items[lists.shown])) / lists.n_items


def gini(lists: RankedLists) -> float | None:
    """Return the sum over j of (2j - I - 1) p_j / (I - 1), where p_j is the j-th smallest share of recommendations of an item.

    It is 0 if all items are recommended equally often, and 1 if only one is (Shani and Gunawardana, 2011, "Evaluating
    Recommendation Systems", 8.3.8.2). It is None if nothing is shown, or there is only one item.
    """
    n = lists.n_items
    if n == 1 or not lists.shown.any():
        return None
    counts = np.sort(np.bincount(lists.items[lists.shown], minlength=n))
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / ((n - 1) * counts.sum()))


def novelty(lists: RankedLists) -> Floats:
    """Return (q,) the mean self-information of the shown items, in bits (Zhou et al., PNAS 2010)."""
    rows, items = lists.recommended()
    return _mean_by_row(rows, lists.logged.information[items], len(lists.items))


def popularity_bias(lists: RankedLists) -> Floats:
    """Return (q,) the mean log2 popularity, (n + 1) / (U + 1), of the shown items, minus that of the user's items in the log.

    It is 1 if the shown items are twice as popular as the user's own, in the geometric mean. It is the popularity lift of
    Abdollahpouri et al. ("The connection between popularity bias, calibration, and fairness in recommendation", RecSys
    2020) for logarithms, so that a few very popular items do not dominate it.
    """
    return lists.logged.own_information - novelty(lists)


def miscalibration(lists: RankedLists) -> Floats | None:
    """Return (q,) the sum over c of p(c) ln(p(c) / ((1 - a) q(c) + a p(c))), a = 0.01 (Steck, "Calibrated recommendations",
    RecSys 2018).

    p and q are the shares of the categories among the user's items in the log and among the shown ones. The value lies
    between 0 and -ln a = 4.6. It is None if items have no categories.
    """
    own = lists.logged.own_categories
    if own.shape[1] == 0:
        return None
    rows, items = lists.recommended()
    shown = category_shares(rows, items, len(own), lists.logged.categories, own.shape[1])
    mixed = (1 - SMOOTHING) * shown + SMOOTHING * own
    # A category that the user does not have adds nothing; NaN stays for users to whom the metric does not apply.
    ratio = np.divide(own, mixed, out=np.ones_like(own), where=own != 0)
    total: Floats = (own * np.log(ratio)).sum(axis=1)
    return total


def category_shares(
    rows: NDArray[np.int64], items: NDArray[np.int64], n_rows: int, categories: NDArray[np.int32], n_categories: int
) -> Floats:
    """Return (n_rows, C) shares of the categories among a row's items; NaN for rows without an item that has categories.

    Each item with categories has the same weight, divided equally among its categories.

    Args:
        rows, items: (m,) the items of each row.
        n_rows, n_categories: sizes of the result.
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
    """Return (n_rows,) the mean of the `values` (m,) of each row; NaN for a row without any."""
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(rows, values, n_rows) / np.bincount(rows, minlength=n_rows)
    return means
