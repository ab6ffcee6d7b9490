"""`darlr generate`, and what it writes in the commands that read it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

WORLD = ("--users", "3e2", "--items", "120", "--rows", "6e3", "--test-users", "40", "--test-items", "60", "--seed", "1")


def test_a_generated_world_is_checked_and_learned_from(darlr: Command, small: list[str]) -> None:
    made = darlr("generate", "world", *WORLD)
    assert (made.code, made.out) == (0, "world: 300 users, 120 items, 6,000 rows; next: darlr check world\n")
    checked = darlr("check", "./world")
    assert checked.code == 0, checked.err
    assert "40 x 60" in checked.out
    settings = [word for pair in small[1::2] if not pair.startswith("synthetic.") for word in ("--set", pair)]
    trained = darlr("train", "--dataset", "./world", "--method", "bayes-adaptive", *settings)
    assert trained.code == 0, trained.err
    assert list(Path("runs").rglob("summary.json"))


def test_refusals_are_one_line(darlr: Command) -> None:
    assert darlr("generate", "world", *WORLD).code == 0
    again = darlr("generate", "world", *WORLD)
    assert (again.code, again.err) == (2, "darlr: world: is there already; expected the name of a new folder\n")
    many = darlr("generate", "other", "--users", 100, "--rows", "1e6")
    assert many.code == 2
    assert "--rows is 1000000; expected from 100 to 50,000" in many.err


@pytest.mark.parametrize("count", ["1.5", "1e0.5", "2.5e0", "-3", "1e-3", "many", "1e999"])
def test_counts_are_whole_numbers(darlr: Command, count: str) -> None:
    refused = darlr("generate", "world", "--users", count)
    assert refused.code == 2
    assert "no whole number" in refused.out + refused.err or "Unrecognized" in refused.out + refused.err
