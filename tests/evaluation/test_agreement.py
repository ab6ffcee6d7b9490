"""Rank correlation and regret, by hand and by counting pairs."""

import itertools
import math

import numpy as np
import pytest

from darlr.evaluation.agreement import Floats, Validation, agreement, kendall_tau, regret_of_choice, tau_interval


def draws() -> np.random.Generator:
    return np.random.default_rng(0)


def of(*values: float) -> Floats:
    return np.array(values, np.float64)


def counted_tau(ours: Floats, theirs: Floats) -> float:
    """Count tau pair by pair."""
    agreeing = untied_ours = untied_theirs = 0
    for one, other in itertools.combinations(range(len(ours)), 2):
        first, second = ours[one] - ours[other], theirs[one] - theirs[other]
        agreeing += int(first * second > 0) - int(first * second < 0)
        untied_ours += int(first != 0)
        untied_theirs += int(second != 0)
    return agreeing / math.sqrt(untied_ours * untied_theirs)


@pytest.mark.parametrize(
    ("ours", "theirs", "tau"),
    [
        (of(1, 2, 3, 4), of(10, 20, 30, 40), 1),
        (of(1, 2, 3, 4), of(4, 3, 2, 1), -1),
        (of(1, 2, 3, 4), of(1, 3, 2, 4), 4 / 6),  # five pairs agree, one does not
        (of(1, 1, 2, 3), of(1, 2, 3, 4), 5 / math.sqrt(5 * 6)),  # one pair is tied by us alone
        (of(1, 1, 2), of(2, 2, 1), -1),
    ],
)
def test_tau_by_hand(ours: Floats, theirs: Floats, tau: float) -> None:
    assert kendall_tau(ours, theirs) == pytest.approx(tau)


def test_tau_counts_pairs() -> None:
    random = draws()
    for _ in range(20):
        ours, theirs = random.integers(5, size=(2, 12)).astype(np.float64)
        assert kendall_tau(ours, theirs) == pytest.approx(counted_tau(ours, theirs))


def test_what_tells_nothing_apart_has_no_tau() -> None:
    assert math.isnan(kendall_tau(of(1, 1, 1), of(1, 2, 3)))
    assert math.isnan(kendall_tau(of(1), of(2)))
    assert all(math.isnan(end) for end in (*tau_interval(of(1), of(2), draws()), *tau_interval(of(1, 1), of(1, 2), draws())))


def test_an_interval_is_narrow_where_all_pairs_agree_and_wide_where_few_policies_say_little() -> None:
    assert tau_interval(np.arange(9.0), np.arange(9.0), draws()) == (1, 1)
    ours, theirs = draws().normal(size=(2, 12))
    low, high = tau_interval(ours, theirs, draws())
    assert low < kendall_tau(ours, theirs) < high
    assert low < 0 < high


def test_an_interval_resamples_policies() -> None:
    """With two policies, half of the resamples have both, and all of these agree."""
    assert tau_interval(of(1, 2), of(1, 2), draws()) == (1, 1)
    # Of three policies one pair is wrong: a resample has all three (1/3), or two of them, which agree or not.
    assert tau_interval(of(1, 2, 3), of(1, 3, 2), draws()) == (-1, 1)


def test_regret_is_what_the_choice_lacks() -> None:
    assert regret_of_choice(of(1, 3, 2), of(5, 4, 7), 7) == 3
    assert regret_of_choice(of(3, 3, 2), of(5, 4, 7), 7) == 2.5  # either of two


def test_policies_without_a_value_are_left_out_of_all_but_the_best() -> None:
    truth = {"a": 1.0, "b": 2.0, "c": 9.0}
    found = agreement({"a": 0.1, "b": 0.2, "c": math.nan}, truth, draws())
    assert (found.tau, found.regret, found.chosen, found.policies) == (1, 7, ("b",), 2)
    nothing = agreement(dict.fromkeys(truth, math.nan), truth, draws())
    assert (nothing.chosen, nothing.policies) == ((), 0)
    assert math.isnan(nothing.tau)
    assert math.isnan(nothing.regret)


def test_plain_values_have_no_nan() -> None:
    truth, values = {"a": 1.0, "b": 2.0}, {"a": 0.5, "b": math.nan}
    agreements = {"dr": agreement(values, truth, draws())}
    found = Validation("small", truth, truth, {"dr": values}, {"dr": ("b",)}, agreements, {"dr": 0.5}, ("a note",))
    assert found.to_dict() == {
        "dataset": "small",
        "true_returns": truth,
        "true_rewards_of_a_recommendation": truth,
        "judges": {
            "dr": {
                "tau": None,
                "low": None,
                "high": None,
                "regret": 1.0,
                "chosen": ["a"],
                "policies": 1,
                "step_tau": 0.5,
                "doubted": ["b"],
                "values": {"a": 0.5, "b": None},
            }
        },
        "notes": ["a note"],
    }
