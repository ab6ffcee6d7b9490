"""The optional columns of a table of interactions that record how its rows came to be shown."""

import numpy as np
from numpy.typing import NDArray

from darlr.data.exposure import Exposure
from darlr.data.parsing.tables import Table
from darlr.errors import InputError

PROPENSITY, SESSION, STEP, POSITION = "propensity", "session", "step", "position"
EXPOSURE_COLUMNS = (PROPENSITY, SESSION, STEP, POSITION)


def read_exposure(table: Table, repeats: str) -> Exposure | None:
    """Read the columns `propensity`, `session`, `step` and `position`; None if the table has none of them.

    Args:
        table: the interactions.
        repeats: how repeated pairs are read; merged rows have no single moment at which they were shown.

    Raises:
        InputError: naming the row of a propensity that is missing or outside (0, 1], and of a step that occurs twice.
    """
    given = [name for name in EXPOSURE_COLUMNS if name in table.columns]
    if not given:
        return None
    if repeats not in ("error", "keep"):
        raise InputError(
            f"{table.source}: column '{given[0]}' belongs to single rows, but repeats are merged ('{repeats}'); "
            "expected 'keep', or the table without the column"
        )
    if STEP in given and SESSION not in given:
        raise InputError(f"{table.source}: column '{STEP}' stands without '{SESSION}'; expected both, or neither")
    if STEP in given:
        table.require_distinct(SESSION, STEP)
    return Exposure(
        propensities=require_propensities(table, PROPENSITY) if PROPENSITY in given else None,
        sessions=_sessions(table) if SESSION in given else None,
        steps=_whole(table, STEP) if STEP in given else None,
        positions=_whole(table, POSITION) if POSITION in given else None,
    )


def require_propensities(table: Table, column: str) -> NDArray[np.float64]:
    """Return (n,) the column as propensities.

    Raises:
        InputError: naming the first row without a propensity, or with one outside (0, 1].
    """
    values = table.numbers(column, 0.0, 1.0)
    if (values == 0).any():
        raise table.refuse(
            int(np.argmax(values == 0)), column, "a probability above 0, since the item was shown; or no such column"
        )
    return values


def _sessions(table: Table) -> NDArray[np.int64]:
    ids = table.coded_ids(SESSION)
    ranks: NDArray[np.int64] = ids.values.rank("dense").to_numpy().astype(np.int64) - 1
    return ranks[ids.codes]


def _whole(table: Table, column: str) -> NDArray[np.int64]:
    values = table.numbers(column, 0.0)
    if (values % 1 != 0).any():
        raise table.refuse(int(np.argmax(values % 1 != 0)), column, "a whole number")
    return values.astype(np.int64)
