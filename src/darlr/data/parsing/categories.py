"""The `categories` column of an items table."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.parsing.tables import Table
from darlr.data.parsing.vocabulary import Vocabulary

SEPARATOR = "|"


def read_categories(table: Table, positions: NDArray[np.int64], n: int) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Read the names joined by "|" in the column `categories`; a blank cell is an item without any.

    Args:
        table: the items file.
        positions: (rows,) the item of every row.
        n: number of items, those that the table lacks included.

    Returns:
        (n, S) codes, -1 where an item has fewer than S (the most that any has), and the category names, ascending (by number
        where all are integers).

    Raises:
        InputError: naming the line of a cell with an empty name in it.
    """
    cells = table.text("categories")
    named = pl.DataFrame({"row": np.arange(len(table)), "item": positions, "name": cells.str.split(SEPARATOR)})
    named = named.filter((cells != "").fill_null(False)).explode("name").with_columns(pl.col("name").str.strip_chars())
    blank = named.filter(pl.col("name") == "")
    if len(blank):
        raise table.refuse(blank["row"][0], "categories", f"names joined by '{SEPARATOR}'")
    if named.is_empty():
        return np.zeros((n, 0), np.int32), ()
    vocabulary = Vocabulary.union(named["name"])
    named = named.unique(("item", "name"), maintain_order=True).with_columns(slot=pl.int_range(pl.len()).over("item"))
    codes = np.full((n, int(named["slot"].max()) + 1), -1, np.int32)  # type: ignore[arg-type]
    codes[named["item"].to_numpy(), named["slot"].to_numpy()] = vocabulary.find(named["name"])
    return codes, tuple(vocabulary.texts)
