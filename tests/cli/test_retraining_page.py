"""The page about retraining, executed."""

import json
import re
import shlex
from pathlib import Path

from darlr.artifacts import RunFolder
from darlr.artifacts.pointer import Pointer
from tests.cli.conftest import Command
from tests.runs import REPOSITORY

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def newest(runs: Path) -> Path:
    """The run that was finished last."""
    return max(runs.rglob("summary.json"), key=lambda file: file.stat().st_mtime_ns).parent


def test_the_commands_of_the_page_run_in_order(darlr: Command) -> None:
    names: dict[str, object] = {"__name__": "page"}
    printed = []
    for kind, block in BLOCK.findall((REPOSITORY / "docs" / "retraining.md").read_text()):
        if kind == "python":
            exec(block, names)
            continue
        for line in block.splitlines():
            words = [str(newest(Path("runs"))) if word == "RUN" else word for word in shlex.split(line)[1:]]
            ended = darlr(*words)
            assert ended.code in (0, 4), ended.err
            printed.append(ended)
    first, promoted, recommended, second, judged = printed
    assert first.code == promoted.code == recommended.code == second.code == 0
    assert "the first run" in promoted.out
    assert len(recommended.out.splitlines()) == 4
    history = Pointer.read(Path("runs/shop/serving")).history
    started = RunFolder.open(newest(Path("runs"))).environment()["warm_start"]
    assert started["fingerprint"] == history[0].fingerprint
    # So short a schedule says little of who is better: what counts is that the pointer and the line agree.
    assert len(history) == (2 if judged.code == 0 else 1)
    assert (judged.out if judged.code == 0 else judged.err).count("difference") <= 1
    assert json.loads(Path("runs/shop/serving").read_text())["history"][0]["why"] == "the first run"
