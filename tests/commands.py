"""The command line in a process of its own, with packages of the test's own on its path."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darlr.config.loading import merge
from tests.runs import REPOSITORY, SMALL, SMALL_WORLD


@dataclass(frozen=True)
class Home:
    """Where commands run, and where they find packages before all others."""

    folder: Path
    packages: Sequence[Path]

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run Python with `arguments`."""
        path = os.pathsep.join([*map(str, self.packages), os.environ.get("PYTHONPATH", str(REPOSITORY / "src"))])
        wide = {"PYTHONPATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, check=False, cwd=self.folder, env=os.environ | wide, capture_output=True, text=True)

    def darlr(self, *arguments: object) -> str:
        """What `darlr` prints with `arguments`, which must end well."""
        ended = self.python("-m", "darlr.cli.main", *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def refused(self, *arguments: object) -> str:
        """The one line with which `darlr` refuses `arguments`."""
        ended = self.python("-m", "darlr.cli.main", *arguments)
        assert ended.returncode == 2, ended.stderr
        [line] = ended.stderr.splitlines()
        return line


def small_settings(dataset: str, changes: Mapping[str, Any] | None = None) -> list[str]:
    """Options `--set` of a run of about a second."""
    values = merge(merge(SMALL, SMALL_WORLD if dataset == "synthetic" else {}), changes or {})
    del values["method"]
    pairs = (f"{part}.{key}={value}" for part, section in values.items() for key, value in section.items())
    return [word for pair in pairs for word in ("--set", pair)]
