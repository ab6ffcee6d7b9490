"""`darlr serve`: its errors before it listens."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "2"], "2 workers do not share their memory; expected --sessions redis://HOST:PORT/NUMBER, or none"),
        (["--workers", "2", "--sessions", "none", "--watch", "0"], "--watch is 0; expected more than 0 with 2 workers"),
        (["--workers", "0"], "--workers is 0; expected at least 1"),
        (["--sessions", "disk"], "sessions is 'disk'; expected memory, none or redis://HOST:PORT/NUMBER"),
        (["--keys", "nowhere"], "nowhere: no such file"),
        (["--timeout", "0"], "timeout is 0.0; expected at least 0.001"),
        (["--most-count", "0"], "most-count is 0; expected at least 1"),
        (["--port", "70000"], "--port is 70000; expected 0 to 65535"),
    ],
)
def test_options_that_cannot_be_served_are_refused_in_one_line(
    darlr: Command, run: Path, options: list[str], told: str
) -> None:
    ended = darlr("serve", run, *options)
    assert (ended.code, ended.out) == (2, "")
    [line] = ended.err.splitlines()
    assert told in line


def test_what_is_no_run_is_refused(darlr: Command, tmp_path: Path) -> None:
    ended = darlr("serve", tmp_path)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "not a darlr run (config.yaml missing)" in ended.err
