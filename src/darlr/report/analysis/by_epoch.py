"""Figures by epoch: the records of the runs of a group, and their mean over seeds with a band."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from darlr.artifacts import RunFolder
from darlr.evaluation.statistics import interval
from darlr.report.analysis.runs import FinishedRun, Group

SEEDS = 5
"""From so many seeds on an interval is drawn."""
DOTTED = 12
"""Seeds are drawn as dots at so many epochs at most."""

Recorded = Mapping[str, Sequence[Mapping[int, float]]]
"""Name of a figure -> for every run, epoch -> value; names without a value in any run are left out."""


@dataclass(frozen=True)
class Band:
    """One entry an epoch: the mean over seeds, and the half-width of its 95% t interval (None for fewer than `SEEDS`).

    `dots`: of fewer than `SEEDS` seeds, but more than one, an (epoch, value) for every seed at some of the epochs, evenly
    spread; such few seeds say little of an interval, and are shown themselves.
    """

    epochs: tuple[int, ...]
    means: tuple[float, ...]
    halves: tuple[float | None, ...]
    dots: tuple[tuple[int, float], ...] = ()


def recorded(group: Group, names: Collection[str]) -> Recorded:
    """Return the figures `names` (for example `error/table`) in the records of the group's runs."""
    runs = [_records(run, names) for run in group.runs]
    return {name: values for name in names if any(values := [run[name] for run in runs])}


def _records(run: FinishedRun, names: Collection[str]) -> Mapping[str, Mapping[int, float]]:
    records = RunFolder.open(run.path).metrics()
    return {name: {record["epoch"]: record[name] for record in records if record.get(name) is not None} for name in names}


def band(runs: Sequence[Mapping[int, float]]) -> Band | None:
    """Return the mean of the `runs` at every epoch that all of them have; None if there is none."""
    epochs = sorted(set.intersection(*map(set, runs)))
    if not epochs:
        return None
    means, halves = zip(*(interval([run[epoch] for run in runs]) for epoch in epochs), strict=True)
    if len(runs) >= SEEDS:
        return Band(tuple(epochs), means, halves)
    places = sorted({round(place) for place in np.linspace(0, len(epochs) - 1, min(DOTTED, len(epochs)))})
    dots = [(epochs[place], run[epochs[place]]) for place in places for run in runs] if len(runs) > 1 else []
    return Band(tuple(epochs), means, (None,) * len(epochs), tuple(dots))
