from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.ids import KnownIds, folded

WHOLE = KnownIds(np.array([7, 108, -3, 10800]))
TEXT = KnownIds(np.array(["ann", "Zoë", "007", "https://shop.example/p/1"], dtype=object))


@pytest.mark.parametrize("raw", [108, "108", np.int64(108), np.str_("108"), 108.0, "108.0", np.float32(108)])
def test_a_whole_number_is_meant_by_its_digits_and_its_decimals(raw: Any) -> None:
    assert WHOLE.find(raw) == 1


@pytest.mark.parametrize(
    "raw", ["+108", "0108", "1_0_8", "١٠٨", "１０８", " 108", "108\u200b", "1.08e2", True, None, 108.5, "108.5", [108], "nan"]
)
def test_other_spellings_are_unknown(raw: Any) -> None:
    assert WHOLE.find(raw) is None


@pytest.mark.parametrize(
    "raw",
    ["+108", "0108", "١٠٨", "１０８", " 108", "108\u200b", "\ufeff108", "1.08e2", "1.08E+02", "'108'", "b'108'", "108."],
)
def test_the_id_that_they_spell_is_suggested(raw: Any) -> None:
    assert WHOLE.nearest(raw) == 108
    assert WHOLE.hint(raw) == "; did you mean 108?"


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("Ann", "ann"), ("ANN ", "ann"), ("Zoe\u0308", "Zoë"), ("ZOË", "Zoë"), (7, "007"), ("7.0", "007"), ("bob", None)],
)
def test_texts_are_suggested_likewise(raw: Any, meant: str | None) -> None:
    assert TEXT.find(raw) is None
    assert TEXT.nearest(raw) == meant


def test_numbers_that_are_others_suggest_nothing() -> None:
    assert WHOLE.hint(109) == ""
    assert WHOLE.nearest("10,800") == 10800


@given(number=st.integers(-(2**63), 2**63 - 1), zeros=st.integers(0, 3), decimals=st.sampled_from(["", ".", ".0", ".00"]))
def test_spellings_of_an_integer_share_its_key(number: int, zeros: int, decimals: str) -> None:
    spelled = f"{'-' if number < 0 else ''}{'0' * zeros}{abs(number)}{decimals}"
    assert folded(pl.Series([spelled, str(number)])).n_unique() == 1


@given(text=st.text(max_size=8), other=st.text(max_size=8))
def test_folding_leaves_other_numbers_apart(text: str, other: str) -> None:
    keys = folded(pl.Series([text, other, "12", "13", "1.5"])).to_list()
    assert len(keys) == 5
    assert len(set(keys[2:])) == 3


@given(ids=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
def test_every_id_is_found(ids: list[str]) -> None:
    known = KnownIds(np.array(ids, dtype=object))
    assert [known.find(raw) for raw in ids] == list(range(len(ids)))
