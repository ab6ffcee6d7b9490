from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from darlr.data.parsing.categories import NO_CATEGORY, names_of, read_categories
from darlr.data.parsing.missing import OF_PROGRAMS
from darlr.data.parsing.tables import table_of
from darlr.data.plausibility.logs import notes
from darlr.errors import InputError
from tests.data.plausibility.folders import load, notes_of


def items(*cells: str) -> str:
    quoted = (cell.replace('"', '""') for cell in cells)
    return "item_id,categories\n" + "".join(f'{number},"{cell}"\n' for number, cell in zip((10, 20, 30), quoted, strict=True))


@pytest.mark.parametrize(
    "cell",
    [
        "['Action', 'Comedy']",
        "['Action' 'Comedy']",
        '["Action", "Comedy"]',
        "[27, 9]",
        "[9]",
        "[]",
        " [27]",
        "{'a', 'b'}",
        '[{"id": 28, "name": "Action"}]',
        '{"Action": 1}',
        "('Action', 'Comedy')",
        "array(['Action'])",
        "frozenset({'a'})",
        "np.array([1, 2])",
        "'Action', 'Comedy'",
        '"Action", "Comedy"',
        "[a|b]",
    ],
)
def test_a_list_as_a_program_prints_it_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, items=items("x", cell, "y"))
    assert str(refused.value) == (
        f"{tmp_path}/items.csv: line 3, column 'categories' holds '{cell}'; expected names joined by '|', not "
        "a list as a program "
        "prints it"
    )


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (("Action, Comedy", "Comedy", "Action, Drama"), ","),
        (("Action,Comedy", "Drama,Action", "x"), ","),
        (("Action;Comedy", "Comedy", "Drama"), ";"),
        (("Action; Comedy", "Drama; Comedy", ""), ";"),
        (("27,9", "9", "27"), ","),
        (("a\tb", "b", "c"), "tab"),
    ],
)
def test_names_joined_by_another_separator_are_refused(tmp_path: Path, cells: tuple[str, str, str], separator: str) -> None:
    with pytest.raises(
        InputError,
        match=rf"items.csv: line 2, column 'categories' holds .*; expected names joined by '\|', not by '{separator}'$",
    ):
        load(tmp_path, items=items(*cells))


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (
            ("Arts, Crafts & Sewing", "Clothing, Shoes", "x"),
            "items.csv: column 'categories': 2 names with ',', as 'Arts, Crafts & Sewing', ...; each is read as one category",
        ),
        (("a, b|c", "b", "c"), "items.csv: column 'categories': 1 name with ',', as 'a, b'; each is read as one category"),
        (
            ("Action/Comedy", "Comedy", "x"),
            "items.csv: column 'categories': 1 name with '/', as 'Action/Comedy'; each is read as one category",
        ),
        (
            ("a > b", "a > c", "x"),
            "items.csv: column 'categories': 2 names with '>', as 'a > b', ...; each is read as one category",
        ),
        (
            ("Unknown", "a", "b"),
            "items.csv: column 'categories': 'Unknown' is a category like any other; leave cells blank where there is none",
        ),
        (
            ("Action", "action", "b"),
            "items.csv: column 'categories': 1 name in several spellings, as 'Action', 'action', each a category of its own",
        ),
        (
            ("Sci-Fi", "x", "Sci\u2060-Fi"),
            "items.csv: column 'categories': 1 name in several spellings, as 'Sci-Fi', 'Sci\u2060-Fi', each a "
            "category of its own",
        ),
        (("", "", ""), "items.csv: column 'categories' is blank throughout"),
        (("a", "b", "c|d"), "no two items share any of the 4 categories ('a', 'b', 'c', ...), so no items are alike"),
        (("a", "a|b", "a"), "every item has the category 'a', so all items are alike"),
    ],
)
def test_doubtful_names_are_noted(tmp_path: Path, cells: tuple[str, str, str], note: str) -> None:
    assert note in notes_of(tmp_path, items=items(*cells))


@pytest.mark.parametrize("word", [*OF_PROGRAMS, *NO_CATEGORY, "None", "N/A", "(No Genres Listed)", " nan "])
def test_words_for_none_are_no_category(tmp_path: Path, word: str) -> None:
    loaded = load(tmp_path, items=items(word, "Comedy", f"Comedy|{word}"))
    assert loaded.dataset.items.category_names == ("Comedy",)
    assert loaded.dataset.items.categories.tolist() == [[-1], [0], [0]]
    assert f"items.csv: column 'categories': 2 cells with '{word.strip()}', read as no category" in notes(loaded)


def test_usual_names_are_not_noted(tmp_path: Path) -> None:
    assert (
        load(tmp_path, items=items("Sci-Fi|Action & Adventure", "Action & Adventure", "R&B/Soul|Sci-Fi")).findings.notes == ()
    )


@pytest.mark.parametrize("names", [[["b", "a"], [], ["a", None]], [[2, 1], None, [1]]])
def test_a_list_column_is_read_as_it_is(names: list[Any]) -> None:
    table = table_of("items", pl.DataFrame({"item_id": [10, 20, 30], "categories": names}), ("item_id",))
    codes, read = read_categories(names_of(table), np.arange(3), 3)
    assert (len(read), codes.tolist()) == (2, [[1, 0], [-1, -1], [0, -1]])
