"""The material of the sections about one data set."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from darlr.evaluation.modes import POLICIES
from darlr.evaluation.table import DOMINATION, Metric, drawn
from darlr.report.analysis.by_epoch import Recorded, band, recorded
from darlr.report.analysis.comparison import best_baseline, mode_of
from darlr.report.analysis.criteria import CRITERIA, Criterion, every_user, recent
from darlr.report.analysis.opponents import opponents_of
from darlr.report.analysis.runs import Group
from darlr.report.page.curves import Curve
from darlr.report.page.marks import Style, other_style, row_style
from darlr.report.page.plane import Point
from darlr.report.rendering.table import Quantity
from darlr.report.rendering.tables import DatasetTables, dataset_tables

ERRORS = ("error/sampled", "error/table")


@dataclass(frozen=True)
class Material:
    """A data set's runs, read and compared.

    Attributes:
        dataset: the data set's name.
        mode: the judging mode, a key of `CRITERIA`.
        groups: the groups of runs.
        tables: the tables.
        best: the best baseline, if there is one.
        recorded: for every group, by its label, the records of its runs by epoch.
        opponents: opponent -> metric -> value, on every user.
    """

    dataset: str
    mode: str
    groups: tuple[Group, ...]
    tables: DatasetTables
    best: Group | None
    recorded: Mapping[str, Recorded]
    opponents: Mapping[str, Mapping[str, Quantity]]

    @classmethod
    def of(cls, dataset: str, groups: tuple[Group, ...], baselines: Collection[str]) -> "Material":
        """Read the groups and their records; `baselines`: the methods that the others are compared with."""
        mode = mode_of(groups)
        return cls(
            dataset,
            mode,
            groups,
            dataset_tables(dataset, groups, baselines),
            best_baseline(groups, baselines),
            {group.label: recorded(group, _drawn_names(mode)) for group in groups},
            opponents_of(groups, mode),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of the runs on their data, each once; runs of earlier versions have none."""
        return tuple(
            dict.fromkeys(note for group in self.groups for summary in group.summaries for note in summary.get("notes", ()))
        )

    @property
    def criterion(self) -> Criterion:
        """The criterion that compares the runs."""
        return CRITERIA[self.mode]

    def style(self, group: Group) -> Style:
        """Return the group's style, the same in every picture; rows that name no setting have the first ones."""
        plain_first = sorted(self.groups, key=lambda other: bool(other.told))
        return row_style(plain_first.index(group))

    def last(self, group: Group, metric: Metric) -> Quantity | None:
        """Return the last 20% of epochs over seeds, for the policy by which methods are compared."""
        return recent(group.summaries, self.mode, self.criterion.policy, metric)

    def on_every_user(self, group: Group, metric: Metric) -> Quantity | None:
        """Return the value of the last epoch's policy, over seeds; None for runs that were not judged so."""
        return every_user(group.summaries, self.mode, metric)

    def curve(self, group: Group, name: str) -> Curve | None:
        """Return the records of the group under `name` by epoch, over its seeds."""
        runs = self.recorded[group.label].get(name)
        found = None if runs is None else band(runs)
        if found is None:
            return None
        return Curve(group.label, self.style(group), found.epochs, found.means, found.halves, found.dots)

    def points(self, x: Metric, y: Metric) -> list[Point]:
        """Return the groups and the opponents by two metrics, if they have both."""
        found = [(group.label, self.style(group), self.last(group, x), self.last(group, y)) for group in self.groups]
        for place, (name, values) in enumerate(self.opponents.items()):
            found.append((name, other_style(place), values.get(x.name), values.get(y.name)))
        return [Point(label, style, across, up) for label, style, across, up in found if across is not None and up is not None]


def _drawn_names(mode: str) -> list[str]:
    """Return the names in the records of all figures drawn by epoch, for runs judged in `mode`."""
    metrics = [*drawn(mode), DOMINATION]
    return [*(metric.recorded(mode, policy) for metric in metrics for policy in POLICIES), *ERRORS]
