from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.tables import read_table
from darlr.data.parsing.times import EXPECTED_TIME, seconds_of
from darlr.errors import InputError

NOON = datetime(2020, 7, 5, 12, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2020-07-05T12:30:00Z", NOON),
        ("2020-07-05 12:30:00", NOON),
        ("2020-07-05T12:30", NOON),
        ("2020-07-05T12:30:00.250+00:00", NOON + 0.25),
        ("2020-07-05T14:30:00+02:00", NOON),
        ("2020-07-05T14:30:00+0200", NOON),
        ("2020-07-05T14:30:00+02", NOON),
        ("2020-07-05 09:00:00 -03:30", NOON),
        ("2020-07-05 12:30:00 UTC", NOON),
        ("2020-07-05T12:30:00,5z", NOON + 0.5),
        ("2020-07-05", NOON - 12.5 * 3600),
        ("1969-12-31T23:59:59.5Z", -0.5),
    ],
)
def test_dates_become_seconds(text: str, seconds: float) -> None:
    assert seconds_of(pl.Series([text])).to_list() == [seconds]


@pytest.mark.parametrize(
    "text",
    ["", "5", "yesterday", "2020-13-01", "2020-02-30", "2020-07-05T25:00", "2020-07-05T12:60", "05.07.2020", "07/05/2020"],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert seconds_of(pl.Series([text, None])).to_list() == [None, None]


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    minutes=st.integers(-720, 840),
    separator=st.sampled_from(["T", " "]),
)
def test_what_python_writes_is_read(moment: datetime, minutes: int, separator: str) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert seconds_of(pl.Series([zoned.isoformat(separator)])).item() == pytest.approx(zoned.timestamp(), abs=1e-5)


@pytest.mark.parametrize(
    ("cells", "line", "cell"),
    [
        (["2020-07-05", "soon", "2020-07-06"], 3, "soon"),
        (["5", "6", "soon"], 4, "soon"),
        (["2020-07-05", "2020-07-06", "7"], 4, "7"),
    ],
)
def test_a_column_is_dates_or_numbers_throughout(tmp_path: Path, cells: list[str], line: int, cell: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("timestamp\n" + "".join(f"{text}\n" for text in cells))
    with pytest.raises(InputError) as refused:
        read_table(path, ("timestamp",)).times("timestamp")
    assert str(refused.value) == f"{path}: line {line}, column 'timestamp' holds '{cell}'; expected {EXPECTED_TIME}"
