"""Every method against the best fixed list of its data set: over seeds, and over the users of the test world.

A fixed list learns nothing in the simulator, and nothing from the user. The best one has the largest mean return on every user,
whichever method's runs it stands beside: lists of different world models differ. Uniform choice and the truth's own list do not
count. A list that adapts to the user's feedback is no fixed list: the best of those has a row of its own.
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
from darlr.evaluation.names import ADAPTING, ORACLE, UNIFORM
from darlr.evaluation.statistics import PairedDifference, holm, interval, paired_difference
from darlr.evaluation.table import RETURN
from darlr.evaluation.user_returns import POLICY, USER_RETURNS
from darlr.report.analysis.criteria import probability
from darlr.report.analysis.runs import FinishedRun, Group
from darlr.report.rendering.table import Cell, Quantity, Table, significance, with_best
from darlr.text import counted

CERTAIN, LEAST = 0.05, 0.001
"""A difference with a p value below the first is called certain; a p value below the second is shown as "< " that number."""

ROUNDING = 1e-5
"""By how much, relatively, a mean over users may differ from the summary's, which was taken in single precision."""


@dataclass(frozen=True)
class Entry:
    """A policy, or a list beside it, over the runs of a group.

    Attributes:
        label: of its row.
        name: `POLICY`, or the list's name as summaries have it.
        runs: by seed, those that were judged on every user.
    """

    label: str
    name: str
    runs: Mapping[int, FinishedRun]

    def value(self, seed: int) -> float:
        """Its return on every user."""
        return _returns(self.runs[seed])[self.name]

    @property
    def mean(self) -> float:
        """Over its seeds."""
        return fmean(map(self.value, self.runs))


@dataclass(frozen=True)
class AgainstList:
    """An entry's return on every user less that of a list.

    Attributes:
        own: its values, by the seeds that both have.
        over_seeds: pairs are seeds.
        over_users: pairs are users, each with its mean over the seeds; None where runs do not tell returns by user.
    """

    entry: Entry
    own: Sequence[float]
    over_seeds: PairedDifference
    over_users: PairedDifference | None


def policy_of(group: Group) -> Entry:
    """The group's own policy."""
    return Entry(group.label, POLICY, {run.seed: run for run in group.runs if POLICY in _returns(run)})


def lists_beside(groups: Sequence[Group]) -> list[Entry]:
    """Every static policy beside the groups of most seeds; one that differs between groups has an entry for each."""
    found: list[Entry] = []
    most = max(len(group.runs) for group in groups)  # a lucky seed of a group that has few would choose the list
    for group in (group for group in groups if len(group.runs) == most):
        common = set.intersection(*(set(_returns(run)) for run in group.runs)) - {POLICY}
        runs = {run.seed: run for run in group.runs}
        found += [Entry(name.replace("_", " "), name, runs) for name in sorted(common)]
    return found


def best_list(groups: Sequence[Group], adapting: bool = False) -> Entry | None:
    """The best fixed list, or the best of those that adapt, beside the groups of most seeds; None where these have none."""
    candidates = [
        entry
        for entry in lists_beside(groups)
        if entry.name not in (UNIFORM, ORACLE) and entry.name.startswith(ADAPTING) == adapting
    ]
    return max(candidates, key=lambda candidate: candidate.mean) if candidates else None


def against_list(entry: Entry, best: Entry) -> AgainstList | None:
    """The entry against the list; None where they have no seed in common."""
    seeds = [seed for seed in entry.runs if seed in best.runs]
    if not seeds:
        return None
    own = [entry.value(seed) for seed in seeds]
    paired = paired_difference(own, [best.value(seed) for seed in seeds])
    return AgainstList(entry, own, paired, _over_users(entry, best, seeds))


@dataclass(frozen=True)
class Compared:
    """Every method, and the best list that adapts, against the best fixed list.

    Attributes:
        best: the best fixed list.
        adapting: the best list that adapts to the user's feedback; the last one of `rows`, if there is one.
        rows: each of them against the best list.
        p_seeds, p_users: p of each row, corrected for all rows (Holm); None where nothing can be tested.
    """

    best: Entry
    adapting: Entry | None
    rows: Sequence[AgainstList]
    p_seeds: Sequence[float | None]
    p_users: Sequence[float | None]


def all_against(groups: Sequence[Group]) -> Compared | None:
    """Compare every method with the best list; None where there is no list, or no method that was judged on every user."""
    best, adapting = best_list(groups), best_list(groups, adapting=True)
    policies = [policy_of(group) for group in groups]
    if best is None or not any(entry.runs for entry in policies):
        return None
    entries = policies if adapting is None else [*policies, adapting]
    rows = [found for entry in entries if (found := against_list(entry, best)) is not None]
    return Compared(best, adapting, rows, *corrected(rows))


def corrected(rows: Sequence[AgainstList]) -> tuple[list[float | None], list[float | None]]:
    """Return p of each row over seeds and over users, each corrected for all rows (Holm); None where there is none."""
    return _holm([found.over_seeds for found in rows]), _holm([found.over_users for found in rows])


