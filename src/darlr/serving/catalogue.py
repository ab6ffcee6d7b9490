"""From a table of items, as in a data set, to the items in it that a run has not learned."""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from darlr.data.parsing.categories import names_of
from darlr.data.parsing.missing import is_missing
from darlr.data.parsing.tables import Table, read_table
from darlr.serving.messages import NewItem
from darlr.serving.recommender import Recommender


def with_catalogue(recommender: Recommender, path: Path) -> Recommender:
    """Return `recommender` with the items of the table `path` (.csv or .parquet) that its log lacks.

    The table has item_id, optional categories, and columns of features, like the items of a data set. It may contain the
    log's items, too, which keep their descriptions from the log.

    Raises:
        InputError: naming the row of a cell that cannot be used; also if the policy can only rank items of its log.
    """
    table = read_table(path, ("item_id",))
    ids = table.ids("item_id").to_list()
    table.require_distinct("item_id")
    known = recommender.understanding.items
    fresh = [row for row, item in enumerate(ids) if known.find(item) is None]
    if not fresh:
        return recommender
    features = _features(table, *recommender.item_features)
    categories = _categories(table)
    return recommender.with_items(
        [NewItem(ids[row], None if categories is None else categories.get(row, ()), features[row]) for row in fresh]
    )


def _categories(table: Table) -> dict[int, tuple[str, ...]] | None:
    """Return the names in each row that has any; None without such a column."""
    if "categories" not in table.frame.columns:
        return None
    rows = names_of(table).frame.group_by("row", maintain_order=True).agg("name")
    return {row: tuple(names) for row, names in rows.iter_rows()}


def _features(table: Table, coded: Collection[str], numeric: Collection[str]) -> list[dict[str, str | float]]:
    """Return each row's values of the features that the log's items have; missing numbers are left out."""
    found: list[dict[str, str | float]] = [{} for _ in range(len(table))]
    for name in (name for name in table.frame.columns if name in (*coded, *numeric)):
        cells = table.text(name).fill_null("").str.strip_chars()
        if name not in numeric:
            for row, text in enumerate(cells.to_list()):
                found[row][name] = text
            continue
        missing = is_missing(cells)
        numbers = cells.cast(pl.Float64, strict=False)
        wrong = ~missing & ~numbers.is_finite().fill_null(False)
        if wrong.any():
            raise table.refuse(int(wrong.to_numpy().argmax()), name, "a finite number, as the log's items have")
        for row, number in enumerate(numbers.to_list()):
            if not missing[row]:
                found[row][name] = number
    return found
