"""The `categories` column of an items table."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.parsing.missing import OF_PROGRAMS
from darlr.data.parsing.tables import Table
from darlr.data.parsing.vocabulary import Vocabulary

SEPARATOR = "|"
EXPECTED = f"names joined by '{SEPARATOR}'"
NO_CATEGORY = (
    *("(no genres listed)", "no genres listed", "(no genre listed)", "(no genre)", "(no genres)", "no genre", "no genres"),
    *("(no category)", "no category", "no categories", "(no tags)", "no tags", "no tag", "(none)", "none", "nil", "na"),
    *(
        "uncategorized",
        "uncategorised",
        "(uncategorized)",
        "unclassified",
        "not categorized",
        "not available",
        "not applicable",
    ),
)
"""Names, in any case, that say that an item has no category."""
_NOTHING = r"^[-–—?.]+$"
"""Names made of punctuation alone, which say the same."""

_PRINTED = "|".join(
    (
        r"^\s*([A-Za-z_.]+\s*\(\s*)?[\[{]",  # [..], {..}, array([..])
        r"^\s*\(.*,.*\)\s*$",
        r"^\s*'[^']*'(\s*[,;]\s*'[^']*')+\s*$",
        r"^\s*\"[^\"]*\"(\s*[,;]\s*\"[^\"]*\")+\s*$",
    )
)
"""A list as programs of various languages print it."""


@dataclass(frozen=True)
class Names:
    """The names in a column's cells.

    Attributes:
        frame: row (of the table) and name, one line for each name of a cell.
        none: the distinct spellings of `NO_CATEGORY` and `OF_PROGRAMS` that were left out.
        none_rows: the number of rows that hold one of these.
    """

    frame: pl.DataFrame
    none: tuple[str, ...]
    none_rows: int


def names_of(table: Table) -> Names:
    """Return the names in the column `categories`, without those that mean "no category".

    A list column of a Parquet file or a frame is used as it is.

    Raises:
        InputError: naming the row of a cell with an empty name in it, or of a printed list.
    """
    column = table.frame["categories"]
    if isinstance(column.dtype, pl.List) and (column.dtype.inner == pl.String or _whole(column.dtype)):
        lists = column.cast(pl.List(pl.String))
    else:
        cells = table.text("categories")
        printed = cells.str.contains(_PRINTED).fill_null(False)
        if printed.any():
            raise table.refuse(int(printed.to_numpy().argmax()), "categories", f"{EXPECTED}, not a list as a program prints it")
        lists = cells.replace("", None).str.split(SEPARATOR)
    named = pl.DataFrame({"row": np.arange(len(table)), "name": lists}).filter(pl.col("name").list.len() > 0).explode("name")
    named = named.with_columns(pl.col("name").str.strip_chars()).drop_nulls()
    blank = named.filter(pl.col("name") == "")
    if len(blank):
        raise table.refuse(blank["row"][0], "categories", EXPECTED)
    name = named["name"]
    none = name.is_in(list(OF_PROGRAMS)) | name.str.to_lowercase().is_in(list(NO_CATEGORY)) | name.str.contains(_NOTHING)
    left_out = named.filter(none)
    spellings = left_out["name"].unique(maintain_order=True).to_list()
    return Names(named.filter(~none), tuple(spellings), left_out["row"].n_unique())


def _whole(dtype: pl.List) -> bool:
    inner = dtype.inner
    return isinstance(inner, pl.DataType) and inner.is_integer()


def read_categories(named: Names, positions: NDArray[np.int64], n: int) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return codes of the categories of n items.

    Args:
        named: the names in an items table.
        positions: (rows,) the item of every row of the table.
        n: number of items, including those that the table lacks.

    Returns:
        (n, S) codes, -1 in unused places (S is the largest number of categories of an item), and the category names,
        ascending (by number if all are integers).
    """
    if named.frame.is_empty():
        return np.zeros((n, 0), np.int32), ()
    vocabulary = Vocabulary.union(named.frame["name"])
    frame = named.frame.with_columns(item=pl.Series(positions[named.frame["row"].to_numpy()]))
    frame = frame.unique(("item", "name"), maintain_order=True).with_columns(slot=pl.int_range(pl.len()).over("item"))
    codes = np.full((n, int(frame["slot"].max()) + 1), -1, np.int32)  # type: ignore[arg-type]
    codes[frame["item"].to_numpy(), frame["slot"].to_numpy()] = vocabulary.find(frame["name"])
    return codes, tuple(vocabulary.texts)
