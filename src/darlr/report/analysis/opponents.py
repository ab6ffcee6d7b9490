"""The opponents of a data set's methods. World models, and so their lists, differ between methods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darlr.evaluation.statistics import interval
from darlr.evaluation.table import Values
from darlr.report.analysis.runs import Group
from darlr.report.rendering.table import Quantity

DECISIVE = (
    "data",
    "synthetic",
    "world_model",
    "factors",
    "selection",
    "leave",
    "slate",
    "evaluation.noise",
    "reference_quirks",
)
"""Parts of the settings on which opponents and their values depend."""


@dataclass(frozen=True)
class _Row:
    """An opponent in some groups: its values by seed."""

    groups: list[Group]
    by_seed: dict[int, Values]

    def agrees(self, other: "_Row") -> bool:
        """Return whether both have a common seed, and the same values for all common seeds."""
        common = self.by_seed.keys() & other.by_seed.keys()
        return bool(common) and all(self.by_seed[seed] == other.by_seed[seed] for seed in common)


def opponents_of(groups: Sequence[Group], mode: str, entry: str = "opponents") -> dict[str, dict[str, Quantity]]:
    """Return name -> metric -> mean over seeds of the opponents, each judged on every user.

    An opponent whose value differs between groups, for example the list of differently fitted world models, has a row for
    each kind, named after the groups that have it.

    Args:
        groups: the groups.
        mode: the judging mode.
        entry: the entry of the summaries; "opponents_noisy" for users with noisy answers.
    """
    rows: dict[str, list[_Row]] = {}
    for name, row in _rows(groups, mode, entry):
        known = rows.setdefault(name, [])
        same = next((other for other in known if other.agrees(row)), None)
        if same is None:
            known.append(row)
        else:
            same.groups.extend(row.groups)
            same.by_seed.update(row.by_seed)
    return {
        name.replace("_", " ") + (f" of {_listed(row.groups)}" if len(alike) > 1 else ""): _over_seeds(row)
        for name, alike in rows.items()
        for row in alike
    }


def _rows(groups: Sequence[Group], mode: str, entry: str) -> Iterator[tuple[str, _Row]]:
    """Yield the name and values of every opponent, once for all groups in which it cannot differ."""
    alike: dict[str, list[Group]] = {}
    for group in groups:
        settings = group.runs[0].settings
        decisive = {
            key: value for key, value in sorted(settings.items()) if key in DECISIVE or key.partition(".")[0] in DECISIVE
        }
        alike.setdefault(repr(decisive), []).append(group)
    for members in alike.values():
        by_name: dict[str, dict[int, Values]] = {}
        for run in (run for group in members for run in group.runs):
            found: Mapping[str, Any] = run.summary.get(entry, {})
            for name, modes in found.items():
                by_name.setdefault(name, {}).setdefault(run.seed, modes.get(mode, {}))
        for name, by_seed in by_name.items():
            yield name, _Row(list(members), by_seed)


def _over_seeds(row: _Row) -> dict[str, Quantity]:
    """Return metric -> mean over seeds, for the metrics that a seed has."""
    by_metric: dict[str, list[float]] = {}
    for values in row.by_seed.values():
        for metric, value in values.items():
            if value is not None:
                by_metric.setdefault(metric, []).append(value)
    return {metric: Quantity(*interval(known)) for metric, known in by_metric.items()}


def _listed(groups: Sequence[Group]) -> str:
    labels = [group.label for group in groups]
    return ", ".join(labels) if len(labels) <= 3 else f"{labels[0]}, {labels[1]} and {len(labels) - 2} others"
