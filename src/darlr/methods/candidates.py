"""The number of a user's items that a policy chooses among in an episode (docs/scaling.md)."""

from collections.abc import Callable

from torch import Tensor

from darlr.agents.candidates import Candidates
from darlr.config.experiment import ExperimentConfig
from darlr.methods.parts import PolicyParts

STEPS_OF_NX_10 = 10
MANY_ITEMS, CANDIDATES = 20_000, 500
"""In a world of more items, a policy chooses among this many candidates unless `policy.candidates` says otherwise."""


def candidate_count(config: ExperimentConfig, n_items: int) -> int:
    """Return the number of items that are candidates by their estimates alone; it is at least the number of steps of an
    episode.
    """
    count = config.policy.candidates or (CANDIDATES if n_items > MANY_ITEMS else n_items)
    return min(max(count, whole_episode(config)), n_items)


def candidates_of(parts: PolicyParts, rows: Callable[[Tensor], Tensor]) -> Candidates | None:
    """Make the candidates that `policy.candidates` asks for; None if the policy chooses among all items.

    Args:
        parts: the parts of the policy.
        rows: users (B,) -> (B, n_items) the estimates by which the best items are the best.
    """
    count = candidate_count(parts.config, len(parts.items))
    return None if count == len(parts.items) else Candidates(parts.membership, count, whole_episode(parts.config), rows)


def whole_episode(config: ExperimentConfig) -> int:
    """Return the number of steps of the longest episode of any mode."""
    return max(config.leave.max_steps, STEPS_OF_NX_10)
