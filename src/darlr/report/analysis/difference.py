"""Two runs, or two groups of runs that differ in their seed alone, side by side: settings, environment and results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.evaluation.modes import POLICIES
from darlr.evaluation.statistics import interval, paired_difference, unpaired_difference
from darlr.evaluation.table import tabulated
from darlr.reading import present
from darlr.report.analysis.comparison import last_by_seed, mode_of
from darlr.report.analysis.criteria import CRITERIA
from darlr.report.analysis.runs import Collection, Group, collect
from darlr.report.rendering.table import Cell, Quantity, Table
from darlr.text import counted

ABSENT = "-"
DIGITS = 12  # shown digits of hashes and revisions
UNTOLD = ("data", "started")  # entries of the environment: the first has separate rows, the second always differs
COSTS = {"steps_per_second": "steps/s", "peak_memory_mib": "peak memory (MiB)"}


@dataclass(frozen=True)
class Side:
    """One side of the comparison: the runs of `group`, found at `place`, the number of unfinished runs there, and the
    environments.
    """

    place: Path
    group: Group
    unfinished: int
    environments: tuple[Mapping[str, Any], ...]

    @classmethod
    def at(cls, place: Path) -> Self:
        """Return the finished runs in a run folder or a folder of runs, or all seeds of a run folder's name without its seed.

        Raises:
            InputError: if there is none, and if there are runs of several settings.
        """
        collection = collect(_folders(place))
        group = _only(place, collection)
        return cls(place, group, collection.unfinished, tuple(RunFolder.open(run.path).environment() for run in group.runs))

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return self.group.runs[0].dataset

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return [run.seed for run in self.group.runs]

    @property
    def description(self) -> str:
        """One line of description."""
        verb = "is" if self.unfinished == 1 else "are"
        left = f" ({counted(self.unfinished, 'run')} {verb} not finished and left out)" if self.unfinished else ""
        return f"{self.group.method} on {self.dataset}, {_plural('seed', self.seeds)}, {self.place}{left}"

    def settings(self) -> dict[str, str]:
        """Return the settings by dotted key, as text."""
        return {"method": self.group.method, **{key: str(value) for key, value in self.group.runs[0].settings.items()}}

    def data(self) -> dict[str, str]:
        """Return the hashes of the data's files, of all runs."""
        return self._of_all([environment.get("data", {}) for environment in self.environments])

    def environment(self) -> dict[str, str]:
        """Return versions, device and the like, of all runs."""
        return self._of_all([{key: value for key, value in each.items() if key not in UNTOLD} for each in self.environments])

    def _of_all(self, mappings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        keys = dict.fromkeys(key for mapping in mappings for key in mapping)
        return {key: ", ".join(dict.fromkeys(str(mapping.get(key, ABSENT)) for mapping in mappings)) for key in keys}


def compare(first: Path, second: Path) -> tuple[Table, Table]:
    """Return the differences between the runs at `first` (A) and `second` (B), besides their seeds, and their results.

    Raises:
        InputError: for places without runs of one setting, and for runs whose results are of different kinds.
    """
    a, b = Side.at(first), Side.at(second)
    shared = {run.path.resolve() for run in a.group.runs} & {run.path.resolve() for run in b.group.runs}
    if shared:
        raise InputError(f"{min(shared)}: is on both sides; expected different runs")
    if a.dataset != b.dataset:
        raise InputError(f"{first} is on {a.dataset} and {second} on {b.dataset}; expected runs on the same data set")
    if mode_of([a.group]) != mode_of([b.group]):
        raise InputError(f"one of {first} and {second} was judged by held-out rows, the other by a truth; nothing to compare")
    return _what_differs(a, b), _results(a, b)


def _what_differs(a: Side, b: Side) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for part, ours, theirs in (
        ("settings", a.settings(), b.settings()),
        ("data", a.data(), b.data()),
        ("environment", a.environment(), b.environment()),
    ):
        for key in dict.fromkeys([*ours, *theirs]):
            one, other = ours.get(key, ABSENT), theirs.get(key, ABSENT)
            if one != other:
                shorten = _brief if part == "data" or key == "git_revision" else str
                rows.append((part, key, shorten(one), shorten(other)))
    notes = [f"{name}: {side.description}." for name, side in (("A", a), ("B", b))]
    if not rows:
        notes.append("Settings, data and environment are the same.")
    if a.data() != b.data():
        notes.append("The runs have seen different data: their results are no comparison of methods.")
    if a.environment().get("darlr") != b.environment().get("darlr"):
        notes.append("The runs were made by different versions of darlr, which alone may change numbers.")
    return Table("what differs", ("part", "what", "A", "B"), tuple(rows), tuple(notes))


def _results(a: Side, b: Side) -> Table:
    mode = mode_of([a.group])
    common = [seed for seed in a.seeds if seed in b.seeds]
    values = [
        (f"{metric.label}, {policy}", last_by_seed(a.group, mode, policy, metric), last_by_seed(b.group, mode, policy, metric))
        for policy in POLICIES
        for metric in tabulated(mode)
    ]
    values += [(label, _costs(a, key), _costs(b, key)) for key, label in COSTS.items()]
    rows: list[tuple[Cell, ...]] = []
    notes = _notes(a, b, common)
    for name, ours, theirs in values:
        paired = [seed for seed in common if seed in ours and seed in theirs]
        if (common and not paired) or not ours or not theirs:
            continue
        rows.append((name, *_compared(ours, theirs, paired)))
        if paired != common:
            notes.append(f"{name}: paired over {_plural('seed', paired)} alone, for want of values of the others.")
    return Table(f"{a.dataset}, {CRITERIA[mode].title}", ("metric", "A", "B", "difference"), tuple(rows), tuple(notes))


def _notes(a: Side, b: Side, common: Sequence[int]) -> list[str]:
    notes = ["Metrics: the last 20% of epochs. difference: B less A. ±: half-width of the 95% t interval."]
    if common:
        notes.append(f"Paired over {_plural('seed', common)}.")
        left = {name: [seed for seed in side.seeds if seed not in common] for name, side in (("A", a), ("B", b))}
        told = [f"{_plural('seed', seeds)} of {name}" for name, seeds in left.items() if seeds]
        if told:
            notes.append(f"Left out, since one side alone has them: {', '.join(told)}.")
    else:
        seeds = f"{', '.join(map(str, a.seeds))} and {', '.join(map(str, b.seeds))}"
        notes.append(f"No seed in common ({seeds}): compared unpaired, with Welch's interval of the difference.")
    if min(len(common) or len(a.seeds), len(common) or len(b.seeds)) < 2:
        notes.append("No interval of the difference: it takes two seeds in common, or two on either side with none in common.")
    return notes


def _costs(side: Side, key: str) -> dict[int, float]:
    return {run.seed: run.summary[key] for run in side.group.runs if run.summary.get(key) is not None}


def _compared(a: Mapping[int, float], b: Mapping[int, float], paired: Sequence[int]) -> tuple[Quantity, Quantity, Quantity]:
    """Return A, B and their difference, from values by seed: those of the seeds `paired`, which both have, or all, unpaired."""
    ours, theirs = ([side[seed] for seed in (paired or side)] for side in (a, b))
    if paired:
        difference = paired_difference(theirs, ours)
        between = Quantity(difference.mean, difference.half_width)
    else:
        between = Quantity(*unpaired_difference(theirs, ours))
    return Quantity(*interval(ours)), Quantity(*interval(theirs)), between


def _folders(place: Path) -> list[Path]:
    """Return the folders of a place; a run folder's name without its seed means all its seeds."""
    return [place] if present(place) else sorted(place.parent.glob(f"{place.name}-s[0-9]*")) or [place]


def _only(place: Path, collection: Collection) -> Group:
    groups = [(dataset, group) for dataset, groups in collection.groups.items() for group in groups]
    if len(groups) > 1:
        names = [f"{dataset} {group.label}" for dataset, group in groups]
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise InputError(
            f"{place}: has runs of {len(groups)} settings ({shown}); expected runs that differ in their seed alone, as a run "
            "folder, or its name without '-s<seed>' for all its seeds"
        )
    return groups[0][1]


def _plural(word: str, values: Sequence[int]) -> str:
    return f"{word}{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"


def _brief(text: str) -> str:
    """Shorten hashes and revisions to their first digits."""
    return ", ".join(_first_digits(part) for part in text.split(", "))


def _first_digits(text: str) -> str:
    digits, dash, rest = text.partition("-")
    return f"{digits[:DIGITS]}{dash}{rest}" if len(digits) > DIGITS else text