def against_lists_table(dataset: str, groups: Sequence[Group]) -> Table | None:
    """Each method, and the best list that adapts, against the best fixed list; None where there is nothing to compare."""
    if (whole := all_against(groups)) is None:
        return None
    best, adapting, compared = whole.best, whole.adapting, whole.rows
    rows: list[tuple[Cell, ...]] = [
        (
            found.entry.label,
            str(found.over_seeds.n),
            Quantity(*interval(found.own)),
            _difference(found.over_seeds, p_seeds),
            _shown(p_seeds),
            _difference(found.over_users, p_users),
            _shown(p_users),
        )
        for found, p_seeds, p_users in zip(compared, whole.p_seeds, whole.p_users, strict=True)
    ]
    rows = with_best(rows, {2: RETURN.better}, among=len(rows) - (adapting is not None))
    notes = [
        f"Best list: {best.label}, {best.mean:.4g} on every user, mean over its seeds. Runs of a seed are pairs.",
        "Greedy, the last epoch's policy, one episode for every user. ±: half-width of the 95% t interval of the paired "
        "differences; p: paired t test, corrected for all rows (Holm).",
    ]
    counts = {found.over_users.n for found in compared if found.over_users is not None}
    if counts:
        notes.append(f"users: pairs are the {max(counts)} users of the test world, each with its mean over the seeds.")
    if adapting is not None:
        notes.append(f"{adapting.label.capitalize()} adapts to the user's feedback, so it is no fixed list.")
    header = (
        "method",
        "seeds",
        f"{RETURN.label}, every user",
        "less the best list (seeds)",
        "p (seeds)",
        "less the best list (users)",
        "p (users)",
    )
    return Table(f"{dataset}, against the best list", header, tuple(rows), tuple(notes)).without_empty_columns()


def headline(dataset: str, groups: Sequence[Group]) -> str | None:
    """How the best method does against the best fixed list, in a sentence; None where there is nothing to compare.

    The best has the largest mean return on every user; methods that are told the truth are no candidates. Pairs are seeds, or
    users where there is a single seed; p as in the table, corrected for all its rows.
    """
    from darlr.methods.registry import METHODS  # noqa: PLC0415 (imports torch)

    if (found := all_against(groups)) is None:
        return None
    compared = found.rows
    own = {group.label for group in groups if group.method not in METHODS or METHODS[group.method].reward != "truth"}
    candidates = [place for place, entry in enumerate(compared) if entry.entry.label in own]
    if not candidates:
        return None
    chosen = max(candidates, key=lambda place: fmean(compared[place].own))
    by_users = compared[chosen].over_seeds.n == 1 and compared[chosen].over_users is not None
    differences = [each.over_users if by_users else each.over_seeds for each in compared]
    difference, p = differences[chosen], (found.p_users if by_users else found.p_seeds)[chosen]
    assert difference is not None  # `by_users` only where there is one
    told = _verdict(compared[chosen].entry.label, found.best.label, difference, p)
    chance = "" if p is None else f", p {probability(p)}" if p < LEAST else f", p = {probability(p)}"
    return (
        f"{dataset}: {told} of {RETURN.label} on every user ({counted(difference.n, 'user' if by_users else 'seed')}{chance})."
    )


def _verdict(name: str, best: str, difference: PairedDifference, p: float | None) -> str:
    """Say in words how the method compares with the best list; only a p value below `CERTAIN` makes a difference certain."""
    if difference.mean == 0:
        return f"{name} has what the best list ({best}) has"
    perhaps = "" if p is not None and p < CERTAIN else ", perhaps by chance,"
    verb = "beats" if difference.mean > 0 else "falls short of"
    amount = Quantity(abs(difference.mean), difference.half_width)
    return f"{name}{perhaps} {verb} the best list ({best}) by {amount}"


def _difference(found: PairedDifference | None, p: float | None) -> Cell:
    return None if found is None else Quantity(found.mean, found.half_width, mark=significance(p))


def _shown(p: float | None) -> str | None:
    return None if p is None else probability(p)


def _returns(run: FinishedRun) -> dict[str, float]:
    """Return on every user of the run's policy (`POLICY`), where it was judged so, and of the lists beside it, by name."""
    entries = {**run.summary.get("opponents", {}), POLICY: run.summary.get("every_user", {})}
    returns = {name: modes.get(NX_0, {}).get(RETURN.name) for name, modes in entries.items()}
    return {name: value for name, value in returns.items() if value is not None}


def _over_users(entry: Entry, best: Entry, seeds: Sequence[int]) -> PairedDifference | None:
    """By user, means over the `seeds`; None where a run does not tell returns by user."""
    pairs = [(entry.runs[seed], best.runs[seed]) for seed in seeds]
    if any(run.by_user is None for pair in pairs for run in pair):
        return None
    own, theirs = zip(*((_column(run, entry.name), _column(other, best.name)) for run, other in pairs), strict=True)
    users = own[0][0]
    for (run, other), (found, _), (found_there, _) in zip(pairs, own, theirs, strict=True):
        if not users == found == found_there:
            paths = (f"{place.path / USER_RETURNS}" for place in (run, other, pairs[0][0]))
            raise InputError("{} or {}: has other users than {}; expected the same, in the same order".format(*paths))
    means = [np.mean([values for _, values in side], axis=0).tolist() for side in (own, theirs)]
    return paired_difference(*means)


def _column(run: FinishedRun, name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Users and their returns from the policy or a list; their mean has to be what the summary says."""
    assert run.by_user is not None  # the caller has checked it
    path, told = run.path / USER_RETURNS, _returns(run)[name]
    users, returns = run.by_user
    if name not in returns:
        raise InputError(f"{path}: has no column '{name}', though the run's summary has that list")
    if not math.isclose(returns[name].mean(), told, rel_tol=ROUNDING):
        raise InputError(f"{path}: the mean of '{name}' is {returns[name].mean():g}, and the summary's is {told}; {PUT_BACK}")
    return users, returns[name]


def _holm(differences: Sequence[PairedDifference | None]) -> list[float | None]:
    """p of each, corrected for all; None where there is none."""
    tested = [place for place, found in enumerate(differences) if found is not None and found.p is not None]
    values = holm([found.p for found in differences if found is not None and found.p is not None])
    corrected = dict(zip(tested, values, strict=True))
    return [corrected.get(place) for place in range(len(differences))]
