from pathlib import Path

import numpy as np
import polars as pl
import pytest

from darlr.errors import InputError
from darlr.evaluation.user_returns import read_user_returns, write_user_returns


def test_returns_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "returns.parquet"
    write_user_returns(path, ["5", "4"], {"policy": np.array([0.1, 2.0], np.float32), "popular": np.array([1.0, -3.5])})
    users, returns = read_user_returns(path)
    assert users == ["5", "4"]
    assert returns["policy"].tolist() == pytest.approx([0.1, 2.0])
    assert returns["popular"].tolist() == [1.0, -3.5]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "cannot be read"),
        ({"user": ["a"]}, "expected 'user' \\(String\\), 'policy' and lists"),
        ({"user": [1], "policy": [1.0]}, "user \\(Int64\\)"),
        ({"user": ["a"], "policy": [1.0], "popular": ["x"]}, "popular \\(String\\)"),
        ({"user": ["a"], "policy": [float("nan")]}, "no finite number"),
        ({"user": ["a"], "policy": [None]}, "no finite number|Null"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, table: dict[str, list[object]] | None, message: str) -> None:
    path = tmp_path / "returns.parquet"
    if table is None:
        path.write_bytes(b"nothing of the kind")
    else:
        pl.DataFrame(table).write_parquet(path)
    with pytest.raises(InputError, match=message):
        read_user_returns(path)
