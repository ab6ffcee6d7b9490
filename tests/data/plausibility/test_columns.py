from pathlib import Path

import pytest

from darlr.errors import InputError
from tests.data.plausibility.folders import LOG, load, notes_of


def with_column(header: str) -> str:
    first, *rows = LOG.splitlines()
    return "\n".join([f"{first},{header}", *(f"{row},{number}" for number, row in enumerate(rows))]) + "\n"


@pytest.mark.parametrize("header", ["Timestamp", "time", "ts", "date", "TIMESTAMP", "timestamp ", "datetime", "created_at"])
def test_a_time_under_another_name_is_asked_about(tmp_path: Path, header: str) -> None:
    loaded = load(tmp_path, interactions=with_column(header))
    assert loaded.dataset.log.times is None
    assert loaded.findings.notes == (f"interactions.csv: column '{header}' is not read; did you mean 'timestamp'?",)


@pytest.mark.parametrize("header", ["Categories", "category", "genres", "Genre", "tags", "CATEGORIES"])
def test_categories_under_another_name_are_asked_about(tmp_path: Path, header: str) -> None:
    loaded = load(tmp_path, items=f"item_id,{header}\n10,a\n20,a|b\n30,b\n")
    assert loaded.dataset.items.features.code_names == (header,)
    assert f"items.csv: column '{header}' is read as a feature; did you mean 'categories'?" in loaded.findings.notes


def test_a_feature_with_joined_names_may_be_the_categories(tmp_path: Path) -> None:
    loaded = load(tmp_path, items="item_id,stichwort\n10,a\n20,a|b\n30,b\n")
    assert loaded.findings.notes == ("items.csv: column 'stichwort' is read as a feature; did you mean 'categories'?",)
    loaded = load(tmp_path, items="item_id,categories,stichwort\n10,a,x\n20,a,x|y\n30,b,y\n")
    assert loaded.findings.notes == ()


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    first, *rows = LOG.splitlines()
    log = "\n".join([first + ",device,screen", *(row + ",phone,1" for row in rows)])
    assert notes_of(tmp_path, interactions=log)[0] == "interactions.csv: columns 'device', 'screen' are not read"


@pytest.mark.parametrize("header", ["", "Unnamed: 0", "__index_level_0__", "index", "level_0", "...1"])
def test_what_pandas_writes_of_an_index_is_no_feature(tmp_path: Path, header: str) -> None:
    loaded = load(tmp_path, items=f"{header},item_id,price\n0,10,1.5\n1,20,2.5\n2,30,3.5\n")
    features = loaded.dataset.items.features
    assert (features.numeric_names, features.code_names) == (("price",), ())
    assert f"items.csv: column '{header}' only numbers the rows and is no feature" in loaded.findings.notes


@pytest.mark.parametrize(
    ("header", "column", "guess"),
    [
        ("userId,item_id,reward", "user_id", "userId"),
        ("user_id,movieId,reward", "item_id", "movieId"),
        ("user_id,item_id,Rating", "reward", "Rating"),
    ],
)
def test_a_required_column_under_another_name_is_asked_about(tmp_path: Path, header: str, column: str, guess: str) -> None:
    with pytest.raises(InputError, match=rf"column '{column}' is missing; expected it beside .*; did you mean '{guess}'\?$"):
        load(tmp_path, interactions=LOG.replace("user_id,item_id,reward", header))
