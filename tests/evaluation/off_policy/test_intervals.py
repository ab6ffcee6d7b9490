"""Intervals: by hand, against the known variance, and their coverage."""

import math
from dataclasses import replace

import numpy as np
import pytest

from darlr.evaluation.off_policy.intervals import bootstrap_by_user, empirical_bernstein
from darlr.evaluation.off_policy.terms import Terms


def test_empirical_bernstein_by_hand() -> None:
    low, high = empirical_bernstein(np.array([0.0, 1.0, 0.0, 1.0]), 0.0, 1.0)
    logarithm = math.log(80)
    half = math.sqrt(2 * (1 / 3) * logarithm / 4) + 7 * logarithm / 9
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))
    assert empirical_bernstein(np.array([0.5]), 0.0, 1.0) == (-math.inf, math.inf)


def test_users_and_not_rows_are_drawn_again() -> None:
    """A hundred users with fifty equal rows each are worth a hundred rows."""
    random = np.random.default_rng(0)
    values = random.normal(size=100)
    users, rows = np.repeat(np.arange(100), 50), np.repeat(values, 50)
    low, high = bootstrap_by_user({"mean": Terms.mean(rows)}, users, np.random.default_rng(1)).interval("mean")
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 10, rel=0.15)


def test_differences_are_paired() -> None:
    random = np.random.default_rng(0)
    common = 10 * random.normal(size=500)
    terms = {"one": Terms.mean(common + 1), "other": Terms.mean(common + random.normal(0, 0.1, 500))}
    low, high = bootstrap_by_user(terms, np.arange(500), np.random.default_rng(1)).difference("one", "other")
    assert 0.95 < low < 1 < high < 1.05


def test_pooling_many_users_keeps_the_width() -> None:
    values = np.random.default_rng(0).normal(size=40_000)
    low, high = bootstrap_by_user({"mean": Terms.mean(values)}, np.arange(40_000), np.random.default_rng(1)).interval("mean")
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 200, rel=0.15)


def test_a_bias_makes_intervals_wider() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    terms = {"plain": Terms.mean(values), "biased": replace(Terms.mean(values), bias=0.5)}
    resampled = bootstrap_by_user(terms, np.arange(1000), np.random.default_rng(1))
    low, high = resampled.interval("plain")
    assert resampled.interval("biased") == pytest.approx((low - 0.5, high + 0.5))
    assert resampled.difference("biased", "plain") == pytest.approx((-0.5, 0.5))


def test_nothing_known_gives_no_interval() -> None:
    empty = Terms(np.zeros(3), np.zeros(3))
    assert np.isnan(bootstrap_by_user({"none": empty}, np.arange(3), np.random.default_rng(0)).interval("none")).all()
