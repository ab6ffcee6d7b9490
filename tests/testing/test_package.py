"""The suites also work at a prompt: they need neither pytest nor other packages for darlr's tests."""

import darlr.testing
from tests.runs import output_of


def test_needs_no_test_runner() -> None:
    program = """
        import sys

        for name in ("pytest", "hypothesis", "optuna", "tests"):
            sys.modules[name] = None  # importing it fails
        import darlr.testing

        print(*darlr.testing.__all__)
        """
    assert output_of(program).split() == darlr.testing.__all__
