from pathlib import Path

import pytest

from darlr.errors import InputError
from tests.data.plausibility.folders import load, notes_of


def items(name: str, *cells: str) -> str:
    return f"item_id,{name}\n" + "".join(f"{number},{cell}\n" for number, cell in zip((10, 20, 30), cells, strict=True))


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("price", ("1.5", "NaN", "3.5"), "items.csv: column 'price' is read as numbers, and 'NaN' as missing"),
        (
            "zip",
            ("02139", "90210", "02140"),
            "items.csv: column 'zip' is read as numbers, though '02139', '02140' begin with 0; if they are "
            "codes, declare it as coded "
            "('features')",
        ),
        (
            "brand_id",
            ("1871", "4", "77"),
            "items.csv: column 'brand_id' is read as quantities, though its name is that of codes; if they are "
            "codes, declare it as "
            "coded ('features')",
        ),
        (
            "maker",
            ("acme", "nan", "acme"),
            "items.csv: column 'maker': 'nan' is a value like any other; leave cells blank where there is none",
        ),
        (
            "maker",
            ("Acme", "ACME", "other"),
            "items.csv: column 'maker': 1 value in several spellings, as 'Acme', 'ACME', each a code of its own",
        ),
        ("maker", ("", "", ""), "items.csv: column 'maker' is blank throughout"),
        ("year", ("1999", "1999", "1999"), "items.csv: column 'year' is the same in every row, so it says nothing"),
    ],
)
def test_doubtful_features_are_noted(tmp_path: Path, name: str, cells: tuple[str, str, str], note: str) -> None:
    assert note in notes_of(tmp_path, items=items(name, *cells))


@pytest.mark.parametrize(
    ("ages", "note"),
    [
        ((21, 35, 62, 44, 999, 999), "999 stands in 2 rows, far from the others (21..62)"),
        ((21, 35, 62, 44, -1, -1), "-1 stands in 2 rows, far from the others (21..62)"),
        ((-5, 3, 12, 7, -9999, -9999), "-9999 stands in 2 rows, far from the others (-5..12)"),
        ((21, 35, 62, 44, 999, 63), None),  # once
        ((0, -1, -1, -2, 1, 2), None),  # one number among others
        ((21, 95, 62, 44, 99, 99), None),  # the oldest people
        ((700, 650, 998, 1000, 999, 999), None),
        ((0, 0, 1, 1, -1, -1), None),  # three answers
    ],
)
def test_a_number_that_may_stand_for_missing_is_noted(tmp_path: Path, ages: tuple[int, ...], note: str | None) -> None:
    users = "user_id,age\n" + "".join(f"{number},{age}\n" for number, age in enumerate(ages, start=1))
    found = [line for line in notes_of(tmp_path, users=users) if "far from the others" in line]
    if note is None:
        assert found == []
    else:
        assert found == [f"users.csv: column 'age': {note}; leave cells blank where there is none"]


def test_a_code_for_every_row_is_noted(tmp_path: Path) -> None:
    users = "user_id,name\n" + "".join(f"{number},person {number}\n" for number in range(1, 13))
    assert (
        "users.csv: column 'name' has 12 codes in 12 rows, so that it tells rows apart as ids do; declare it "
        "as ignored ('features') if "
        "it is a title or the like"
    ) in notes_of(tmp_path, users=users)


def test_every_feature_has_a_figure(tmp_path: Path) -> None:
    text = "item_id,price,maker\n10,1.5,acme\n20,-,bolt\n30,3.5,acme\n"
    assert load(tmp_path, items=text).findings.figures[1:] == (
        ("items.csv: feature 'price'", "numeric, 1.5..3.5, 33% missing"),
        ("items.csv: feature 'maker'", "coded, 2 values, 0% missing; commonest: acme 2, bolt 1"),
    )


TABLE = "item_id,brand_id,title,price\n10,7,A,1\n20,8,B,2\n30,7,C,\n"


def test_features_are_read_as_they_are_declared(tmp_path: Path) -> None:
    loaded = load(tmp_path, said="features: {coded: [brand_id], ignored: [title], numeric: [price]}", items=TABLE)
    features = loaded.dataset.items.features
    assert (features.code_names, features.codes.tolist(), features.numeric_names) == (
        ("brand_id",),
        [[0], [1], [0]],
        ("price",),
    )
    assert features.numeric[:, 0].tolist() == [-1.0, 1.0, 0.0]
    assert not any("brand_id" in note or "title" in note for note in loaded.findings.notes)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("coded: [brand]", "dataset.yaml: key 'features': unknown column 'brand'; did you mean 'brand_id'?"),
        ("ignored: [item_id]", "dataset.yaml: key 'features': unknown column 'item_id'"),
        ("coded: [title], ignored: [title]", "dataset.yaml: key 'features' names column 'title' 2 times; expected each once"),
        ("numeric: [title]", "items.csv: line 2, column 'title' holds 'A'; expected a finite number"),
        ("code: [title]", "unknown config key 'features.code'; did you mean 'features.coded'?"),
        ("coded: title", "config key 'features.coded' is 'title'; expected a list"),
    ],
)
def test_declarations_that_cannot_be_are_refused(tmp_path: Path, said: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, said=f"features: {{{said}}}", items=TABLE)
    assert message in str(refused.value)
