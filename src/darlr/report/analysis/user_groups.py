"""A table of held-out metrics by groups of users, from summaries."""

from collections.abc import Mapping, Sequence
from typing import Any

from darlr.evaluation.modes import HELD_OUT
from darlr.evaluation.names import POPULAR
from darlr.evaluation.table import tabulated
from darlr.evaluation.user_groups import SMALLEST
from darlr.report.rendering.table import Cell, Quantity, Table

BY_GROUP = "by_group"
"""The entry of a summary."""
POLICY = "policy"
"""The name of the judged policy in it."""


def groups_table(title: str, found: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Table:
    """Return a row for each group of users of each policy, with the list of popular items last.

    Args:
        title: the title.
        found: the label of a method, and the entries `BY_GROUP` of its seeds' summaries, which are of one feature.
    """
    metrics = tabulated(HELD_OUT)
    rows: list[tuple[Cell, ...]] = []
    policies = [(label, entries, POLICY) for label, entries in found]
    policies += [(POPULAR, entries, POPULAR) for _, entries in found[:1] if POPULAR in entries[0]["values"]]
    for label, entries, policy in policies:
        for group in dict.fromkeys(group for entry in entries for group in entry["users"]):
            known = [entry["values"][policy][group] for entry in entries if group in entry["users"]]
            sizes = [entry["users"][group] for entry in entries if group in entry["users"]]
            users = str(sizes[0]) if len(set(sizes)) == 1 else Quantity.over_seeds(sizes)
            cells = (
                Quantity.over_seeds([values[metric.name] for values in known if metric.name in values]) for metric in metrics
            )
            rows.append((label, group, users, *cells))
    feature = found[0][1][0]["feature"]
    notes = (
        "Users who have held-out rows that they liked; policies act greedily.",
        f"Groups of fewer than {SMALLEST} users are pooled where there are several; means over few users say little.",
    )
    header = ("policy", feature, "users", *(metric.label for metric in metrics))
    return Table(f"{title}, by {feature}", header, tuple(rows), notes).without_empty_columns()
