"""Processes that are killed in the middle of their work."""

import signal
import subprocess
import sys
import textwrap


def start(program: str) -> subprocess.Popen[str]:
    """Run a Python program until it prints 'ready'."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()
