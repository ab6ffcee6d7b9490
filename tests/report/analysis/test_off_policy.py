"""What a log tells of policies, as tables."""

from typing import Any

from darlr.report.analysis.off_policy import ranks_table
from darlr.report.rendering.table import Quantity


def estimate(value: float | None, *objections: str) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None, "objections": list(objections)}


def test_every_estimator_ranks_the_policies_that_it_can_tell() -> None:
    found = {
        "estimates": {
            "policy, greedy": {"dr": estimate(0.5), "snips": estimate(0.1), "dm": estimate(0.3)},
            "popular": {"dr": estimate(0.4), "snips": estimate(0.9, "too thin"), "dm": estimate(0.9)},
            "item_mean": {"dr": estimate(0.4), "snips": estimate(0.2), "dm": estimate(0.1)},
        },
        "sessions": {},
        "held_out": {"policy, greedy": {"ndcg_10": 0.1}, "popular": {"ndcg_10": 0.3}, "item_mean": {"ndcg_10": 0.2}},
    }
    table = ranks_table("mine", found)
    assert table.header == ("policy", "DR", "SNIPS", "direct method", "NDCG@10")
    ranks = {row[0]: [cell.value if isinstance(cell, Quantity) else None for cell in row[1:]] for row in table.rows}
    assert ranks == {"policy, greedy": [1, 2, 2, 3], "popular": [2.5, None, 1, 1], "item mean": [2.5, 1, 3, 2]}
