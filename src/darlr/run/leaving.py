"""Users who leave by a learned hazard and return: the lines and figures of a run, and its test over several visits."""

from collections.abc import Callable
from typing import Any

import torch

from darlr.data.truth import Truth
from darlr.evaluation.judging import Judge, TruthJudge
from darlr.evaluation.visits import VisitsTest
from darlr.run.specification import SpecifiedRun
from darlr.world_model.leaving.fitting import FittedLeave
from darlr.world_model.leaving.returning import fit_returning


def leave_found(fitted: FittedLeave | None) -> dict[str, Any]:
    """Return `{"leave": figures}` for a run's summary; empty if users do not leave at random."""
    return {} if fitted is None else {"leave": fitted.record()}


def leave_notices(fitted: FittedLeave | None) -> list[str]:
    """Return the same as one line of text, or none."""
    return [] if fitted is None else [fitted.line()]


def visits_test(specified: SpecifiedRun, judge: Judge, truth: Truth | None, notice: Callable[[str], None]) -> VisitsTest | None:
    """Return the test over several visits, in the true world, or None if `evaluation.horizon` asks for none.

    Users return by the truth's own law if it has one, else by the law that the log teaches, of which `notice` gets a line.
    """
    config, dataset = specified.config, specified.dataset
    if not config.evaluation.horizon or truth is None or not isinstance(judge, TruthJudge):
        return None
    law = truth.returns
    if law is None:
        fitted = fit_returning(dataset, config.leave.session_gap)
        notice(fitted.line())
        law = fitted.law
    users = torch.from_numpy(truth.world.users).to(judge.world.device)
    return VisitsTest(judge.world, law, users, config.evaluation.horizon, config.seed)
