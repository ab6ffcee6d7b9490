"""Error messages, and exit codes of the process."""

import pytest

from darlr.errors import DarlrError, InputError, RunError, unknown


def test_exit_codes() -> None:
    assert (InputError.exit_code, RunError.exit_code) == (2, 3)
    assert issubclass(InputError, DarlrError)
    assert issubclass(RunError, DarlrError)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("drol", "unknown method 'drol'; did you mean 'dorl'? (known: darlr, dorl, mbpo)"),
        ("zzzz", "unknown method 'zzzz' (known: darlr, dorl, mbpo)"),
        ("", "unknown method '' (known: darlr, dorl, mbpo)"),
    ],
)
def test_unknown_suggests_the_nearest_name(given: str, message: str) -> None:
    assert str(unknown("method", given, ["mbpo", "dorl", "darlr"])) == message
