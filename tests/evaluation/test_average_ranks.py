"""Methods ranked over blocks, against the published example of Demsar (2006)."""

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from darlr.errors import InputError
from darlr.evaluation.average_ranks import Ranked, ranked

NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
AREAS = (  # 1000 times the area under the curve on 14 data sets (Table 6); two that are equal in print have different ranks
    (763, 768, 771, 798),
    (599, 591, 590, 569),
    (954, 971, 968, 967),
    (628, 661, 654, 657),
    (882, 888, 886, 898),
    (936, 931, 916, 931),
    (661, 668, 609, 685),
    (583, 583, 563, 625),
    (775, 838, 866, 875),
    (1000, 1000, 1000, 1000),
    (940, 962, 965, 962),
    (619, 666, 614, 669),
    (972, 981, 975.1, 975),
    (957, 978, 946, 970),
)


def blocks(rows: Sequence[Sequence[float]], names: Sequence[str] = NAMES) -> dict[int, Mapping[str, float]]:
    return {number: dict(zip(names, row, strict=True)) for number, row in enumerate(rows)}


def test_the_published_example() -> None:
    found = ranked(blocks(AREAS))
    assert found.blocks == 14
    assert {name: round(rank, 3) for name, rank in found.ranks.items()} == {
        "C4.5+m+cf": 1.964,
        "C4.5+m": 2.0,
        "C4.5+cf": 2.893,
        "C4.5": 3.143,
    }
    # Friedman's statistic is 9.28 in the paper, without the correction for ties, which divides it by 1 - 78 / 840. Its tail of
    # chi-squared with 3 degrees of freedom is 0.0167.
    assert found.p == pytest.approx(0.0167, abs=1e-4)


def test_a_pair_has_the_p_value_of_the_signed_rank_test() -> None:
    # Table 2 of the paper: ranks of the smaller sign are 7, 3.5 and 1.5, together 12; z = (12 - 52.5) / sqrt(253.75 - ties).
    found = ranked(blocks([row[:2] for row in AREAS], NAMES[:2]))
    assert found.pairs == {("C4.5+m", "C4.5"): pytest.approx(0.011, abs=5e-4)}
    assert found.p == found.pairs["C4.5+m", "C4.5"]


def test_pairs_are_corrected_for_their_number() -> None:
    rows = [(3 + block / 10, 2 + block / 20, 1.0) for block in range(6)]
    found = ranked(blocks(rows, "abc"))
    # In six blocks without a reversal p is 2 / 2^6; Holm: three times the least of three equal values for all.
    assert found.pairs == {pair: pytest.approx(3 * 2 / 64) for pair in (("a", "b"), ("a", "c"), ("b", "c"))}
    assert found.ranks == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_equal_methods_share_ranks_and_do_not_differ() -> None:
    found = ranked(blocks([(5.0, 5.0, 1.0 + block) for block in range(4)], "abc"))
    assert found.ranks["a"] == found.ranks["b"]
    assert found.pairs["a", "b"] == 1.0
    everywhere = ranked(blocks([(2.0, 2.0, 2.0)] * 3, "abc"))
    assert everywhere.p == 1.0
    assert everywhere.ranks == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert everywhere.alike == (("a", "b", "c"),)


def with_pairs(differing: set[tuple[str, str]]) -> Ranked:
    order = "abcd"
    pairs = {(one, other): 0.01 if (one, other) in differing else 0.5 for one in order for other in order if one < other}
    return Ranked({name: place + 1.0 for place, name in enumerate(order)}, 10, 0.01, pairs)


def test_bars_join_the_longest_runs_in_which_no_pair_differs() -> None:
    assert with_pairs(set()).alike == (("a", "b", "c", "d"),)
    assert with_pairs({("a", "d")}).alike == (("a", "b", "c"), ("b", "c", "d"))
    assert with_pairs({("a", "c"), ("a", "d"), ("b", "d")}).alike == (("a", "b"), ("b", "c"), ("c", "d"))
    # a and d do not differ, but a bar from a to d would join b and c, which do.
    assert with_pairs({("b", "c")}).alike == (("a", "b"), ("c", "d"))
    assert with_pairs({(one, other) for one in "abcd" for other in "abcd" if one < other}).alike == ()


def test_few_blocks_cannot_show_a_difference() -> None:
    steady = [(3.0 + block, 2.0 + block / 2) for block in range(6)]
    assert not ranked(blocks(steady[:5], "ab")).can_differ  # the least p is 2 / 2^5 = 0.0625
    assert ranked(blocks(steady, "ab")).can_differ  # 2 / 2^6 = 0.031


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "0 blocks .* expected at least 2"),
        (blocks([(1.0, 2.0)], "ab"), "1 blocks .* expected at least 2"),
        (blocks([(1.0,), (2.0,)], "a"), "1 methods to rank; expected at least 2"),
        ({0: {"a": 1.0, "b": 2.0}, 1: {"a": 1.0, "c": 2.0}}, "block 1 has other methods than the first one"),
    ],
)
def test_what_cannot_be_ranked_is_refused(given: dict[int, dict[str, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ranked(given)


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without_scipy(name: str, *others: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "scipy":
            raise ImportError(name)
        return load(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without_scipy)
    with pytest.raises(InputError, match=r"SciPy; install it with: pip install 'darlr\[statistics\]'"):
        ranked(blocks(AREAS))
