"""Every method against the best list of its data set: over seeds, and over the users of the test world.

A list is a policy that learns nothing in the simulator. The best one has the largest mean return on every user, whichever
method's runs it stands beside: lists of different world models differ. Uniform choice and the truth's own list do not count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from darlr.artifacts.sealing import PUT_BACK
from darlr.errors import InputError
from darlr.evaluation.modes import NX_0
from darlr.evaluation.names import ORACLE, UNIFORM
from darlr.evaluation.statistics import PairedDifference, holm, interval, paired_difference
from darlr.evaluation.table import RETURN
from darlr.evaluation.user_returns import POLICY, USER_RETURNS, read_user_returns
from darlr.report.analysis.criteria import probability
from darlr.report.analysis.runs import FinishedRun, Group
from darlr.report.rendering.table import Cell, Quantity, Table

ROUNDING = 1e-5
"""By how much, relatively, a mean over users may differ from the summary's, which was taken in single precision."""


@dataclass(frozen=True)
class BestList:
    """A list as it stands beside the runs of a group, by seed.

    Attributes:
        name: as summaries have it.
    """

    name: str
    runs: Mapping[int, FinishedRun]

    def value(self, seed: int) -> float:
        """Its return on every user."""
        return _lists(self.runs[seed])[self.name]

    @property
    def mean(self) -> float:
        """Over its seeds."""
        return fmean(map(self.value, self.runs))


@dataclass(frozen=True)
class AgainstList:
    """A method's return on every user less that of a list.

    Attributes:
        own: the method's values, by seed.
        over_seeds: pairs are seeds.
        over_users: pairs are users, each with its mean over the seeds; None where runs do not tell returns by user.
    """

    group: Group
    own: Sequence[float]
    over_seeds: PairedDifference
    over_users: PairedDifference | None


def best_list(groups: Sequence[Group]) -> BestList | None:
    """The best list; None where runs have none that all seeds of a group share, or no truth."""
    found: list[BestList] = []
    for group in groups:
        common = set.intersection(*(set(_lists(run)) for run in group.runs))
        found += [BestList(name, {run.seed: run for run in group.runs}) for name in sorted(common)]
    return max(found, key=lambda candidate: candidate.mean) if found else None


def against_list(group: Group, best: BestList) -> AgainstList | None:
    """The group against the list; None where they have no seed in common for which the group was judged on every user."""
    own = {run.seed: value for run in group.runs if (value := _on_every_user(run)) is not None and run.seed in best.runs}
    if not own:
        return None
    paired = paired_difference(list(own.values()), [best.value(seed) for seed in own])
    runs = [run for run in group.runs if run.seed in own]
    return AgainstList(group, list(own.values()), paired, _over_users(runs, best))


def against_lists_table(dataset: str, groups: Sequence[Group]) -> Table | None:
    """Each method against the best list; None where there is nothing to compare."""
    best = best_list(groups)
    compared = [] if best is None else [found for group in groups if (found := against_list(group, best)) is not None]
    if best is None or not compared:
        return None
    by_seeds = _corrected([found.over_seeds for found in compared])
    by_users = _corrected([found.over_users for found in compared])
    rows = tuple(
        (
            found.group.label,
            str(found.over_seeds.n),
            Quantity(*interval(found.own)),
            _difference(found.over_seeds),
            p_seeds,
            _difference(found.over_users),
            p_users,
        )
        for found, p_seeds, p_users in zip(compared, by_seeds, by_users, strict=True)
    )
    notes = [
        f"Best list: {best.name.replace('_', ' ')}, {best.mean:.4g} on every user, mean over its seeds. Runs of a seed are "
        "pairs.",
        "Greedy, the last epoch's policy, one episode for every user. ±: half-width of the 95% t interval of the paired "
        "differences; p: paired t test, corrected for all rows (Holm).",
    ]
    counts = {found.over_users.n for found in compared if found.over_users is not None}
    if counts:
        notes.append(f"users: pairs are the {max(counts)} users of the test world, each with its mean over the seeds.")
    header = (
        "method",
        "seeds",
        f"{RETURN.label}, every user",
        "less the best list (seeds)",
        "p (seeds)",
        "less the best list (users)",
        "p (users)",
    )
    return Table(f"{dataset}, against the best list", header, rows, tuple(notes)).without_empty_columns()


def _difference(found: PairedDifference | None) -> Cell:
    return None if found is None else Quantity(found.mean, found.half_width)


def _on_every_user(run: FinishedRun) -> float | None:
    value: float | None = run.summary.get("every_user", {}).get(NX_0, {}).get(RETURN.name)
    return value


def _lists(run: FinishedRun) -> dict[str, float]:
    """Name -> return on every user of the lists beside a run."""
    opponents = run.summary.get("opponents", {})
    returns = {name: modes.get(NX_0, {}).get(RETURN.name) for name, modes in opponents.items()}
    return {name: value for name, value in returns.items() if value is not None and name not in (UNIFORM, ORACLE)}


def _over_users(runs: Sequence[FinishedRun], best: BestList) -> PairedDifference | None:
    """By user, means over the runs' seeds; None where a run does not tell returns by user."""
    pairs = [(run, best.runs[run.seed]) for run in runs]
    if not all((run.path / USER_RETURNS).exists() for pair in pairs for run in pair):
        return None
    own, theirs = zip(*((_column(run, POLICY), _column(other, best.name)) for run, other in pairs), strict=True)
    users = own[0][0]
    for (run, other), (found, _), (found_there, _) in zip(pairs, own, theirs, strict=True):
        if not users == found == found_there:
            paths = (f"{place.path / USER_RETURNS}" for place in (run, other, pairs[0][0]))
            raise InputError("{} or {}: has other users than {}; expected the same, in the same order".format(*paths))
    means = [np.mean([values for _, values in side], axis=0).tolist() for side in (own, theirs)]
    return paired_difference(*means)


def _column(run: FinishedRun, name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Users and their returns from the policy or a list; their mean has to be what the summary says."""
    path, told = run.path / USER_RETURNS, _on_every_user(run) if name == POLICY else _lists(run)[name]
    users, returns = read_user_returns(path)
    if name not in returns:
        raise InputError(f"{path}: has no column '{name}', though the run's summary has that list")
    if told is None or not math.isclose(returns[name].mean(), told, rel_tol=ROUNDING):
        raise InputError(f"{path}: the mean of '{name}' is {returns[name].mean():g}, and the summary's is {told}; {PUT_BACK}")
    return users, returns[name]


def _corrected(differences: Sequence[PairedDifference | None]) -> list[str | None]:
    """p of each, corrected for all, as text; None where there is none."""
    tested = [place for place, found in enumerate(differences) if found is not None and found.p is not None]
    values = holm([found.p for found in differences if found is not None and found.p is not None])
    texts = dict(zip(tested, map(probability, values), strict=True))
    return [texts.get(place) for place in range(len(differences))]
