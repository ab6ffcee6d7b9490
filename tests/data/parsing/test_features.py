import numpy as np
import polars as pl
import pytest

from darlr.data.parsing.features import features_from, standardise


def test_numeric_columns_are_z_scored_with_blanks_at_the_mean() -> None:
    assert standardise(np.array([1.0, 3.0, np.nan])).tolist() == [-1.0, 1.0, 0.0]
    assert standardise(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]
    assert standardise(np.array([np.nan])).tolist() == [0.0]


def test_a_column_with_one_word_is_coded() -> None:
    features = features_from(pl.DataFrame({"n": ["1", "", "3"], "w": ["1", "x", None], "b": ["", None, ""]}))
    assert features.numeric_names == ("n",)
    assert features.numeric[:, 0].tolist() == pytest.approx([-1.0, 0.0, 1.0])
    assert (features.code_names, features.code_sizes) == (("w", "b"), (3, 1))
    assert features.codes.tolist() == [[1, 0], [2, 0], [0, 0]]
