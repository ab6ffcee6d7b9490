"""What the sections about one data set are made from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from darlr.report.analysis.by_epoch import Recorded, band, recorded
from darlr.report.analysis.comparison import MAIN, best_baseline, mode_of, over_seeds
from darlr.report.analysis.opponents import static_policies
from darlr.report.analysis.results import every_user
from darlr.report.analysis.runs import Group
from darlr.report.page.curves import Curve
from darlr.report.page.marks import Style, other_style, row_style
from darlr.report.page.plane import Point
from darlr.report.rendering.table import Quantity
from darlr.report.rendering.tables import DatasetTables, dataset_tables

RECORDED = {
    "nx_0": (
        *(f"nx_0/{policy}/{metric}" for metric in ("r_tra", "length", "mcd") for policy in ("sampled", "greedy")),
        "error/sampled",
        "error/table",
    ),
    "held_out": ("held_out/greedy/ndcg_10", "held_out/greedy/recall_10"),
}
"""What is drawn by epoch, by the mode that runs are judged in."""


@dataclass(frozen=True)
class Material:
    """A data set's runs, read and compared.

    Attributes:
        mode: what they were judged by, `nx_0` or `held_out`.
        best: the best baseline, if there is one.
        recorded: for every group, by its label, what its runs recorded by epoch.
        statics: static policy > metric > value, on every user.
    """

    dataset: str
    mode: str
    groups: tuple[Group, ...]
    tables: DatasetTables
    best: Group | None
    recorded: Mapping[str, Recorded]
    statics: Mapping[str, Mapping[str, Quantity]]

    @classmethod
    def of(cls, dataset: str, groups: tuple[Group, ...], baselines: Collection[str]) -> "Material":
        """Read the groups' records as well; `baselines`: the methods that the others are compared with."""
        mode = mode_of(groups)
        return cls(
            dataset,
            mode,
            groups,
            dataset_tables(dataset, groups, baselines),
            best_baseline(groups, baselines),
            {group.label: recorded(group, RECORDED[mode]) for group in groups},
            static_policies(groups, mode),
        )

    def style(self, group: Group) -> Style:
        """The group's, the same in every picture; rows that name no setting have the first ones."""
        plain_first = sorted(self.groups, key=lambda other: other.label != other.method)
        return row_style(plain_first.index(group))

    def last(self, group: Group, metric: str) -> Quantity | None:
        """The last 20% of epochs over seeds, with the policy by which methods are compared."""
        return over_seeds(group, self.mode, MAIN[self.mode][1], metric)

    def on_every_user(self, group: Group, metric: str) -> Quantity | None:
        """Of the last epoch's policy, over seeds; None for runs that were not judged so."""
        return every_user(group.summaries, self.mode, metric)

    def curve(self, group: Group, name: str) -> Curve | None:
        """What the group recorded under `name` by epoch, over its seeds."""
        runs = self.recorded[group.label].get(name)
        found = None if runs is None else band(runs)
        return None if found is None else Curve(group.label, self.style(group), found.epochs, found.means, found.halves)

    def points(self, x: str, y: str) -> list[Point]:
        """The groups and the static policies by two metrics, as far as they have both."""
        found = [(group.label, self.style(group), self.last(group, x), self.last(group, y)) for group in self.groups]
        for place, (name, values) in enumerate(self.statics.items()):
            found.append((name, other_style(place), values.get(x), values.get(y)))
        return [Point(label, style, across, up) for label, style, across, up in found if across is not None and up is not None]
