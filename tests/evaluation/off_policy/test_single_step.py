"""Single-step estimators: numbers worked by hand, and results of Open Bandit Pipeline 0.4.1 for the same rows."""

import numpy as np
import pytest

from darlr.evaluation.off_policy.importance import clipped_ips, ips, snips
from darlr.evaluation.off_policy.marginal import mips, offcem
from darlr.evaluation.off_policy.modelled import direct_method, doubly_robust, shrunk_doubly_robust, switch_doubly_robust
from darlr.evaluation.off_policy.thresholds import chosen_threshold, clip
from tests.evaluation.off_policy.examples import EXPECTED, MODELLED, REWARDS, WEIGHTS

OBP = {
    "ips": 2.9305555555555554,
    "snips": 1.8541300527240772,
    "dm": 0.8641666666666667,
    "dr": 1.4744444444444447,
    "switch_dr": 0.9744444444444443,
    "shrunk_dr": 0.9910848680273917,
}


def test_agrees_with_open_bandit_pipeline() -> None:
    ours = {
        "ips": ips(REWARDS, WEIGHTS),
        "snips": snips(REWARDS, WEIGHTS),
        "dm": direct_method(EXPECTED),
        "dr": doubly_robust(REWARDS, WEIGHTS, MODELLED, EXPECTED),
        "switch_dr": switch_doubly_robust(REWARDS, WEIGHTS, MODELLED, EXPECTED, 2.0),
        "shrunk_dr": shrunk_doubly_robust(REWARDS, WEIGHTS, MODELLED, EXPECTED, 4.0),
    }
    assert {name: terms.value for name, terms in ours.items()} == pytest.approx(OBP, rel=1e-12)


def test_weighted_rows_by_hand() -> None:
    # w r = 1, 0, 12, 5/6, 0, 3.75, and the weights sum to 9 + 29/60.
    assert ips(REWARDS, WEIGHTS).value == pytest.approx((17 + 7 / 12) / 6)
    assert snips(REWARDS, WEIGHTS).value == pytest.approx((17 + 7 / 12) / (9 + 29 / 60))
    assert clipped_ips(REWARDS, WEIGHTS, 2.0).value == pytest.approx((1 + 4 + 5 / 6 + 3.75) / 6)


def test_doubly_robust_by_hand() -> None:
    rewards, weights, modelled, expected = map(np.array, ([1.0, 0.0], [2.0, 4.0], [0.5, 0.25], [0.4, 0.6]))
    assert doubly_robust(rewards, weights, modelled, expected).value == pytest.approx((0.4 + 1 + 0.6 - 1) / 2)
    assert switch_doubly_robust(rewards, weights, modelled, expected, 3.0).value == pytest.approx((0.4 + 1 + 0.6) / 2)
    # lambda w / (w^2 + lambda) with lambda 4: 8 / 8 and 16 / 20
    assert shrunk_doubly_robust(rewards, weights, modelled, expected, 4.0).value == pytest.approx((0.9 + 0.6 - 0.2) / 2)


def test_the_ends_of_shrinkage_are_the_direct_method_and_dr() -> None:
    ends = [shrunk_doubly_robust(REWARDS, WEIGHTS, MODELLED, EXPECTED, end).value for end in (0.0, float("inf"))]
    assert ends == pytest.approx([OBP["dm"], OBP["dr"]])


def test_groups_by_hand() -> None:
    rewards, group_weights = np.array([1.0, 3.0]), np.array([2.0, 0.5])
    assert mips(rewards, group_weights).value == pytest.approx((2 + 1.5) / 2)
    value = offcem(rewards, group_weights, np.array([0.5, 2.0]), np.array([1.0, 1.5])).value
    assert value == pytest.approx((1 + 1 + 1.5 + 0.5) / 2)


def test_a_constant_added_to_rewards_moves_snips_by_it() -> None:
    assert snips(REWARDS + 10, WEIGHTS).value == pytest.approx(snips(REWARDS, WEIGHTS).value + 10)


def test_without_any_weight_snips_has_no_value() -> None:
    assert np.isnan(snips(np.array([1.0, 2.0]), np.zeros(2)).value)


def test_a_right_model_makes_dr_exact_whatever_the_propensities() -> None:
    value = doubly_robust(MODELLED, 3 * WEIGHTS, MODELLED, EXPECTED).value
    assert value == pytest.approx(direct_method(EXPECTED).value)


def test_no_threshold_where_no_weight_is_large_and_one_where_a_useless_weight_is() -> None:
    random = np.random.default_rng(0)
    rewards = random.normal(2, 0.1, 1000)
    even = np.ones(1000)
    assert chosen_threshold(even, rewards, np.zeros(1000), clip).bias == 0
    weights = np.where(np.arange(1000) < 5, 200.0, 1.0)
    noise = np.concatenate([[-1.0, 1.0, -1.0, 1.0, 0.0], rewards[5:]])
    chosen = chosen_threshold(weights, noise, np.zeros(1000), clip)
    assert chosen.value < 200
    # What is lost, (200 - M) (-1, 1, -1, 1, 0), is nothing on average; one standard error of it.
    assert chosen.bias == pytest.approx((200 - chosen.value) * 2 / 1000, rel=1e-3)
