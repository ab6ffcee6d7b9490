"""What a trial is measured by; the truth has no part in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from darlr.artifacts import RunFolder
from darlr.artifacts.schema import Keys, number, optional, require
from darlr.errors import InputError
from darlr.evaluation import table
from darlr.evaluation.modes import REFEREE, SAMPLED
from darlr.evaluation.summary import last_epochs
from darlr.run.world_models import WORLD_MODEL

RETURN = table.RETURN.recorded(REFEREE, SAMPLED)
RANKING = "held_out_ranking"

MEANINGS = {
    RETURN: "mean return of an episode in the estimates of a world model that the policy did not learn from "
    f"({RETURN}, last 20% of epochs)",
    RANKING: "share of a user's pairs of held-out log rows that the world model puts in the right order",
}


class UnrankedError(InputError):
    """A world model that held out nothing to rank, so that it cannot be measured."""


def returns(records: Sequence[Mapping[str, Any]]) -> list[float]:
    """After every epoch, the referee's mean return over the last 20% of the epochs so far."""
    values = [record[RETURN] for record in records]
    return [fmean(last_epochs(values[: epoch + 1])) for epoch in range(len(values))]


def final_return(run: Path) -> float:
    """`returns` after the last epoch of the finished `run`."""
    return returns(RunFolder.open(run).metrics())[-1]


def ranking(run: Path) -> float:
    """How well the run's world model ranks the rows that its members did not read.

    Raises `UnrankedError` where no member held out two rows of one user with different rewards.
    """
    _, state = RunFolder.open(run).load_tensors(WORLD_MODEL)
    require(state, Keys({"fit": Keys({RANKING: optional(number)})}), str(run / f"{WORLD_MODEL}.safetensors"))
    value = state["fit"][RANKING]
    if value is None:
        raise UnrankedError(
            f"{run}: its world model held out no two rows of one user with different rewards, so none is ranked"
        )
    return float(value)
