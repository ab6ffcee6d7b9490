"""The page on serving, executed: from a log to a live service that changes to a newer run and stops."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import REPOSITORY

PAGE = REPOSITORY / "docs" / "serving.md"
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    """An environment whose `darlr` and `pip` belong to this Python."""
    place = tmp_path / "bin"
    place.mkdir()
    for name, module in (("darlr", "darlr.cli.main"), ("pip", "pip")):
        (place / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        (place / name).chmod((place / name).stat().st_mode | stat.S_IXUSR)
    path = os.environ.get("PYTHONPATH", str(REPOSITORY / "src"))
    wide = {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return os.environ | wide | {"DARLR_CACHE": str(tmp_path / "cache"), "no_proxy": "*"}


@pytest.mark.slow  # seven processes of darlr, two of which train
def test_the_page_leads_from_a_log_to_a_live_service(
    tmp_path: Path, commands: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    printed = []
    try:
        for kind, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if kind == "python":
                exec(block, {"__name__": "example"})
                continue
            command = ["bash", "-euo", "pipefail", "-c", block]
            ended = subprocess.run(command, check=False, env=commands, capture_output=True, text=True, timeout=300)
            assert ended.returncode == 0, f"{block}\n{ended.stdout}\n{ended.stderr}"
            printed.append(ended.stdout)
    finally:
        if (here / "service.pid").exists():
            subprocess.run(["kill", (here / "service.pid").read_text().strip()], check=False, capture_output=True)
    text = "\n".join(printed)
    assert '"moved_by": {"item": 4' in text or '"moved_by": {"item": 9' in text
    assert '{"session": "visit-1", "answers": 2}' in text
    assert "-s1" in text
    assert (here / "lists.parquet").exists()
