"""Searches for nearest users that were not exact: the lines and figures of a run."""

from collections.abc import Callable
from typing import Any

from darlr.agents.darlr import DARLR
from darlr.agents.learning import Learner
from darlr.methods.world import LearningWorld


def search_found(world: LearningWorld, learner: Learner, notice: Callable[[str], None]) -> dict[str, Any]:
    """Return `{"neighbours": figures}` for a run's summary, and tell `notice` a line for each search; empty if all were exact.

    The figures have the names "averages" (the users that ROLeR averages over) and "pools" (DARLR's reference users).
    """
    pools = learner.selector.search if isinstance(learner, DARLR) else None
    found = {name: search for name, search in (("averages", world.search), ("pools", pools)) if search is not None}
    for name, search in found.items():
        notice(
            f"nearest users for {name} were searched in cells: {search.compared:,.0f} of {search.users:,} users were compared "
            f"with each; measured recall {search.recall:.4f} of the true {search.count:,} of {search.sampled} users"
        )
    return {"neighbours": {name: search.record() for name, search in found.items()}} if found else {}
