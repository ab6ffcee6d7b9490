"""Tables of policies' values by a log."""

from typing import Any

from darlr.report.analysis.off_policy import judgement_table, ranks_table
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


def test_policies_whose_reasons_differ_in_numbers_alone_are_told_together() -> None:
    thin = "its 1,400 rows are worth {} of the policy's own (at least 100 expected); needed: about {} such rows"
    estimates = {
        "policy, greedy": {"dr": estimate(0.5, thin.format(8, "17,500"))},
        "popular": {"dr": estimate(0.5, thin.format(71, "1,972"))},
        "item_mean": {"dr": estimate(0.5, "95.5% of its recommendations are items that the log never shows; needed: a log")},
        "variational": {"dr": estimate(0.5)},
    }
    found = {
        "estimates": estimates,
        "sessions": {},
        "support": {policy: {"items": {"effective": 8.0}} for policy in estimates},
        "logged": {"value": 0.5, "low": 0.4, "high": 0.6},
        "notes": [],
        "against_popular": [],
    }
    assert [note for note in judgement_table("mine", found).notes if "annot be told" in note] == [
        "Cannot be told from this log: policy, greedy; popular. The reason: its 1,400 rows are worth 8 to 71 of the policy's "
        "own (at least 100 expected); needed: about 1,972 to 17,500 such rows.",
        "Cannot be told from this log: item mean. The reason: 95.5% of its recommendations are items that the log never shows; "
        "needed: a log.",
    ]
