"""The table of a test over several visits: the policy above the lists (docs/protocol.md, "Several visits")."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from darlr.report.rendering.table import Cell, Quantity, Table

VISITS = "visits"
"""The entry of a summary."""

LABELS = {"visits": "visits", "r_total": "R, all visits", "r_visit": "R, a visit"}


def visits_table(tests: Sequence[Mapping[str, Any]], dataset: str, method: str) -> Table:
    """Return the numbers of visits and the returns of the policy and of the lists, the list with the largest return first.

    Args:
        tests: the entries `visits` of one or more summaries, which differ in their seed.
        dataset, method: the names for the title.
    """
    common = [name for name in tests[0]["opponents"] if all(name in test["opponents"] for test in tests)]
    lists = {name: [test["opponents"][name] for test in tests] for name in common}
    best_first = sorted(lists, key=lambda name: -fmean(values["r_total"] for values in lists[name]))
    rows = [_row(method, [test["policy"] for test in tests])]
    rows += [_row(name.replace("_", " "), lists[name]) for name in best_first]
    seeds = f" ±: half-width of the 95% t interval over {len(tests)} seeds." if len(tests) > 1 else ""
    return Table(
        title=f"{method} and static policies on {dataset}, {tests[0]['days']:g} days",
        header=("policy", *LABELS.values()),
        rows=tuple(rows),
        notes=(f"Means over users: visits within these days, the return of all of them, and of one.{seeds}",),
    )


def _row(name: str, values: Sequence[Mapping[str, float]]) -> tuple[Cell, ...]:
    return (name, *(Quantity.over_seeds([each[key] for each in values]) for key in LABELS))
