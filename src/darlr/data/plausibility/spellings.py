"""Notes on texts that may be spellings of the same thing."""

import polars as pl

from darlr.data.ids import folded
from darlr.data.plausibility.findings import counted, examples


def several_spellings(place: str, distinct: pl.Series, what: str, each: str) -> str | None:
    """Return a note on `distinct` texts that differ only by case, Unicode form, or the notation of a number, if there are any.

    Args:
        place: the table and column.
        distinct: the texts.
        what: the noun for one of them, for example "id".
        each: how each is used, for example "read as a user".
    """
    keyed = pl.DataFrame({"text": distinct, "key": folded(distinct)})
    twins = keyed.filter(pl.col("key").is_duplicated()).sort("key", maintain_order=True)
    if twins.is_empty():
        return None
    pair = examples(twins["text"].head(2))
    return f"{place}: {counted(twins['key'].n_unique(), what)} in several spellings, as {pair}, each {each} of its own"
