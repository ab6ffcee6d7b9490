"""Raw ids and their positions."""

import tracemalloc

import polars as pl
import pytest

from darlr.data.parsing.vocabulary import Vocabulary

SHORT = [f"https://shop.example/p/{number}" for number in range(20_000)]


def peak(texts: list[str]) -> int:
    """Return the peak memory of Python and numpy while the vocabulary of `texts` is made."""
    column = pl.Series("id", texts)
    tracemalloc.start()
    try:
        vocabulary = Vocabulary.union(column)
        assert len(Vocabulary.of(vocabulary.ids)) == len(set(texts))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("letter", ["a", "ä", "漢"])
def test_a_long_id_costs_its_own_length(letter: str) -> None:
    assert peak([*SHORT, letter * 5_000]) - peak(SHORT) < 100_000


def test_ids_of_text_are_pythons_own() -> None:
    ids = Vocabulary.union(pl.Series("id", ["b", "a" * 300, "1"])).ids
    assert ids.tolist() == ["1", "a" * 300, "b"]
    assert all(type(raw) is str for raw in ids)
