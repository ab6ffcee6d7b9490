"""`python -m benchmarks.growth`: its exponents."""

import pytest
from benchmarks.growth import PHASES, Cost, Size, axes_of, tell_exponents


def test_exponents_are_those_of_the_law_that_costs_follow(capsys: pytest.CaptureFixture[str]) -> None:
    axes = axes_of(Size(300, 30, 9_000))
    sizes = {size for curve in axes.values() for size in curve}
    costs = {size: Cost(size.users**0.5 * size.rows, 200 + size.items**2.0, 200) for size in sizes}
    tell_exponents({size: dict.fromkeys(PHASES, cost) for size, cost in costs.items()}, axes)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  in ")]
    assert [(line[1], set(line[2:])) for line in lines] == [
        ("users", {"0.50"}),
        ("items", {"0.00"}),
        ("rows", {"1.00"}),
        ("users", {"0.00"}),
        ("items", {"2.00"}),
        ("rows", {"0.00"}),
    ]
