"""The published runs by epoch, and those with the same leave rule as ours."""

from statistics import fmean, stdev
from typing import Any

import pytest

from darlr.report.published.curves import differing_leave_windows, published_curve, same_leave_rule
from darlr.report.published.results import published

METHODS = ["ucb", "epsilon-greedy", "sqn", "crr", "cql", "bcq", "mbpo", "ips", "mopo", "dorl", "roler", "gt"]


@pytest.mark.parametrize("dataset", ["kuairec", "kuairand", "coat", "yahoo"])
@pytest.mark.parametrize("method", METHODS)
def test_their_means_over_the_epochs_are_the_published_tables(dataset: str, method: str) -> None:
    for metric in ("r_tra", "length", "mcd"):
        curve, printed = published_curve(dataset, method, metric), published(dataset, method, metric)
        assert (curve is None) == (printed is None)
        if curve is not None and printed is not None:
            assert len(curve.values) == (181 if (dataset, method) == ("coat", "crr") else 200)
            assert (fmean(curve.values), stdev(curve.values)) == pytest.approx(printed, abs=6e-5)


def test_seed_and_window_are_those_of_the_run() -> None:
    curve = published_curve("kuairec", "dorl", "r_tra")
    assert curve is not None
    assert (curve.window, curve.seed) == (4, 2)
    curve = published_curve("kuairec", "roler", "r_tra")
    assert curve is not None
    assert (curve.window, curve.seed) == (1, 0)


def test_what_was_not_published() -> None:
    assert published_curve("coat", "darlr", "r_tra") is None
    assert published_curve("coat", "dorl", "mcd") is None
    assert published_curve("synthetic", "dorl", "r_tra") is None


def leave(by: str, window: int, tolerance: float = 0.0, max_steps: int = 30) -> dict[str, Any]:
    return {"leave.by": by, "leave.window": window, "leave.tolerance": tolerance, "leave.max_steps": max_steps}


@pytest.mark.parametrize(
    ("dataset", "method", "settings", "alike"),
    [
        ("kuairec", "dorl", leave("category", 4), True),
        ("kuairec", "dorl", leave("category", 1), False),
        ("kuairec", "dorl", leave("category", 4, tolerance=1.0), False),
        ("kuairec", "dorl", leave("category", 4, max_steps=20), False),
        ("kuairec", "dorl", leave("distance", 4), False),
        ("kuairec", "roler", leave("category", 1), True),
        ("kuairec", "roler", leave("category", 4), False),
        ("coat", "dorl", leave("distance", 4), True),  # nobody leaves, so N = 1 there and N = 4 here are the same
        ("coat", "dorl", leave("distance", 4, tolerance=3.0), False),
        ("coat", "dorl", {}, False),
    ],
)
def test_users_who_leave_alike(dataset: str, method: str, settings: dict[str, Any], alike: bool) -> None:
    curve = published_curve(dataset, method, "r_tra")
    assert curve is not None
    assert same_leave_rule(dataset, settings, curve) is alike


@pytest.mark.parametrize(
    ("windows", "otherwise"),
    [
        ([4], {}),
        ([4, 4], {}),
        ([7], {"dorl": 4}),
        ([7, 1], {"dorl": 4}),
        ([7, 4], {"dorl": "4, here 7"}),
        ([4, 7], {"dorl": "4, here 7"}),
        ([7, 4, 1, 7], {"dorl": "4, here 1, 7"}),
    ],
)
def test_every_row_of_a_method_is_asked_whether_its_users_leave_alike(windows: list[int], otherwise: dict[str, Any]) -> None:
    rows = [("dorl", leave("category", window)) for window in windows]
    published_with_one = ("roler", leave("category", 1))
    unpublished = ("darlr", leave("category", 9))
    assert differing_leave_windows("kuairec", [published_with_one, *rows, unpublished]) == otherwise


def test_users_may_leave_otherwise_with_the_published_window() -> None:
    for settings in (leave("category", 4, max_steps=20), {}):
        rows = [("dorl", leave("category", 4)), ("dorl", settings)]
        assert differing_leave_windows("kuairec", rows) == {"dorl": "4, here by another rule"}
