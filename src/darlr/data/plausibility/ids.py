"""A check whether the ids of a data set's tables can belong to the same users and items."""

import polars as pl

from darlr.data.ids import PLAIN_INTEGER, folded
from darlr.data.parsing.coding import Coded
from darlr.data.parsing.missing import spelled_missing
from darlr.data.parsing.tables import Table
from darlr.data.plausibility.findings import Findings, counted, examples, named
from darlr.data.plausibility.spellings import several_spellings
from darlr.errors import InputError

_SHORTENED = r"^-?[0-9](\.[0-9]+)?[eE]\+[0-9]{2,}$"
FEW_OF_THE_LOG = 0.5  # share of the log's ids that a catalogue has, below which it is reported


def spelling(table: Table, key: str, ids: Coded) -> Findings:
    """Return notes on the `ids` in the column `key` of the log: those that may mean "none", or the same as another id."""
    distinct = ids.values
    whole = distinct.str.contains(PLAIN_INTEGER)
    if whole.all():
        return Findings()
    place = f"{named(table.source)}: column '{key}'"
    others = distinct.filter(~whole)
    whom = "read as a user" if key == "user_id" else "read as an item"
    return Findings.of(
        [
            _words(table, key, ids),
            several_spellings(place, distinct, "id", whom),
            _shortened(place, distinct),
            _mixed(table, key, ids, others),
        ]
    )


def _words(table: Table, key: str, ids: Coded) -> str | None:
    word = spelled_missing(ids.values)
    words, chosen = ids.values.filter(word), word.to_numpy()
    if words.is_empty():
        return None
    return (
        f"{named(table.source)}: column '{key}' holds {examples(words)} as an id in {counted(ids.rows(chosen), 'row')} "
        f"({table.place(ids.first(chosen))}); leave such rows out if it means that there is none"
    )


def _shortened(place: str, distinct: pl.Series) -> str | None:
    short = distinct.filter(distinct.str.contains(_SHORTENED))
    if short.is_empty():
        return None
    return f"{place}: {examples(short)} look like longer numbers that a spreadsheet shortened; several may have become the same"


def _mixed(table: Table, key: str, ids: Coded, others: pl.Series) -> str | None:
    distinct = len(ids.values)
    place = f"{named(table.source)}: column '{key}'"
    decimals = others.str.contains(r"^-?[0-9]+\.0+$")
    if len(others) == distinct and decimals.all():
        return f"{place}: whole numbers are written with decimals ({examples(others)}), so that they are text and not integers"
    if 2 * len(others) > distinct:
        return None
    row = ids.first((ids.values == others[0]).to_numpy())
    return (
        f"{place}: ids are text because of {examples(others)} ({table.place(row)}); "
        f"the others are integers ({distinct - len(others):,})"
    )


def meeting(log: Table, logged: pl.Series, table: Table, key: str) -> Findings:
    """Count the log's ids (`logged`, distinct) in the column `key` of another table, whose ids are distinct, too.

    Raises:
        InputError: if more of the log's ids occur there in another spelling than in their own.
    """
    ids = table.ids(key).rename("id")
    ours, theirs = pl.DataFrame({"id": logged}), pl.DataFrame({"id": ids, "row": range(len(ids))})
    lacking, extra = ours.join(theirs, on="id", how="anti"), theirs.join(ours, on="id", how="anti")
    met = len(logged) - len(lacking)
    share = f"{met:,} of {len(logged):,}"
    figure = (f"{named(table.source)}: ids", f"{share} of the log's, e.g. {examples(ids)}; {len(extra):,} that the log lacks")
    twins = lacking.with_columns(key=folded(lacking["id"])).join(
        extra.with_columns(key=folded(extra["id"])), on="key", suffix="_there", maintain_order="left"
    )
    spelled = twins["id"].n_unique()
    if spelled:
        there, here = twins["id_there"][0], twins["id"][0]
        place = table.place(int(twins["row"][0]))
        what = (
            f"{counted(spelled, 'id')} of {named(log.source)} in another spelling ({examples([there])} for {examples([here])})"
        )
        if spelled > met:
            raise InputError(
                f"{table.source}: {place}, column '{key}' has {what}, and {share} in its own; did you mean {examples([here])}? "
                f"Expected ids as {named(log.source)} spells them"
            )
        return Findings((f"{named(table.source)}: column '{key}' has {what} ({place}); they are read as others",), (figure,))
    if met == 0:
        note = (
            f"{named(table.source)}: column '{key}' has none of the ids of {named(log.source)} ({examples(ids)} instead of "
            f"{examples(logged)})"
        )
        return Findings((note,), (figure,))
    if met < FEW_OF_THE_LOG * len(logged):
        note = (
            f"{named(table.source)}: column '{key}' has {share} ids of {named(log.source)}; the others have nothing of its "
            f"columns ({examples(lacking['id'])})"
        )
        return Findings((note,), (figure,))
    return Findings((), (figure,))
