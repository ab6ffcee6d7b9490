"""The command line in its own process, with packages of the test on its path."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from darlr.config.loading import merge
from tests.runs import REPOSITORY, SMALL, SMALL_WORLD

# Runs one command after the other: what takes long is to load torch, and no test is about that.
PROGRAM = """
import contextlib, io, json, sys
from darlr.cli.main import main

for line in sys.stdin:
    sys.argv = ["darlr", *json.loads(line)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


class Home:
    """A folder in which commands run and find the test's packages before all others; its process ends with the `with` block."""

    def __init__(self, folder: Path, packages: Sequence[Path]) -> None:
        self.folder = folder
        self.packages = packages
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.communicate()

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run Python with `arguments`."""
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, check=False, cwd=self.folder, env=self._environment, capture_output=True, text=True)

    def darlr(self, *arguments: object) -> str:
        """Return the output of `darlr` with `arguments`, which must succeed."""
        code, out, err = self._run(*arguments)
        assert code == 0, err
        return out

    def refused(self, *arguments: object) -> str:
        """Return the one line with which `darlr` refuses `arguments`."""
        code, _, err = self._run(*arguments)
        assert code == 2, err
        [line] = err.splitlines()
        return line

    @property
    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([*map(str, self.packages), os.environ.get("PYTHONPATH", str(REPOSITORY / "src"))])
        return os.environ | {"PYTHONPATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}

    def _run(self, *arguments: object) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error of `darlr` with `arguments`."""
        if self._process is None:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            command = [sys.executable, "-c", PROGRAM]
            self._process = subprocess.Popen(command, cwd=self.folder, env=self._environment, **pipes)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([str(argument) for argument in arguments]), file=self._process.stdin, flush=True)
        code, out, err = json.loads(self._process.stdout.readline())
        return code, out, err


def small_settings(dataset: str, changes: Mapping[str, Any] | None = None) -> list[str]:
    """Options `--set` of a run of about a second."""
    values = merge(merge(SMALL, SMALL_WORLD if dataset == "synthetic" else {}), changes or {})
    del values["method"]
    pairs = (f"{part}.{key}={value}" for part, section in values.items() for key, value in section.items())
    return [word for pair in pairs for word in ("--set", pair)]
