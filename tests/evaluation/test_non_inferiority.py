import pytest

from darlr.evaluation.non_inferiority import Difference

# Five percent of 2.0 may be lost: 0.1.
RULE = [
    (-0.05, 0.02, "not worse"),  # a little worse at most, which is what the margin allows
    (-0.1, 0.3, "not worse"),  # the bound itself is allowed
    (0.1, 0.3, "not worse"),
    (-0.09, -0.01, "not worse"),  # surely worse, and surely by less than may be lost
    (-0.11, 0.3, "cannot be told"),
    (-0.3, -0.05, "cannot be told"),  # worse, and perhaps by more than may be lost
    (-0.3, -0.11, "worse"),
]


@pytest.mark.parametrize(("low", "high", "outcome"), RULE)
def test_not_worse_is_what_loses_less_than_the_margin_with_its_whole_interval(low: float, high: float, outcome: str) -> None:
    assert Difference("value by DR", 1.9, 2.0, low, high).outcome(0.05) == outcome


def test_without_a_margin_the_interval_must_not_reach_below_zero() -> None:
    assert Difference("value by DR", 2.0, 2.0, 0.0, 0.0).outcome(0.0) == "not worse"
    assert Difference("value by DR", 2.0, 2.0, -1e-9, 0.1).outcome(0.0) == "cannot be told"


def test_the_margin_of_a_negative_value_is_a_loss_too() -> None:
    assert Difference("value by DR", -2.05, -2.0, -0.08, -0.02).outcome(0.05) == "not worse"


def test_an_interval_that_is_not_known_tells_nothing() -> None:
    assert Difference("value by DR", 2.0, 2.0, float("nan"), float("nan")).outcome(0.5) == "cannot be told"


def test_the_line_says_by_how_much_and_what_was_allowed() -> None:
    assert Difference("value by DR", 1.8, 2.0, -0.3, -0.11).line(0.05) == (
        "worse by 0.2: value by DR 1.8 against 2, difference -0.3 to -0.11, and 0.1 may be lost"
    )


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-0.05, 0.02, "not worse: "),
        (-0.09, -0.01, "worse by less than may be lost: "),
        (-0.11, 0.3, "whether it is worse cannot be told from this log: "),
        (-0.3, -0.05, "whether it is worse by more than may be lost cannot be told from this log: "),
    ],
)
def test_the_line_says_where_it_is_worse_for_sure(low: float, high: float, told: str) -> None:
    assert Difference("value by DR", 1.9, 2.0, low, high).line(0.05).startswith(told)
