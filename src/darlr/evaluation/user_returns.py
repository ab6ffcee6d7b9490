"""The returns of every user of the test world from a policy and from lists: a Parquet file in the run folder."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.artifacts.files import write_bytes
from darlr.errors import InputError

USER_RETURNS = "user_returns.parquet"
USER, POLICY = "user", "policy"

Returns = Mapping[str, NDArray[np.float64]]
"""`policy`, and the name of every list -> (n_users,) returns of one greedy episode in NX_0, in one order of users."""


def write_user_returns(path: Path, users: Sequence[str], returns: Returns) -> None:
    """Write a column for each of `returns` (n_users,), and a row for each of `users` (raw ids as text)."""
    columns = {name: np.asarray(values, np.float64) for name, values in returns.items()}
    content = io.BytesIO()
    pl.DataFrame({USER: list(users), **columns}).write_parquet(content)
    write_bytes(path, content.getvalue())


def read_user_returns(path: Path) -> tuple[list[str], Returns]:
    """Read the users and their returns (n_users,).

    Raises:
        InputError: for a file that is not such a table.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]}); expected returns by user") from error
    if table.columns[:2] != [USER, POLICY] or table.dtypes[0] != pl.String or set(table.dtypes[1:]) != {pl.Float64}:
        found = ", ".join(f"{name} ({dtype})" for name, dtype in zip(table.columns, table.dtypes, strict=True))
        raise InputError(f"{path}: has columns {found}; expected '{USER}' (String), '{POLICY}' and lists (Float64)")
    if not np.isfinite(table.drop(USER).to_numpy()).all():
        raise InputError(f"{path}: has a value that is no finite number; expected returns by user")
    return table[USER].to_list(), {name: table[name].to_numpy() for name in table.columns[1:]}
