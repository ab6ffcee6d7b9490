"""All worlds at a glance: every method and list in every world, against the best fixed list of that world.

The measure is the return of a greedy episode of every user. A world is a data set with a leave rule. In a world, a list that
has a plain and a skipping form counts by the better one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from darlr.evaluation.names import ADAPTING, ORACLE, SKIPPING, UNIFORM
from darlr.evaluation.statistics import mean_ranks
from darlr.evaluation.table import RETURN
from darlr.evaluation.user_returns import POLICY
from darlr.report.analysis.against_lists import (
    CERTAIN,
    AgainstList,
    Compared,
    Entry,
    against_list,
    all_against,
    corrected,
    lists_beside,
)
from darlr.report.analysis.costs import run_seconds, timed_runs
from darlr.report.analysis.runs import Group
from darlr.report.rendering.table import Cell, Difference, Quantity, Table
from darlr.text import counted

SIMULATOR, LOG, NOTHING, ANSWERS, TRUTH = "simulator", "log", "nothing", "answers", "truth"
"""The sources of learning besides estimates: a list learns from nothing more, or from the answers of the user."""
BETTER, WORSE, NEITHER, UNTESTED = "↑", "↓", "·", "–"
BEST = "the best list"


@dataclass(frozen=True)
class Standing:
    """A row in one world.

    Attributes:
        entry: its policy, or its list.
        learns: what it learns from, one of the names above.
        against: its comparison with the best list; None for this list itself, and without a common seed.
        p_seeds, p_users: p over seeds and over users, corrected for the methods, or the lists, of the world.
        seconds: mean recorded time of its runs; None where it was not recorded, and for lists.
    """

    entry: Entry
    learns: str
    against: AgainstList | None = None
    p_seeds: float | None = None
    p_users: float | None = None
    seconds: float | None = None

    @property
    def is_method(self) -> bool:
        """Whether it is a method, and not a list beside one."""
        return self.entry.name == POLICY

    @property
    def is_reference(self) -> bool:
        """Whether it takes no part in ranks: it is told the truth, or it chooses at random."""
        return self.learns == TRUTH or self.entry.name == UNIFORM


@dataclass(frozen=True)
class WorldOutcome:
    """All rows in a world, by label, and the best fixed list."""

    best: Entry
    standings: Mapping[str, Standing]


def outcomes_of(worlds: Mapping[str, Sequence[Group]]) -> dict[str, WorldOutcome]:
    """Return the outcome of every world in which methods and lists were judged on every user."""
    compared = {world: all_against(groups) for world, groups in worlds.items()}
    return {world: _outcome(worlds[world], found) for world, found in compared.items() if found is not None}


def average_ranks(outcomes: Mapping[str, WorldOutcome]) -> dict[str, float]:
    """Return the mean over worlds of each row's rank, best first, among the rows that all worlds have, without references."""
    return mean_ranks(
        {
            world: {label: steady(found.entry.mean) for label, found in outcome.standings.items() if not found.is_reference}
            for world, outcome in outcomes.items()
        }
    )


def steady(value: float) -> float:
    """Return the value to five digits, since means over users in single precision may differ in the last ones by chance."""
    return float(f"{value:.5g}")


def overview_table(outcomes: Mapping[str, WorldOutcome], tuning: Mapping[str, float] | None = None) -> Table | None:
    """Return the table of all rows over all worlds; None for fewer than two worlds.

    Args:
        outcomes: the outcome of every world, by its name.
        tuning: the seconds that tuning took, by method, as a mean over worlds.
    """
    if len(outcomes) < 2:
        return None
    ranks = average_ranks(outcomes)
    rows = [_row(label, ranks.get(label), outcomes, (tuning or {}).get(label)) for label in _ordered(outcomes, ranks)]
    header = ("method", "learns from", "mean rank", *outcomes, "training, s", "tuning, s")
    return Table("all worlds, against the best list", header, tuple(rows), _notes(outcomes)).without_empty_columns()


def _outcome(groups: Sequence[Group], compared: Compared) -> WorldOutcome:
    """Put together methods and lists; their p values are corrected apart, so that methods have those of the world's table."""
    standings: dict[str, Standing] = {}
    own = {found.entry.label: place for place, found in enumerate(compared.rows)}
    for group in groups:
        if (place := own.get(group.label)) is not None:
            seconds = [run_seconds(run) for run in timed_runs(group)]
            row, p_values = compared.rows[place], (compared.p_seeds[place], compared.p_users[place])
            standings[group.label] = Standing(
                row.entry, _learns(group), row, *p_values, seconds=fmean(seconds) if seconds else None
            )
    lists = _lists(groups)
    against = {
        label: found
        for label, entry in lists.items()
        if entry != compared.best and (found := against_list(entry, compared.best)) is not None
    }
    p_of_lists = dict(zip(against, zip(*corrected(list(against.values())), strict=True), strict=True))
    for label, entry in lists.items():
        learns = TRUTH if entry.name == ORACLE else ANSWERS if entry.name.startswith(ADAPTING) else NOTHING
        name = f"{label} (list)" if label in standings else label
        standings[name] = Standing(entry, learns, against.get(label), *p_of_lists.get(label, (None, None)))
    return WorldOutcome(compared.best, standings)


