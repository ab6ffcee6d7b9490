"""Closed pipes: a reader of the output that is gone ends a command, a worker that is gone does not."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from darlr.cli.terminal.pipes import end_with_reader, outliving_readers
from tests.sweep.grids import write_small

# A process that is gone before it is handed its job, whichever command starts it.
PROGRAM = """
import subprocess, sys
from darlr.cli.main import main
from darlr.sweep import pool

class Gone(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__([sys.executable, "-c", "raise SystemExit(5)"], **options)
        self.wait()

pool.subprocess.Popen = Gone
main()
"""


def fail_inside() -> None:
    with outliving_readers():
        assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
        raise BrokenPipeError


def test_readers_are_outlived_inside_the_block_alone() -> None:
    handler = signal.getsignal(signal.SIGPIPE)
    try:
        end_with_reader()
        with pytest.raises(BrokenPipeError):
            fail_inside()
        assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGPIPE, handler)


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["sweep", "grid.yaml"], "darlr: 1 of 1 cell failed; the same command tries them again"),
        pytest.param(
            ["tune", "--method", "mbpo", "--trials", "1"],
            "darlr: 1 of 1 trials have not ended: trial 1: its process ended with",
            marks=pytest.mark.slow,  # the same pool of processes
        ),
    ],
)
def test_a_worker_that_is_gone_at_once_is_told_as_any_other(tmp_path: Path, arguments: list[str], last: str) -> None:
    write_small(tmp_path / "grid.yaml", methods=["mbpo"])
    command = [sys.executable, "-c", PROGRAM, *arguments, "--workers", "1"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "its process ended with exit code 5 and no result" in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(last)
    assert "Traceback" not in ended.stderr
