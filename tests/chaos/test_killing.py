"""A few of the kills of `make chaos`."""

from pathlib import Path

from tests.runs import output_of


def test_a_run_that_is_killed_at_random_moments_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    program = f"""
        import random
        from pathlib import Path
        from tests.chaos.killing import WORKS, disturb, undisturbed, warm_up

        root = Path({str(tmp_path)!r})
        warm_up(root / "warm")
        expected, seconds = undisturbed(WORKS[0], root / "undisturbed")
        assert len(expected) >= 3
        print(disturb(WORKS[0], root / "killed", expected, seconds, random.Random(0), 3))
        """
    assert int(output_of(program)) <= 3


def test_other_numbers_are_noticed(tmp_path: Path) -> None:
    """The comparison itself can fail."""
    program = f"""
        import random
        from pathlib import Path
        from tests.chaos.killing import WORKS, ChaosError, disturb, warm_up

        warm_up(Path({str(tmp_path)!r}) / "warm")
        try:
            disturb(WORKS[0], Path({str(tmp_path)!r}) / "out", {{"another": 1}}, 0.0, random.Random(0), 0)
        except ChaosError as error:
            print(error)
        """
    assert "is not what it is without" in output_of(program)