def _lists(groups: Sequence[Group]) -> dict[str, Entry]:
    """Return the better form of every list, whichever method's runs it stands beside."""
    found: dict[str, Entry] = {}
    for entry in lists_beside(groups):
        label = entry.name.removesuffix(SKIPPING).replace("_", " ")
        if label not in found or entry.mean > found[label].mean:
            found[label] = entry
    return found


def _learns(group: Group) -> str:
    from darlr.methods.registry import METHODS  # noqa: PLC0415 (imports torch)

    if (method := METHODS.get(group.method)) is None:
        return "unknown"
    return TRUTH if method.reward == "truth" else SIMULATOR if method.simulated else LOG if method.offline else NOTHING


def _ordered(outcomes: Mapping[str, WorldOutcome], ranks: Mapping[str, float]) -> list[str]:
    """Return the ranked rows, best first, then those that a world lacks, then references."""
    every = dict.fromkeys(label for outcome in outcomes.values() for label in outcome.standings)
    references = [label for label in every if _first(label, outcomes).is_reference]
    return [*ranks, *(label for label in every if label not in ranks and label not in references), *references]


def _first(label: str, outcomes: Mapping[str, WorldOutcome]) -> Standing:
    return next(outcome.standings[label] for outcome in outcomes.values() if label in outcome.standings)


def _row(label: str, rank: float | None, outcomes: Mapping[str, WorldOutcome], tuning: float | None) -> tuple[Cell, ...]:
    found = [outcome.standings.get(label) for outcome in outcomes.values()]
    seconds = [standing.seconds for standing in found if standing is not None and standing.seconds is not None]
    return (
        label,
        _first(label, outcomes).learns,
        None if rank is None else Quantity(rank, digits=1),
        *(_cell(standing, outcome.best) for standing, outcome in zip(found, outcomes.values(), strict=True)),
        Quantity(fmean(seconds), digits=0) if seconds else None,
        None if tuning is None else Quantity(tuning, digits=0),
    )


def _cell(standing: Standing | None, best: Entry) -> Cell:
    if standing is None:
        return None
    if standing.entry == best:
        return "best"
    if standing.against is None:
        return None
    over_seeds, over_users = standing.against.over_seeds, standing.against.over_users
    mark = _mark(over_seeds.mean, standing.p_seeds) + _mark(over_seeds.mean, standing.p_users)
    users = None if over_users is None else over_users.half_width
    return Difference(over_seeds.mean, over_seeds.half_width, mark=mark, digits=2, over_users=users)


def _mark(difference: float, p: float | None) -> str:
    if p is None:
        return NEITHER if difference == 0 else UNTESTED
    return NEITHER if p >= CERTAIN else BETTER if difference > 0 else WORSE


def _notes(outcomes: Mapping[str, WorldOutcome]) -> tuple[str, ...]:
    best = "; ".join(f"{world}: {found.best.label}, {Quantity(found.best.mean)}" for world, found in outcomes.items())
    notes = [
        f"{RETURN.label} of one greedy episode for every user, by the last epoch's policy, less that of the best fixed list of "
        f"the world. Best lists: {best}.",
        "±: half-width of the 95% t interval over seeds, then over users. Marks, over seeds, then over users: "
        f"{BETTER} better, {WORSE} worse, {NEITHER} neither, {UNTESTED} not tested (paired t test, p < {CERTAIN}).",
        "p is corrected for all methods of the world (Holm), that of lists for all lists.",
        "The best list was chosen by the returns in this table, which favours it. A list counts by the better one of its plain "
        "and its skipping form, and by the best of several world models.",
        "learns from, besides the log's estimates: the simulator, the log itself, nothing, a user's answers, or the truth.",
        f"mean rank: over {counted(len(outcomes), 'world')}, among the rows that all worlds have, without those that are told "
        "the truth or choose at random.",
        "training: recorded seconds of a run by the clock, mean over seeds and worlds, without the world model's fit. tuning: "
        "the same of all trials of a method, mean over worlds.",
    ]
    if few := _fewer_seeds(outcomes):
        notes.append(f"Fewer seeds than others of their world: {', '.join(few)}.")
    return tuple(notes)


def _fewer_seeds(outcomes: Mapping[str, WorldOutcome]) -> list[str]:
    found = []
    for world, outcome in outcomes.items():
        counts = {label: len(standing.entry.runs) for label, standing in outcome.standings.items()}
        most = max(counts.values())
        found += [f"{label} on {world} ({count} of {most})" for label, count in counts.items() if count < most]
    return found
