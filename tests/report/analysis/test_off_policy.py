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


def entry(estimates: dict[str, Any]) -> dict[str, Any]:
    return {
        "estimates": estimates,
        "sessions": {},
        "support": {policy: {"items": {"effective": 554.72}} for policy in estimates},
        "logged": {"value": 0.5, "low": 0.4, "high": 0.6},
        "notes": [],
        "against_popular": [],
        "held_out": {policy: {"ndcg_10": 0.2} for policy in estimates},
    }


def test_a_skipping_list_that_comes_out_the_same_has_no_row() -> None:
    found = entry(
        {
            "popular": {"dr": estimate(0.5)},
            "item_mean": {"dr": estimate(0.4)},
            "popular_skipping": {"dr": estimate(0.5)},
            "item_mean_skipping": {"dr": estimate(0.3)},
        }
    )
    for table in (judgement_table("mine", found), ranks_table("mine", found)):
        assert [row[0] for row in table.rows] == ["popular", "item mean", "item mean skipping"]
    said = "Note: skipping lists that come out the same as their lists have no rows of their own."
    assert said in judgement_table("mine", found).notes
    assert said not in judgement_table("mine", entry({"popular": {"dr": estimate(0.5)}})).notes


def test_the_column_of_ranks_names_its_estimator_and_shows_whole_ranks_as_such() -> None:
    found = entry(
        {
            "popular": {"dr": estimate(0.5), "snips": estimate(0.4)},
            "item_mean": {"dr": estimate(0.5, "thin"), "snips": estimate(0.4)},
        }
    )
    table = judgement_table(
        "mine",
        {
            **found,
            "estimates": {**found["estimates"], "variational": {"dr": estimate(0.5, "thin"), "snips": estimate(0.7)}},
            "support": {**found["support"], "variational": {"items": {"effective": 8.4}}},
        },
    )
    assert "rank: by SNIPS, the estimator that can tell the most policies; 1 is the best." in table.notes
    assert [[str(cell) for cell in row[-2:]] for row in table.rows] == [["2.5", "555"], ["2.5", "555"], ["1", "8"]]


def test_a_policy_that_another_estimator_tells_is_not_said_to_be_untold() -> None:
    found = entry(
        {"popular": {"dr": estimate(0.5, "too thin"), "offcem": estimate(0.4)}, "ease": {"dr": estimate(0.5, "too thin")}}
    )
    table = judgement_table("mine", found)
    assert [row[1] for row in table.rows] == [None, "cannot be told from this log"]
    assert "Told by the estimators that have a value, and by no others: popular. The reason: too thin." in table.notes
    assert "Cannot be told from this log: ease. The reason: too thin." in table.notes
