from typing import Any

import pytest

from darlr.errors import InputError
from darlr.world_model.factors.settings import FactorSettings


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("size", -1, "0 or more, or none"),
        ("link", "probit", "'auto', 'identity' or 'log'"),
        ("activity_exponent", -0.5, "0 to 10, or none"),
        ("selection_exponent", float("nan"), "0 to 10, or none"),
        ("sweeps", 0, "at least 1"),
        ("tolerance", -1e-3, "0 or more"),
        ("held_out", 1.0, "between 0 and 1"),
    ],
)
def test_limits(key: str, value: Any, expected: str) -> None:
    with pytest.raises(InputError, match=f"'factors.{key}'.*{expected}"):
        FactorSettings(**{key: value})


def test_edges_are_allowed() -> None:
    FactorSettings(size=0, activity_exponent=0.0, selection_exponent=10.0, sweeps=1, tolerance=0.0)
