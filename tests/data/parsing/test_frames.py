from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from darlr.data.parsing.frames import frame_of, hash_frame
from darlr.errors import InputError

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
COLUMNS: dict[str, list[Any]] = {
    "id": ["a", None, "c"],
    "whole": [1, 2, 3],
    "number": [1.5, None, 2.5],
    "flag": [True, False, True],
    "time": [NOON, None, NOON],
}
READ = pl.DataFrame({**COLUMNS, "time": [NOON.timestamp(), None, NOON.timestamp()]})


def test_polars_frames_have_nan_as_blank_times_in_seconds_and_categories_as_text() -> None:
    given = pl.DataFrame({**COLUMNS, "number": [1.5, float("nan"), 2.5]}).with_columns(pl.col("id").cast(pl.Categorical))
    assert frame_of(given, "log").equals(READ)


def test_arrow_tables_are_read() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(COLUMNS)
    assert frame_of(table, "log").equals(READ)
    assert frame_of(table.to_batches()[0], "log").equals(READ)


def test_whatever_offers_arrow_streams_is_read() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pl.DataFrame({"a": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert frame_of(Stream(), "log").equals(pl.DataFrame({"a": [1, 2]}))


def test_pandas_frames_are_read_whatever_backs_their_columns() -> None:
    pandas = pytest.importorskip("pandas")
    plain = pandas.DataFrame(COLUMNS)
    assert frame_of(plain, "log").equals(READ)
    assert frame_of(plain.convert_dtypes(), "log").equals(READ)
    assert frame_of(plain.astype({"id": "category", "whole": "Int64"}), "log").equals(READ)
    assert frame_of(plain.astype({"id": object}).set_index([[7, 8, 9]]), "log").equals(READ)


def test_pandas_columns_of_arrow_are_read() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    typed = pandas.DataFrame(COLUMNS).astype({"whole": "int64[pyarrow]", "number": "double[pyarrow]"})
    assert frame_of(typed, "log").equals(READ)


@pytest.mark.parametrize(
    "given", [{"a": [1]}, [[1]], None, "log.csv", pl.LazyFrame({"a": [1]})], ids=lambda x: type(x).__name__
)
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=rf"^log is a {type(given).__name__}; expected a pandas, polars or pyarrow table$"):
        frame_of(given, "log")


def test_pandas_columns_that_cannot_be_read_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    for given, message in (
        (
            pandas.DataFrame({"a": [1, "x"]}, dtype=object),
            "log: column 'a' holds values of type int, str; expected numbers or text",
        ),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "log: column 'a' stands twice; expected each once"),
        (pandas.DataFrame([[1, 2]]), "log: a column is called 0; expected names that are text"),
    ):
        with pytest.raises(InputError) as refused:
            frame_of(given, "log")
        assert str(refused.value) == message


def test_the_hash_depends_on_names_values_and_order_alone() -> None:
    frame = pl.DataFrame({"id": ["a", "bc"], "x": [1, 2], "y": [0.5, None]})
    same = frame.with_columns(pl.col("x").cast(pl.Int16), pl.col("id").cast(pl.Categorical))
    assert hash_frame(frame) == hash_frame(same)
    others = [
        frame.reverse(),
        frame.select("x", "id", "y"),
        frame.rename({"x": "z"}),
        frame.with_columns(x=pl.Series([1, 3])),
        frame.with_columns(id=pl.Series(["ab", "c"])),
        frame.with_columns(y=pl.Series([0.5, 0.0])),
        frame.head(1),
    ]
    assert len({hash_frame(other) for other in (frame, *others)}) == 1 + len(others)
