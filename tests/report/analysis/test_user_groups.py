"""Held-out metrics by groups of users, as a table."""

from typing import Any

from darlr.report.analysis.user_groups import groups_table
from darlr.report.rendering.table import to_markdown


def entry(ndcg: float, users: int) -> dict[str, Any]:
    groups = {"f": {"ndcg_10": ndcg}, "m": {"ndcg_10": 0.1}}
    return {"feature": "gender", "users": {"f": users, "m": 40}, "values": {"policy": groups, "popular": groups}}


def test_a_row_for_each_group_of_each_method_and_of_the_popular_list() -> None:
    table = groups_table("shop", [("dorl", [entry(0.2, 20), entry(0.4, 22)]), ("mbpo", [entry(0.6, 20)])])
    assert table.title == "shop, by gender"
    assert [row[:2] for row in table.rows] == [(name, group) for name in ("dorl", "mbpo", "popular") for group in "fm"]
    text = to_markdown(table)
    assert "| dorl | f | 21" in text
    assert "0.300 ±" in text  # the mean over two seeds
    assert "recall" not in text
