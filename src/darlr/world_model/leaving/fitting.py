"""The hazard of leaving, fitted to the sessions of a log and checked by held-out sessions."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from darlr.data.dataset import Dataset
from darlr.data.sessions import Sessions, sessions_of
from darlr.errors import InputError
from darlr.seeding import numpy_generator
from darlr.world.hazard import FEATURES, LeaveHazard
from darlr.world.settings import LeaveConfig
from darlr.world_model.leaving.checks import HazardCheck, check_hazard, foretold
from darlr.world_model.leaving.decisions import Decisions, decisions_of
from darlr.world_model.leaving.logistic import Logistic, Rows, fit_logistic

HELD_OUT = 0.2
"""The share of sessions that check a hazard; the hazard that is used is then fitted to all."""
LEAST = 50
"""The smallest number of ended sessions, and of steps after which users stayed, that a hazard is fitted to."""
LEARNED, CONSTANT = "learned", "constant"


@dataclass(frozen=True)
class FittedLeave:
    """A hazard of leaving and what its fit found.

    Attributes:
        hazard: the law.
        kind: `LEARNED`, or `CONSTANT` if the learned one was no better on held-out sessions.
        errors: (F,) standard errors of the weights; 0 for a constant.
        spread: the standard deviation of the users' effects.
        sessions, ended, steps: the numbers of sessions, of those that the log saw end, and of their steps.
        check: the held-out figures of the learned hazard.
    """

    hazard: LeaveHazard
    kind: str
    errors: np.ndarray[Any, np.dtype[np.float64]]
    spread: float
    sessions: int
    ended: int
    steps: int
    check: HazardCheck

    def record(self) -> dict[str, Any]:
        """Return the figures as plain values, for a run's summary."""
        return {
            "kind": self.kind,
            "weights": dict(zip(FEATURES, self.hazard.weights.tolist(), strict=True)),
            "standard_errors": dict(zip(FEATURES, self.errors.tolist(), strict=True)),
            "user_spread": self.spread,
            "sessions": self.sessions,
            "ended": self.ended,
            "steps": self.steps,
            "held_out": self.check.record(),
        }

    def line(self) -> str:
        """Return the figures in a line for the user."""
        check = self.check
        figures = (
            f"log-likelihood of a held-out session {check.learned:.4g} (by step {check.by_step:.4g}, constant "
            f"{check.constant:.4g}), calibration error {check.calibration_error:.2g}, length {check.length:.3g} "
            f"(predicted {check.predicted_length:.3g})"
        )
        if self.kind == CONSTANT:
            return f"users leave by a constant hazard, because the learned one is no better on held-out sessions: {figures}"
        return f"users leave by a hazard learned from {self.sessions:,} sessions: {figures}"


def fit_leaving(dataset: Dataset, config: LeaveConfig) -> FittedLeave:
    """Fit the hazard of leaving to the sessions of a data set's log.

    A fifth of the sessions checks a fit to the others. If that fit has no larger likelihood there than a constant hazard, the
    constant is used. The hazard that is returned is fitted to all sessions.

    Args:
        dataset: the data to learn from; its `session_log` is read, if it has one.
        config: `window` is the number of earlier items that the hazard looks at, `session_gap` cuts sessions, and steps
            after `max_steps` are not read.

    Raises:
        InputError: for a log without sessions, or with too few of them.
    """
    if dataset.session_log is not None:
        dataset = replace(dataset, log=dataset.session_log)
    sessions = sessions_of(dataset.log, config.session_gap)
    decisions = decisions_of(dataset, sessions, config.window, config.max_steps)
    _require_enough(decisions, sessions)
    draws = numpy_generator(0, "leave", "held out").random(len(sessions))
    apart = torch.from_numpy(draws < HELD_OUT)[decisions.sessions]
    known, held_out = decisions.of(~apart), decisions.of(apart)
    tried = _fit(known, dataset)
    logits = held_out.features @ tried.weights + tried.effects[held_out.users]
    check = check_hazard(known, held_out, foretold(held_out, logits, tried.deviations[held_out.users]))
    told = (len(sessions), int(sessions.ended.sum()), len(decisions), check)
    if check.gain <= 0:
        share = float(decisions.left.double().mean())
        weights = np.array([math.log(share / (1 - share)), *[0.0] * (len(FEATURES) - 1)])
        hazard = LeaveHazard(weights, *np.zeros((2, dataset.log.n_users)), config.window)
        return FittedLeave(hazard, CONSTANT, np.zeros(len(FEATURES)), 0.0, *told)
    final = _fit(decisions, dataset)
    hazard = LeaveHazard(final.weights.numpy(), final.effects.numpy(), final.deviations.numpy(), config.window)
    return FittedLeave(hazard, LEARNED, final.covariance.diagonal().sqrt().numpy(), final.spread, *told)


def _fit(decisions: Decisions, dataset: Dataset) -> Logistic:
    return fit_logistic(Rows(decisions.features, decisions.left.double(), decisions.users, dataset.log.n_users))


def _require_enough(decisions: Decisions, sessions: Sessions) -> None:
    left = int(decisions.left.sum())
    stayed = len(decisions) - left
    if left < LEAST or stayed < LEAST:
        raise InputError(
            f"the log's {len(sessions):,} sessions have {left:,} steps after which a user left and {stayed:,} after which one "
            f"stayed; a learned hazard needs at least {LEAST} of each (config keys 'leave.by' and 'leave.session_gap')"
        )
