from typing import Any

import pytest

from darlr.errors import InputError
from darlr.world_model.factors.settings import FactorSettings, SelectionConfig


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("size", -1, "from 0 to 10,000"),
        ("activity_exponent", -0.5, "from 0 to 10"),
        ("sweeps", 0, "from 1 to"),
        ("tolerance", -1e-3, "from 0 to"),
        ("held_out", 1.0, "between 0 and 1"),
    ],
)
def test_limits(key: str, value: Any, expected: str) -> None:
    with pytest.raises(InputError, match=f"'factors.{key}'.*{expected}"):
        FactorSettings(**{key: value})


def test_edges_are_allowed() -> None:
    FactorSettings(size=0, activity_exponent=0.0, sweeps=1, tolerance=0.0)
    SelectionConfig(exponent=10.0)


def test_the_exponent_of_selection_has_limits() -> None:
    with pytest.raises(InputError, match=r"'selection\.exponent' is nan; expected from 0 to 10"):
        SelectionConfig(exponent=float("nan"))
