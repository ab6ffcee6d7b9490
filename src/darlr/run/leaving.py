"""The figures and the line with which a run tells of the hazard of leaving."""

from typing import Any

from darlr.world_model.leaving.fitting import FittedLeave


def leave_found(fitted: FittedLeave | None) -> dict[str, Any]:
    """Return `{"leave": figures}` for a run's summary; empty if users do not leave at random."""
    return {} if fitted is None else {"leave": fitted.record()}


def leave_notices(fitted: FittedLeave | None) -> list[str]:
    """Return the same as one line of text, or none."""
    return [] if fitted is None else [fitted.line()]
