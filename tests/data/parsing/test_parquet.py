from pathlib import Path

import polars as pl
import pytest

from darlr.data.parsing.tables import read_table
from darlr.errors import InputError


def write_parts(folder: Path, **parts: pl.DataFrame) -> Path:
    folder.mkdir()
    for name, frame in parts.items():
        frame.write_parquet(folder / f"part-{name}.snappy.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-a.snappy.parquet.crc").write_bytes(b"crc")
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / "0.checkpoint.parquet").write_bytes(b"no part")
    return folder


@pytest.mark.parametrize("name", ["log.parquet", "log"])
def test_a_folder_of_parts_is_one_table(tmp_path: Path, name: str) -> None:
    one, other = pl.DataFrame({"id": [1, 2], "x": [1.5, None]}), pl.DataFrame({"id": [3], "x": [4.0]})
    table = read_table(write_parts(tmp_path / name, b=other, a=one), ("id", "x"))
    assert table.ids("id").to_list() == ["1", "2", "3"]
    with pytest.raises(InputError) as refused:
        table.numbers("x", 0, 3)
    assert str(refused.value) == (
        f"{tmp_path / name}: row 2 of part-a.snappy.parquet, column 'x' is blank; expected a number in 0..3"
    )
    assert table.place(2) == "row 1 of part-b.snappy.parquet"


def test_parts_may_have_narrower_numbers_and_blank_columns(tmp_path: Path) -> None:
    one = pl.DataFrame({"id": pl.Series([1], dtype=pl.Int32), "x": pl.Series([None], dtype=pl.String)})
    other = pl.DataFrame({"id": [2**40], "x": pl.Series(["a"], dtype=pl.Categorical)})
    table = read_table(write_parts(tmp_path / "log", a=one, b=other), ("id",))
    assert (table.ids("id").to_list(), table.text("x").to_list()) == (["1", str(2**40)], [None, "a"])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "log: the folder holds no .parquet file; expected the parts of a table"),
        (
            {"a": pl.DataFrame({"id": [1]}), "b": pl.DataFrame({"key": [1]})},
            "log: the part part-b.snappy.parquet has the columns key; expected id as the first part",
        ),
        (
            {"a": pl.DataFrame({"id": [1]}), "b": pl.DataFrame({"id": [[1]]})},
            "log: column 'id' is of other types in other parts (Int64, List(Int64)); expected one",
        ),
    ],
)
def test_folders_that_are_no_table_are_refused(tmp_path: Path, parts: dict[str, pl.DataFrame], message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_table(write_parts(tmp_path / "log", **parts), ("id",))
    assert str(refused.value) == f"{tmp_path}/{message}"


def test_a_column_in_a_folder_s_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log" / "year=2020").mkdir(parents=True)
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "log" / "year=2020" / "a.parquet")
    with pytest.raises(
        InputError, match=r"the part year=2020/a.parquet has a column in its folder's name; expected all columns"
    ):
        read_table(tmp_path / "log", ("id",))
