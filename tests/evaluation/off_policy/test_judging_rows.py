"""Decisions, their checks and diagnostics, and the resulting table."""

import re
from dataclasses import replace

import numpy as np
import pytest

from darlr.errors import InputError
from darlr.evaluation.off_policy.decisions import Decisions, require_distributions
from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.matching import LoggedRows
from darlr.evaluation.off_policy.support import Support
from darlr.evaluation.off_policy.terms import Floats
from tests.evaluation.off_policy.examples import (
    ESTIMATES,
    EXPECTED,
    ITEMS,
    MODELLED,
    POLICY,
    PROBABILITIES,
    PROPENSITIES,
    REWARDS,
    ROWS,
)


def example() -> Decisions:
    return Decisions(ROWS, REWARDS, PROPENSITIES, PROBABILITIES, MODELLED, EXPECTED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"propensities": np.array([0.5, 0, 0.1, 0.4, 0.5, 0.2])},
            "propensity of logged row 1 is 0; expected more than 0, at most 1",
        ),
        ({"propensities": np.array([0.5, 0.2, 1.1, 0.4, 0.5, 0.2])}, "propensity of logged row 2 is 1.1"),
        ({"probabilities": np.array([0.5, 0.2, 0.1, -0.4, 0.5, 0.2])}, "probability of logged row 3 is -0.4; expected 0 to 1"),
        ({"rewards": np.array([0.5, np.nan, 0.1, 0.4, 0.5, 0.2])}, "rewards are not finite in row 1"),
        ({"modelled": np.zeros(5)}, r"modelled have shape \(5,\); expected \(6,\)"),
    ],
)
def test_refuses_what_no_policy_can_have_done(changes: dict[str, Floats], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(example(), **changes)  # type: ignore[arg-type]


def test_refuses_probabilities_that_do_not_sum_to_one() -> None:
    require_distributions(POLICY, "policy")
    with pytest.raises(InputError, match=r"policy: the probabilities of row 1 sum to 0\.9; expected 1"):
        require_distributions(np.array([[0.5, 0.5], [0.5, 0.4]]), "policy")
    with pytest.raises(InputError, match="policy: row 0 has a probability below 0"):
        require_distributions(np.array([[1.5, -0.5]]), "policy")


def test_matches_distributions_with_the_log() -> None:
    behaviour = np.full((6, 3), 1 / 3)
    groups = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    shown = np.array([True, True, False])
    logged = LoggedRows(
        ROWS, ITEMS, REWARDS, PROPENSITIES, lambda rows: ESTIMATES[rows], lambda rows: behaviour[rows], groups, shown
    )
    found = logged.against(lambda rows: POLICY[rows], "mine")
    assert found.probabilities == pytest.approx(PROBABILITIES)
    assert found.modelled == pytest.approx(MODELLED)
    assert found.expected == pytest.approx(EXPECTED)
    assert found.unsupported == pytest.approx(POLICY[:, 2])
    # Row 0 shows item 2, of the second group alone: (0.15 + 0.5) / (1/6 + 1/3).
    assert found.group_weights is not None
    assert found.group_weights[0] == pytest.approx(0.65 / 0.5)
    # Row 3 shows item 1, half of each group, under an even policy.
    assert found.group_weights[3] == pytest.approx(1)
    with pytest.raises(InputError, match="policy 'mine': the probabilities of row 0 sum to 2"):
        logged.against(lambda rows: 2 * POLICY[rows], "mine")


def test_diagnostics_by_hand() -> None:
    found = Support.of(example(), np.array([1.0, 1, 1, 1, 0, 2]))
    assert found.effective == pytest.approx(36 / 8)
    assert (found.largest, found.largest_share, found.mean_weight) == pytest.approx((2, 1 / 3, 1))


def rows(n: int, propensity: float, policy: float) -> Decisions:
    """Make rows that show the policy's recommendation with probability `policy`."""
    rewards = np.random.default_rng(0).random(n)
    halves = np.full(n, 0.5)
    return Decisions(np.arange(n), rewards, np.full(n, propensity), np.full(n, policy), halves, halves, None, np.zeros(n))


def test_a_policy_like_the_log_is_told() -> None:
    judged = judge({"same": rows(400, 0.5, 0.5)}, np.random.default_rng(0))
    estimate = judged.estimates["same"]["snips"]
    assert estimate.told
    assert estimate.value == pytest.approx(judged.logged.value)
    assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize(
    ("logged", "telling"),
    [
        (rows(400, 1.0, 1.0), "the logging policy was deterministic"),
        (rows(50, 0.5, 0.5), r"its 50 rows are worth 50 of the policy's own .*needed: about 100 such rows"),
        (rows(400, 0.5, 0.0), "needed: rows that show what it recommends"),
        (rows(400, 0.9, 0.5), "weights are 0.56 on average, not 1"),
        (
            replace(rows(400, 0.5, 0.5), unsupported=np.full(400, 0.2)),
            "20% of its recommendations are items that the log never",
        ),
    ],
)
def test_thin_support_is_told_with_what_is_needed(logged: Decisions, telling: str) -> None:
    estimates = judge({"thin": logged}, np.random.default_rng(0)).estimates["thin"]
    assert not estimates["dr"].told
    assert any(re.search(telling, text) for text in estimates["dr"].objections)
    assert estimates["dm"].told  # what the model says needs no support


def test_weights_of_categories_that_the_log_contradicts_are_not_believed() -> None:
    """Within a category one item pays and the other does not; the policy shows the paying one eight times in ten."""
    n = 2000
    best = np.random.default_rng(1).random(n) < 0.5
    halves, ones = np.full(n, 0.5), np.ones(n)
    paying = Decisions(np.arange(n), best.astype(float), halves, np.where(best, 0.8, 0.2), halves, halves, ones, np.zeros(n))
    found = judge({"mine": paying}, np.random.default_rng(0)).estimates["mine"]
    assert found["dr"].told
    assert re.search("OffCEM gives 0.5.* for 'mine' and DR 0.8.*categories do not decide", found["offcem"].objections[0])
    assert not found["mips"].told
    alike = replace(paying, rewards=np.random.default_rng(2).random(n))
    found = judge({"mine": alike}, np.random.default_rng(0)).estimates["mine"]
    assert found["offcem"].told
    assert found["mips"].told


def test_policies_are_compared_by_what_tells_both() -> None:
    random = np.random.default_rng(0)
    n = 2000
    rewards, halves = random.random(n), np.full(n, 0.5)
    shown_best = rewards > 0.5
    better = Decisions(np.arange(n), rewards, halves, np.where(shown_best, 0.7, 0.3), halves, halves)
    judged = judge({"better": better, "even": replace(better, probabilities=halves)}, random)
    found = judged.difference("better", "even")
    assert found is not None
    name, value, low, high = found
    assert name == "dr"
    assert 0 < low < value < high
    assert value == pytest.approx(0.1, abs=0.02)  # the weights 1.4 and 0.6 of means 0.75 and 0.25: 0.6 against 0.5
    thin = replace(better, propensities=np.ones(n), probabilities=np.ones(n))
    assert judge({"better": thin, "even": thin}, random).difference("better", "even") is None
