"""Methods ranked over worlds and seeds."""

from pathlib import Path

import pytest

from darlr.errors import InputError
from darlr.evaluation.average_ranks import Ranked
from darlr.report.analysis.overview import outcomes_of
from darlr.report.analysis.ranking import Ranking, lanes_of, ranking_of
from darlr.report.analysis.runs import collect
from tests.report.analysis.test_overview import write


def ranking(out: Path) -> Ranking:
    return ranking_of(outcomes_of(collect([out]).groups))


def test_blocks_are_worlds_and_seeds_and_the_best_list_is_a_row(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [5.0, 6.0, 7.0], popular=4.0, item_mean=3.0)
        write(tmp_path, dataset, "mbpo", [3.0, 3.0, 8.0], popular=4.0, item_mean=3.0)
        write(tmp_path, dataset, "gt", [9.0, 9.0, 9.0], popular=4.0, item_mean=3.0)
    found = ranking(tmp_path).ranked
    assert found.blocks == 6
    # Of three seeds dorl is twice the first and once the second; mbpo is third, third, first; the list second, second, third.
    assert found.ranks == {"dorl": pytest.approx(4 / 3), "mbpo": pytest.approx(7 / 3), "the best list": pytest.approx(7 / 3)}


def test_methods_and_blocks_that_are_not_whole_are_left_out_and_named(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [5.0, 6.0, 7.0], popular=4.0)
        write(tmp_path, dataset, "bcq", [5.0, 6.0, 7.0] if dataset == "coat" else [5.0, 6.0], popular=4.0)
    write(tmp_path, "coat", "mbpo", [3.0, 3.0, 8.0], popular=4.0)
    found = ranking(tmp_path)
    assert found.ranked.blocks == 5
    assert set(found.ranked.ranks) == {"dorl", "bcq", "the best list"}
    assert "Left out, since a world lacks them: mbpo." in found.notes
    assert "1 block left out, since a method lacks the seed." in found.notes
    assert "So few blocks cannot tell any two of 3 methods apart." in found.notes


def test_nothing_to_rank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run was judged on every user beside a list"):
        ranking_of({})
    write(tmp_path, "coat", "gt", [5.0, 6.0], popular=4.0)
    with pytest.raises(InputError, match="1 methods to rank; expected at least 2"):
        ranking(tmp_path)


def test_bars_of_a_lane_do_not_touch() -> None:
    ranks = {name: float(place) for place, name in enumerate("abcdef", start=1)}
    differ = {("a", "c"), ("b", "d"), ("c", "e"), ("d", "f")} | {
        (one, other) for one in ranks for other in ranks if ranks[other] - ranks[one] > 2
    }
    pairs = {(one, other): 0.01 if (one, other) in differ else 0.5 for one in ranks for other in ranks if one < other}
    # Bars a-b, b-c, c-d, d-e and e-f: each touches the next one.
    assert lanes_of(Ranked(ranks, 20, 0.0, pairs)) == {(0, 1): 0, (1, 2): 1, (2, 3): 0, (3, 4): 1, (4, 5): 0}
