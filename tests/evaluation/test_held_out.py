import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import TableScorer
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.evaluation.held_out import HeldOut, held_out_rows, judge_by_group, judge_held_out, split_log
from darlr.evaluation.modes import HELD_OUT
from darlr.evaluation.ranked_lists import LoggedItems
from darlr.evaluation.table import METRICS, Metric, register_metric
from darlr.evaluation.user_groups import UserGroups
from darlr.evaluation.user_items import UserItems
from darlr.world.window import Window
from darlr.world.world import World
from tests.worlds import CPU, catalog_of, log_of, window_of

START = window_of([[12]])


def matrix(items: UserItems) -> torch.Tensor:
    return items.matrix(torch.arange(len(items.counts)))


def everybody(log: InteractionLog) -> World:
    return World(np.arange(log.n_users), np.arange(log.n_items))


def accuracy(rows: HeldOut, scorer: Scorer, start: Window) -> dict[str, float]:
    """Recall and NDCG of the lists."""
    found = judge_held_out(rows, scorer, start)
    return {name: found[name] for name in ("recall_10", "ndcg_10")}


def test_a_split_keeps_every_row_once() -> None:
    log = log_of([(user, item, 1.0) for user in range(5) for item in range(8)], 5, 8)
    learned, held_out = split_log(log, 0.25, np.random.default_rng(0))

    def pairs(rows: InteractionLog) -> list[tuple[int, int]]:
        return list(zip(rows.users.tolist(), rows.items.tolist(), strict=True))

    assert (len(learned), len(held_out)) == (30, 10)
    assert sorted(pairs(learned) + pairs(held_out)) == sorted(pairs(log))
    again, _ = split_log(log, 0.25, np.random.default_rng(0))
    assert pairs(again) == pairs(learned)


def test_pairs_that_are_held_out_stay_so_when_the_log_grows() -> None:
    """The grown log has other numbers for its users and items, and one item more."""
    rows = [(user, item, 1.0) for user in range(30) for item in range(40)]
    log = log_of(rows, 30, 40)
    grown = replace(
        log_of([*rows, *((user, 40, 1.0) for user in range(30))][::-1], 30, 41),
        user_ids=np.arange(30)[::-1],
        item_ids=np.array([f"{40 - item}" for item in range(41)], dtype=object),
    )

    def held_out(rows: InteractionLog) -> set[tuple[str, str]]:
        _, held_out = split_log(rows, 0.2, np.random.default_rng(0), "pair")
        users, items = (ids[own].tolist() for ids, own in ((rows.user_ids, held_out.users), (rows.item_ids, held_out.items)))
        return {(str(user), str(item)) for user, item in zip(users, items, strict=True)}

    # Users are in reverse order in the grown log, so its pairs are others: those with the same ids are asked for.
    before, now = held_out(log), held_out(grown)
    assert {pair for pair in now if pair[1] != "40"} == before
    assert 180 < len(before) < 300  # of 1,200; six deviations to either side
    smaller = held_out(log.rows(np.arange(600)))
    assert smaller == {pair for pair in before if int(pair[0]) < 15}


def test_refuses_a_log_that_is_too_small_to_split() -> None:
    with pytest.raises(InputError, match=r"the log has 2 rows; expected enough to hold out a share of 0\.1"):
        split_log(log_of([(0, 0, 1.0), (0, 1, 1.0)], 1, 2), 0.1, np.random.default_rng(0))


def times_of(rows: InteractionLog) -> list[float]:
    assert rows.times is not None
    return [float(time) for time in rows.times]


