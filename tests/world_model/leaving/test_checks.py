"""Held-out figures, worked by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.world_model.leaving.checks import Foretold, check_hazard, foretold, plain_hazards
from darlr.world_model.leaving.decisions import Decisions


def decisions(*lengths: int, ended: tuple[bool, ...] | None = None) -> Decisions:
    """Sessions of the given lengths, of one user."""
    ended = (True,) * len(lengths) if ended is None else ended
    n = sum(lengths)
    left = [step == length and end for length, end in zip(lengths, ended, strict=True) for step in range(1, length + 1)]
    return Decisions(
        features=torch.ones(n, 1, dtype=torch.float64),
        left=torch.tensor(left),
        users=torch.zeros(n, dtype=torch.int64),
        sessions=torch.tensor([number for number, length in enumerate(lengths) for _ in range(length)]),
        steps=torch.tensor([step for length in lengths for step in range(1, length + 1)]),
    )


def test_likelihoods_lengths_and_calibration_of_two_sessions() -> None:
    held_out = decisions(1, 3)
    plain = plain_hazards(decisions(2, 2), held_out)
    check = check_hazard(held_out, Foretold(torch.tensor([0.5, 0.25, 0.25, 0.5], dtype=torch.float64), *plain))
    assert check.learned == pytest.approx((math.log(0.5) + 2 * math.log(0.75) + math.log(0.5)) / 2)
    assert check.constant == pytest.approx((2 * math.log(0.5) + 2 * math.log(0.5)) / 2)  # (2 + 1) / (4 + 2)
    # By step, with two steps of the share 0.5 added: 1/4 at the first, 3/4 at the second, 1/2 at the third.
    assert check.by_step == pytest.approx((math.log(0.25) + math.log(0.75) + math.log(0.25) + math.log(0.5)) / 2)
    assert check.gain == pytest.approx(check.learned - check.constant)
    assert check.length == pytest.approx(1 + 0.5 + 0.5)  # half stay after the first step, and all of them after the second
    assert check.predicted_length == pytest.approx(1 + 0.625 + 0.625 * 0.75)
    assert check.calibration_error == pytest.approx((0.5 + 0.25 + 0.25 + 0.5) / 4)


def test_censored_sessions_do_not_count_as_left() -> None:
    held_out = decisions(2, 2, ended=(True, False))
    quarter = torch.full((4,), 0.25, dtype=torch.float64)
    check = check_hazard(held_out, Foretold(quarter, quarter, quarter))
    assert check.length == pytest.approx(2.0)  # within the longest session
    assert sum(check.seen) == 1.0


@given(st.floats(-3, 2), st.floats(0, 1.5))
def test_what_is_foretold_is_the_share_of_simulated_users(logit: float, deviation: float) -> None:
    """The probabilities of a session's ends add up to those of users with drawn effects."""
    session = decisions(4)
    hazards = foretold(session, torch.full((4,), logit, dtype=torch.float64), torch.full((4,), deviation, dtype=torch.float64))
    effects = torch.special.ndtri((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000)
    stays = (1 - (logit + deviation * effects).sigmoid())[:, None] ** torch.arange(5)
    shares = 1 - stays[:, 1:].mean(dim=0) / stays[:, :-1].mean(dim=0)
    torch.testing.assert_close(hazards, shares, atol=2e-3, rtol=0)


def test_a_session_does_not_depend_on_the_others() -> None:
    both = decisions(3, 2)
    logits, deviations = torch.linspace(-2, 1, 5).double(), torch.ones(5, dtype=torch.float64)
    second = foretold(both.of(both.sessions == 1), logits[3:], deviations[3:])
    torch.testing.assert_close(foretold(both, logits, deviations)[3:], second)
    assert torch.equal(foretold(both, logits, 0 * deviations).round(decimals=12), logits.sigmoid().round(decimals=12))
