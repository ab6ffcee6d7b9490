"""Work that is killed at random moments and continued until it ends; then compared with undisturbed work.

Each try is a child process, forked from one that has everything loaded (`warm_up`). A sweep and a study train in that
child, too, so that a kill ends all of it.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from darlr.run import fit_checkpoints
from darlr.testing.results import results
from darlr.tuning import tuner
from tests.runs import train_small
from tests.sweep.grids import small_cells
from tests.tuning.studies import Here, Notes, run_here, study

SHORT: Mapping[str, Any] = {
    "world_model": {"max_epochs": 4},
    "training": {"epochs": 3, "steps_per_epoch": 40},
    "evaluation": {"noise": 0.0},
}
SPACE = "a2c.discount: [0.5, 0.9]\n"


class ChaosError(Exception):
    """Work did not end as it should have; the text says how."""


@dataclass(frozen=True)
class Work:
    """The work to kill: `run` does it below a folder, and continues it there."""

    name: str
    run: Callable[[Path], Any]


def _sweep(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    cells = small_cells(out, out, seeds=[0], set=SHORT)
    run_here([cell for cell in cells if not cell.finished], Here(None, out), Notes())


def _tune(out: Path) -> None:
    with mock.patch.object(tuner, "run_cells", run_here):
        study(out, 2, space=SPACE, **SHORT)


WORKS = (
    Work("train", lambda out: train_small(out, SHORT)),
    Work("train darlr", lambda out: train_small(out, {**SHORT, "method": "darlr"})),
    Work("sweep", _sweep),
    Work("tune", _tune),
)


def outcome(out: Path) -> dict[str, Any]:
    """Return all files of the work below `out` by path, without times."""
    found: dict[str, Any] = {}
    for summary in sorted(out.rglob("summary.json")):
        found[str(summary.parent.relative_to(out))] = results(summary.parent)
    for file in sorted([*out.rglob("world-models/*.safetensors"), *out.rglob("opponents/*.safetensors")]):
        found[str(file.relative_to(out))] = file.read_bytes()
    for file in sorted(out.rglob("study.json")):
        trials = json.loads(file.read_text())["trials"]
        found[str(file.relative_to(out))] = [
            {key: trial[key] for key in ("number", "settings", "state", "value")} for trial in trials
        ]
    return found


def go(work: Work, out: Path, seconds: float | None) -> bool:
    """Let a child work, and kill it after some seconds (None: never); return whether it was killed.

    Raises `ChaosError` if it fails.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(out.parent / "errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            fit_checkpoints.SECONDS_BETWEEN = 0.0  # every round of a fit counts
            work.run(out)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if status != 0:
        last = (out.parent / "errors.txt").read_text().strip().splitlines()[-1:]
        raise ChaosError(f"{work.name}: does not go on after a kill: {last}")
    return False


def warm_up(out: Path) -> None:
    """Load all libraries that training loads, so that no child has to.

    With one thread, because a fork would lose the threads of polars, and children would wait for them.
    """
    torch.set_num_threads(1)
    with mock.patch("darlr.run.training.write_user_returns"):
        train_small(out, SHORT)


def undisturbed(work: Work, out: Path) -> tuple[dict[str, Any], float]:
    """Return the results of the work, and its seconds."""
    started = time.monotonic()
    go(work, out, None)
    return outcome(out), time.monotonic() - started


def disturb(work: Work, out: Path, expected: Mapping[str, Any], seconds: float, draw: random.Random, most: int) -> int:
    """Kill the work at random moments until it ends, at most `most` times, and compare; return the number of kills."""
    kills = 0
    while kills < most and go(work, out, draw.uniform(0.0, seconds)):
        kills += 1
    go(work, out, None)
    found = outcome(out)
    if found != expected:
        strange = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
        raise ChaosError(f"{work.name}: after {kills} kills {strange[0]} is not what it is without")
    return kills