def test_splits_by_time_by_last_row_and_by_user() -> None:
    rows = [(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (3, 0, 1.0), (3, 1, 1.0), (3, 2, 1.0)]
    log = log_of(rows, 4, 3, times=[5.0, 1.0, 2.0, 8.0, 9.0, 7.0, 4.0, 3.0])
    learned, latest = split_log(log, 0.25, np.random.default_rng(0), "time")
    assert (times_of(learned), times_of(latest)) == ([5, 1, 2, 7, 4, 3], [8, 9])
    learned, last = split_log(log, 0.25, np.random.default_rng(0), "last")
    assert times_of(last) == [5, 8, 7]  # user 2 has one row alone
    assert len(learned) == 5
    learned, others = split_log(log, 0.5, np.random.default_rng(0), "user")
    assert len(set(others.users.tolist())) == 2
    assert not set(learned.users.tolist()) & set(others.users.tolist())
    with pytest.raises(InputError, match=r"'evaluation\.split' is 'time', but the log has no times"):
        split_log(log_of(rows, 4, 3), 0.25, np.random.default_rng(0), "time")
    # Without times, the order of the rows is that of time.
    assert split_log(log_of(rows, 4, 3), 0.25, np.random.default_rng(0), "last")[1].items.tolist() == [1, 2, 2]


def test_recall_and_gain_at_ten() -> None:
    learned = log_of([(0, 0, 5.0), (2, 3, 1.0)], 3, 12, positive_threshold=4.0)
    held_out = log_of([(0, 2, 5.0), (0, 11, 4.0), (0, 1, 1.0), (2, 0, 5.0), (1, 5, 3.0)], 3, 12, positive_threshold=4.0)
    rows = held_out_rows(learned, held_out, everybody(learned), CPU)
    assert rows.users.tolist() == [0, 2]  # user 1 liked nothing
    descending = TableScorer(torch.arange(12.0, 0.0, -1.0)[None])
    # User 0 is shown 1 to 10, for 0 is known: item 2 at rank 2 of two liked. User 2 is shown item 0 at rank 1.
    gain = (1 / math.log2(3)) / (1 + 1 / math.log2(3))
    found = accuracy(rows, descending, START)
    assert found == {"recall_10": pytest.approx((1 / 2 + 1) / 2), "ndcg_10": pytest.approx((gain + 1) / 2)}


def test_whoever_likes_more_than_ten_can_have_all_recall() -> None:
    learned = log_of([(0, 13, 1.0)], 1, 14, positive_threshold=4.0)
    rows = held_out_rows(learned, log_of([(0, item, 5.0) for item in range(12)], 1, 14), everybody(learned), CPU)
    assert int(rows.liked.counts.sum()) == 12
    start = window_of([[14]])
    best = accuracy(rows, TableScorer(torch.arange(14.0, 0.0, -1.0)[None]), start)
    assert best == {"recall_10": pytest.approx(1.0), "ndcg_10": pytest.approx(1.0)}  # ten of ten, not ten of twelve
    # Item 12, which is not liked, comes first: nine of ten, and the gain of the first rank is lost.
    scores = torch.arange(14.0, 0.0, -1.0)
    scores[12] = 99.0
    gains = [1 / math.log2(rank + 1) for rank in range(1, 11)]
    found = accuracy(rows, TableScorer(scores[None]), start)
    assert found == {"recall_10": pytest.approx(0.9), "ndcg_10": pytest.approx(1 - gains[0] / sum(gains))}


def test_the_mean_of_the_learned_rows_is_the_threshold_where_none_is_set() -> None:
    learned = log_of([(0, 0, 1.0), (0, 1, 4.0)], 2, 12)
    rows = held_out_rows(learned, log_of([(0, 2, 2.5), (0, 3, 2.0), (1, 4, 1.0)], 2, 12), everybody(learned), CPU)
    assert rows.users.tolist() == [0]
    assert matrix(rows.liked).nonzero().tolist() == [[0, 2]]
    assert matrix(rows.known).nonzero().tolist() == [[0, 0], [0, 1]]


def test_refuses_when_nothing_held_out_was_liked() -> None:
    learned = log_of([(0, 0, 5.0)], 1, 12)
    with pytest.raises(InputError, match="no held-out row has a reward of at least 5"):
        held_out_rows(learned, log_of([(0, 1, 1.0)], 1, 12), everybody(learned), CPU)


def test_a_pair_that_was_learned_from_too_is_not_judged() -> None:
    learned = log_of([(0, 0, 5.0), (1, 3, 5.0)], 2, 12, positive_threshold=4.0)
    held_out = log_of([(0, 0, 5.0), (0, 1, 5.0), (1, 3, 5.0)], 2, 12, positive_threshold=4.0)
    rows = held_out_rows(learned, held_out, everybody(learned), CPU)
    assert rows.users.tolist() == [0]  # nothing new is left of what user 1 liked
    assert matrix(rows.liked).nonzero().tolist() == [[0, 1]]
    assert matrix(rows.known).nonzero().tolist() == [[0, 0]]
    right = TableScorer(torch.arange(12.0, 0.0, -1.0)[None])
    assert accuracy(rows, right, START) == {"recall_10": pytest.approx(1.0), "ndcg_10": pytest.approx(1.0)}
    with pytest.raises(InputError, match=r"no held-out row has a reward of at least 4 for an item that is new to its user"):
        held_out_rows(learned, log_of([(0, 0, 5.0)], 2, 12, positive_threshold=4.0), everybody(learned), CPU)


def test_what_fills_up_a_short_list_is_no_hit() -> None:
    user, first = np.array([0]), np.zeros(3, np.int64)
    logged = LoggedItems.of(first[:2], np.array([1, 2]), user, 1, 3, np.zeros((3, 0), np.int32), 0)
    every, known = (UserItems.of(first[: len(items)], np.array(items), user, 3, CPU) for items in ([0, 1, 2], [1, 2]))
    rows = HeldOut(users=torch.tensor([0]), liked=every, known=known, logged=logged, n_users=1)
    found = judge_held_out(rows, TableScorer(torch.tensor([[1.0, 3.0, 2.0]])), window_of([[3]]))
    assert found["recall_10"] == pytest.approx(1 / 3)
    assert found["coverage_10"] == pytest.approx(1 / 3)  # only item 0 is shown


def test_judges_a_world_smaller_than_the_log_by_its_own_rows_and_columns() -> None:
    world = World(np.array([1, 3]), np.array([2, 5, 7]))
    learned = log_of([(3, 5, 5.0), (3, 6, 5.0), (0, 2, 5.0)], 4, 8, positive_threshold=4.0)
    held_out = log_of([(3, 7, 5.0), (3, 0, 5.0), (1, 4, 5.0), (2, 2, 5.0)], 4, 8, positive_threshold=4.0)
    rows = held_out_rows(learned, held_out, world, CPU)
    assert rows.users.tolist() == [1]  # user 3; what user 1 liked is not in the world, and user 2 is not either
    assert matrix(rows.liked).tolist() == [[False, False, True]]
    assert matrix(rows.known).tolist() == [[False, True, False]]
    found = judge_held_out(rows, TableScorer(torch.tensor([[0.0, 0.0, 0.0], [2.0, 3.0, 1.0]])), window_of([[3]]))
    assert found["ndcg_10"] == pytest.approx(1 / math.log2(3))  # at rank 2, for the known item is left out


def test_rows_that_the_log_says_are_liked_are() -> None:
    learned = log_of([(0, 0, 1.0), (0, 1, 4.0)], 2, 12)
    held_out = replace(log_of([(0, 2, 5.0), (0, 3, 0.0), (1, 4, 5.0)], 2, 12), likes=np.array([False, True, False]))
    rows = held_out_rows(learned, held_out, everybody(learned), CPU)
    assert matrix(rows.liked).nonzero().tolist() == [[0, 3]]


def test_lists_are_judged_by_what_the_learned_rows_say_of_users_and_items() -> None:
    """A world of the log's users 1 and 3 and of its items 2, 5 and 7, whose categories are 0, 1 and both."""
    world = World(np.array([1, 3]), np.array([2, 5, 7]))
    rows = [(1, 2, 5.0), (1, 2, 4.0), (3, 2, 5.0), (3, 6, 5.0), (0, 5, 5.0)]  # a repeat, and an item and a user outside
    learned = log_of(rows, 4, 8, positive_threshold=4.0)
    held_out = log_of([(1, 5, 5.0), (3, 7, 5.0)], 4, 8, positive_threshold=4.0)
    catalog = catalog_of([[2], [2], [0], [2], [2], [1], [2], [0, 1]])
    judged = held_out_rows(learned, held_out, world, CPU, catalog)
    # Both users are shown 7 and 5, in this order, for they have 2. Both of two users have 2, nobody the others.
    found = judge_held_out(judged, TableScorer(torch.tensor([[1.0, 2.0, 3.0]])), window_of([[3]]))
    assert found == pytest.approx(
        {
            "ndcg_10": (1 / math.log2(3) + 1) / 2,
            "recall_10": 1.0,
            "hit_rate_10": 1.0,
            "mrr_10": (1 / 2 + 1) / 2,
            "map_10": (1 / 2 + 1) / 2,
            "coverage_10": 2 / 3,
            "gini_10": (-2 * 0 + 0 * 2 + 2 * 2) / (2 * 4),
            "novelty_10": math.log2(3),
            "popularity_bias_10": -math.log2(3),
            "calibration_10": math.log(1 / (0.99 / 4 + 0.01)),  # all of category 0, of which 1/4 is shown
        }
    )


def test_groups_of_users_are_judged_apart() -> None:
    learned = log_of([(0, 0, 5.0), (1, 0, 5.0)], 3, 3, positive_threshold=4.0)
    held_out = log_of([(0, 1, 5.0), (1, 2, 5.0), (2, 2, 5.0)], 3, 3, positive_threshold=4.0)
    rows = held_out_rows(learned, held_out, everybody(learned), CPU)
    groups = UserGroups("gender", ("f", "m"), np.array([0, 1, 1]))
    scorers = {"policy": TableScorer(torch.tensor([[1.0, 2.0, 3.0]]))}
    found = judge_by_group(rows, groups, scorers, window_of([[3]]))
    assert (found["feature"], found["users"]) == ("gender", {"f": 1, "m": 2})
    # User 0 likes item 1, the second of the list; the others like item 2, the first.
    assert found["values"]["policy"]["f"]["mrr_10"] == 0.5
    assert found["values"]["policy"]["m"]["mrr_10"] == 1.0
    assert found["values"]["policy"]["f"]["coverage_10"] == pytest.approx(2 / 3)  # item 0 is known to user 0
    whole = judge_held_out(rows, scorers["policy"], window_of([[3]]))
    assert whole["mrr_10"] == pytest.approx((0.5 + 2 * 1.0) / 3)


def test_what_does_not_apply_is_left_out() -> None:
    learned = log_of([(0, 0, 5.0)], 2, 3, positive_threshold=4.0)
    rows = held_out_rows(learned, log_of([(1, 1, 5.0)], 2, 3, positive_threshold=4.0), everybody(learned), CPU)
    found = judge_held_out(rows, TableScorer(torch.tensor([[1.0, 2.0, 3.0]])), window_of([[3]]))
    assert found.keys() & {"calibration_10", "popularity_bias_10"} == set()  # no categories; user 1 has nothing in the log
    assert found["novelty_10"] == pytest.approx((2 * math.log2(3) + math.log2(3 / 2)) / 3)


def test_a_registered_metric_of_lists_is_measured() -> None:
    learned = log_of([(0, 0, 5.0)], 1, 3, positive_threshold=4.0)
    rows = held_out_rows(learned, log_of([(0, 1, 5.0)], 1, 3), everybody(learned), CPU)
    scorer = TableScorer(torch.tensor([[1.0, 2.0, 3.0]]))
    register_metric(
        Metric(
            name="shown",
            label="Shown",
            description="how many items a list has",
            modes=(HELD_OUT,),
            compute_of_lists=lambda lists: lists.shown.sum(axis=1).astype(np.float64),
        )
    )
    try:
        assert judge_held_out(rows, scorer, window_of([[3]]))["shown"] == 2.0
    finally:
        METRICS.unregister("shown")
    assert "shown" not in judge_held_out(rows, scorer, window_of([[3]]))


def test_many_users_judge_by_a_part_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = log_of([(0, 0, 5.0)], 9, 12, positive_threshold=4.0)
    held_out = log_of([(user, 1 + user, 5.0) for user in range(9)], 9, 12, positive_threshold=4.0)
    assert held_out_rows(learned, held_out, everybody(learned), CPU).notes == []
    monkeypatch.setattr("darlr.evaluation.held_out.RANKED_CELLS", 36)
    rows = held_out_rows(learned, held_out, everybody(learned), CPU)
    assert rows.users.tolist() == [0, 4, 8]
    assert matrix(rows.liked).nonzero().tolist() == [[0, 1], [1, 5], [2, 9]]
    assert rows.notes == [
        "3 of the 9 users with held-out rows judge, spread evenly: lists of all of them would rank more than 36 pairs of a "
        "user and an item"
    ]
