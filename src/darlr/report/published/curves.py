"""The published runs by epoch, for comparison with our curves.

`published_curves.csv` holds NX_0 R_tra, Length and MCD of the 48 runs whose means over the epochs are Tables 2 and 3 of
"DARLR" (SIGIR 2025): all but DARLR's own, whose log is not public. They come from the logs that the authors of ROLeR
publish with their code (`results_for_paper/main_exp_logs`). N is the leave window of the run's tests; it and the seed
differ from run to run.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from darlr.evaluation.table import RETURN

CURVES_SOURCE = "the runs behind Tables 2 and 3, from the logs published with ROLeR's code"

_NOBODY_LEAVES = frozenset({"coat", "yahoo"})
"""With M = 0 no distance is below M there: every episode has 30 steps, whatever N is (protocol section 1)."""


@dataclass(frozen=True)
class PublishedCurve:
    """A figure of one published run.

    Attributes:
        values: after the first epoch, the second, and so on.
        window: N, the number of recent items in the leave rule.
        seed: the seed of the run.
    """

    values: tuple[float, ...]
    window: int
    seed: int


def published_curve(dataset: str, method: str, metric: str) -> PublishedCurve | None:
    """Return the published run's return, length or MCD in NX_0, or None; the names are ours, for example `coat`, `dorl`."""
    return _curves().get((dataset, method, metric))


def same_leave_rule(dataset: str, settings: Mapping[str, Any], curve: PublishedCurve) -> bool:
    """Return whether a run with these `settings` (by dotted key) has the leave rule of the published one on `dataset`."""
    if settings.get("leave.tolerance") != 0 or settings.get("leave.max_steps") != 30:
        return False
    if dataset in _NOBODY_LEAVES:
        return bool(settings.get("leave.by") == "distance")
    return settings.get("leave.by") == "category" and settings.get("leave.window") == curve.window


def differing_leave_windows(dataset: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, int | str]:
    """Return the published N of each method in `rows` (method, settings) whose leave rule differs from the published run's.

    If only some rows of a method differ, their own N follow, for example `"4, here 1, 7"`.
    """
    by_method: dict[str, list[Mapping[str, Any]]] = {}
    for method, settings in rows:
        by_method.setdefault(method, []).append(settings)
    found: dict[str, int | str] = {}
    for method, own in by_method.items():
        curve = published_curve(dataset, method, RETURN.name)
        others = [] if curve is None else [settings for settings in own if not same_leave_rule(dataset, settings, curve)]
        if curve is not None and others:
            found[method] = curve.window if len(others) == len(own) else f"{curve.window}, here {_windows(others, curve)}"
    return found


def _windows(rows: Iterable[Mapping[str, Any]], curve: PublishedCurve) -> str:
    """Return the windows N of rows whose leave rule differs from the published run's; a row with the same N has another
    rule.
    """
    windows = sorted({settings.get("leave.window", curve.window) for settings in rows})
    return ", ".join("by another rule" if window == curve.window else str(window) for window in windows)


@cache
def _curves() -> Mapping[tuple[str, str, str], PublishedCurve]:
    text = resources.files("darlr.report.published").joinpath("published_curves.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            (row["dataset"], row["method"], row["metric"]): PublishedCurve(
                tuple(map(float, row["values"].split())), int(row["N"]), int(row["seed"])
            )
            for row in csv.DictReader(text.splitlines())
        }
    )
