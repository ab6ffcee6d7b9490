import polars as pl
import pytest

from darlr.data.parsing.headers import meant, numbers_rows

OTHER_NAMES = {
    "timestamp": [
        "Timestamp",
        "TIMESTAMP",
        " timestamp",
        "time_stamp",
        "time",
        "ts",
        "date",
        "datetime",
        "Event Time",
        "createdAt",
    ],
    "categories": ["Categories", "category", "genres", "Genre", "tags", "catagories", "categories "],
    "user_id": ["userId", "UserID", "user", "uid", "customer_id", "USER ID", "visitorid", "reviewerID", "\ufeffuser_id"],
    "item_id": ["movieId", "video_id", "asin", "ItemID", "product", "iid", "track_id", "sku"],
    "reward": ["rating", "Stars", "score", "label", "is_click", "Reward", "watch_ratio", "rewards", "rewrd"],
}


@pytest.mark.parametrize(("name", "header"), [(name, header) for name, headers in OTHER_NAMES.items() for header in headers])
def test_other_spellings_and_synonyms_are_suggested(name: str, header: str) -> None:
    assert meant(name, ["colour", header]) == header


@pytest.mark.parametrize("header", ["price", "colour", "title", "age", "", "length"])
def test_other_columns_are_not(header: str) -> None:
    assert [meant(name, [header]) for name in ("timestamp", "categories", "user_id", "item_id", "reward")] == [None] * 5


@pytest.mark.parametrize("header", ["", " ", "Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "level_0", "...1", "_c0"])
def test_columns_without_a_name_number_rows(header: str) -> None:
    assert numbers_rows(pl.Series(header, ["x", "y"]))


def test_an_index_is_one_by_its_content() -> None:
    assert numbers_rows(pl.Series("index", ["0", "1", "2"]))
    assert numbers_rows(pl.Series("row_number", [1, 2, 3]))
    assert not numbers_rows(pl.Series("index", [3, 1, 2]))
    assert not numbers_rows(pl.Series("index", ["a", "b", "c"]))
    assert not numbers_rows(pl.Series("age", [0, 1, 2]))
