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
from darlr.world_model.leaving.checks import Foretold, HazardCheck, check_hazard, foretold, plain_hazards
from darlr.world_model.leaving.decisions import Decisions, decisions_of
from darlr.world_model.leaving.regression import Binary, Fitted, Rows, fit_regression, fit_with_spread

FOLDS = 5
"""The number of parts of the sessions; each is foretold by a fit to the other ones."""
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

    Every session is foretold by a fit to four fifths of the sessions, without it; the spread of the users' effects alone is
    that of all. If the likelihood does not exceed that of a constant hazard by more than a standard error, the constant is
    used. The hazard that is returned is fitted to all sessions.

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
    found = fit_regression(_rows(decisions, dataset))
    check = check_hazard(decisions, _foretold(decisions, dataset, found, len(sessions)))
    told = (len(sessions), int(sessions.ended.sum()), len(decisions), check)
    if check.gain <= check.gain_error:
        share = float(decisions.left.double().mean())
        weights = np.array([math.log(share / (1 - share)), *[0.0] * (len(FEATURES) - 1)])
        nobody = np.zeros(dataset.log.n_users)
        hazard = LeaveHazard(weights, nobody, nobody, config.window)
        return FittedLeave(hazard, CONSTANT, np.zeros(len(FEATURES)), 0.0, *told)
    hazard = LeaveHazard(found.weights.numpy(), found.effects.numpy(), found.deviations.numpy(), config.window)
    return FittedLeave(hazard, LEARNED, found.covariance.diagonal().sqrt().numpy(), found.spread, *told)


def _rows(decisions: Decisions, dataset: Dataset) -> Rows:
    return Rows(decisions.features, Binary(decisions.left.double()), decisions.users, dataset.log.n_users)


def _foretold(decisions: Decisions, dataset: Dataset, found: Fitted, sessions: int) -> Foretold:
    """Return what fits without a session foretell for it; `found` is the fit to all of the `sessions`."""
    fold = numpy_generator(0, "leave", "folds").permutation(sessions) % FOLDS
    of = torch.from_numpy(fold)[decisions.sessions]
    learned, by_step, constant = torch.zeros(3, len(decisions), dtype=torch.float64)
    for number in range(FOLDS):
        apart = of == number
        known, held_out = decisions.of(~apart), decisions.of(apart)
        fitted = fit_with_spread(_rows(known, dataset), found.spread, (found.weights, found.effects))
        logits = held_out.features @ fitted.weights + fitted.effects[held_out.users]
        learned[apart] = foretold(held_out, logits, fitted.deviations[held_out.users])
        by_step[apart], constant[apart] = plain_hazards(known, held_out)
    return Foretold(learned, by_step, constant)


def _require_enough(decisions: Decisions, sessions: Sessions) -> None:
    left = int(decisions.left.sum())
    stayed = len(decisions) - left
    if left < LEAST or stayed < LEAST:
        raise InputError(
            f"the log's {len(sessions):,} sessions have {left:,} steps after which a user left and {stayed:,} after which one "
            f"stayed; a learned hazard needs at least {LEAST} of each (config keys 'leave.by' and 'leave.session_gap')"
        )
