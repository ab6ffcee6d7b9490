"""The measure of a trial, which does not use the truth."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

from darlr.artifacts import RunFolder
from darlr.artifacts.files import decode_json
from darlr.artifacts.schema import Keys, map_of, number, optional, require
from darlr.errors import InputError, unknown
from darlr.evaluation import table
from darlr.evaluation.modes import REFEREE, SAMPLED, SIMULATOR
from darlr.evaluation.off_policy.estimating import CANNOT_BE_TOLD
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.settings import LogJudge
from darlr.evaluation.summary import last_epochs
from darlr.reading import read_text
from darlr.run.further_judges import TOLD, recorded
from darlr.run.world_models import WORLD_MODEL

RETURN = table.RETURN.recorded(REFEREE, SAMPLED)
RANKING = "held_out_ranking"
JUDGES: tuple[str, ...] = (REFEREE, SIMULATOR, *get_args(LogJudge))
"""The possible judges of a study, by the names that `darlr validate` uses; the first is the default."""


class UnrankedError(InputError):
    """A run has no number from the study's judge."""


def measure_of(judge: str) -> str:
    """Return the name of the judge's number in a run's records."""
    return RETURN if judge == REFEREE else recorded(judge)


def meaning_of(measure: str) -> str:
    """Describe a study's measure."""
    if measure == RANKING:
        return "share of a user's pairs of held-out log rows that the world model puts in the right order"
    over = f"({measure}, last 20% of epochs)"
    if measure == RETURN:
        return f"mean return of an episode in the estimates of a world model that the policy did not learn from {over}"
    judge = measure.partition("/")[2]
    if judge == SIMULATOR:
        return f"mean return of an episode in the plain estimates of the world model that the policy learned from {over}"
    if judge in ESTIMATORS:
        return f"mean reward of a recommendation on held-out log rows by {ESTIMATORS[judge].label} {over}"
    return f"{table.NDCG.label} of held-out log rows {over}"


def judge_named(given: str | None) -> str:
    """Return the judge that `given` names: one of `JUDGES`, or the best judge in a file of `darlr validate`.

    Raises:
        InputError: for another name, and for a file of another kind.
    """
    if given is None:
        return REFEREE
    if given.endswith(".json"):
        return _best_of(Path(given))
    if given not in JUDGES:
        raise unknown("judge", given, JUDGES)
    return given


def _best_of(file: Path) -> str:
    """Return the judge with the greatest Kendall's tau in a `validation.json`; of equals, the first."""
    found = decode_json(read_text(file), str(file))
    require(found, Keys({"judges": map_of(Keys({"tau": optional(number)}))}), str(file))
    taus: dict[str, float] = {
        judge: entry["tau"] for judge, entry in found["judges"].items() if judge in JUDGES and entry["tau"] is not None
    }
    if not taus:
        raise InputError(f"{file}: no judge has a tau; expected a validation.json of `darlr validate`")
    return max(taus, key=lambda judge: taus[judge])


def measured(records: Sequence[Mapping[str, Any]], measure: str) -> list[float]:
    """Return, after every epoch, the mean of the measure over the last 20% of the epochs so far; -inf where the judge had
    none.
    """
    values = [-math.inf if record[measure] is None else float(record[measure]) for record in records]
    return [fmean(last_epochs(values[: epoch + 1])) for epoch in range(len(values))]


def final_measure(run: Path, measure: str) -> float:
    """Return `measured` after the last epoch of the finished `run`.

    Raises:
        UnrankedError: if the log did not support the policy's value in one of the last 20% of the epochs.
    """
    records = RunFolder.open(run).metrics()
    last = last_epochs(records)
    told = [bool(record.get(TOLD, 1.0)) for record in last]
    if not all(told):
        raise UnrankedError(
            f"{run}: the policy's value {CANNOT_BE_TOLD} by {measure} in {told.count(False)} of the last {len(told)} epochs "
            "(docs/judging.md)"
        )
    return measured(records, measure)[-1]


def ranking(run: Path) -> float:
    """Return how well the run's world model ranks the rows that its members did not read.

    Raises:
        UnrankedError: if no member held out two rows of one user with different rewards.
    """
    _, state = RunFolder.open(run).load_tensors(WORLD_MODEL)
    require(state, Keys({"fit": Keys({RANKING: optional(number)})}), str(run / f"{WORLD_MODEL}.safetensors"))
    value = state["fit"][RANKING]
    if value is None:
        raise UnrankedError(
            f"{run}: its world model held out no two rows of one user with different rewards, so none is ranked"
        )
    return float(value)
