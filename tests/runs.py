"""Runs small enough for tests."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from darlr.config.loading import merge
from darlr.report.plots.curves import save_figure
from darlr.run.training import Finished, train
from darlr.testing.planted import write_planted_world, write_truth
from darlr.testing.results import results, without_seconds
from tests.worlds import CPU

__all__ = [
    "REPOSITORY",
    "SMALL",
    "SMALL_WORLD",
    "Listener",
    "TrainedOnce",
    "output_of",
    "results",
    "save_blank",
    "train_small",
    "without_seconds",
    "write_planted_world",
    "write_truth",
]

REPOSITORY = Path(__file__).resolve().parents[1]

SMALL: Mapping[str, Any] = {
    "method": "dorl",
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 2},
    "factors": {"size": 2, "link": "identity", "sweeps": 5},
    "policy": {"hidden_sizes": [8]},
    "training": {"epochs": 3, "steps_per_epoch": 60, "environments": 10},
    "evaluation": {"episodes": 10, "noise": 0.0},  # tests/run/test_every_user.py tests noisy users
}
"""Settings of a run that takes less than a second; its numbers mean nothing."""

SMALL_WORLD: Mapping[str, Any] = {"synthetic": {"users": 40, "items": 50}, "leave": {"max_steps": 10}}


class Listener:
    """A monitor that remembers its events."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.shares: list[tuple[int, float]] = []
        self.fits = 0
        self.epochs: list[int] = []
        self.begun: int | None = None

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        self.shares.append((epoch, share))

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self.fits += 1

    def learning(self, done: int, epochs: int) -> None:
        self.begun = done

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self.epochs.append(record["epoch"])


def train_small(
    out: Path,
    changes: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    listener: Listener | None = None,
    device: torch.device = CPU,
) -> Finished:
    """Train with the settings `SMALL` and `changes`, on a small synthetic world."""
    chosen = changes or {}
    settings = SMALL if "dataset" in chosen else merge(SMALL, SMALL_WORLD)
    return train(merge(settings, chosen), data_dir, out, device, listener or Listener())


class TrainedOnce:
    """The run that `train_small` makes on the small synthetic world, trained once for all tests that start from it."""

    def __init__(self, new_folder: Callable[[], Path]) -> None:
        self._new_folder = new_folder
        self._finished: dict[str, tuple[Path, Finished]] = {}

    def __call__(self, out: Path, changes: Mapping[str, Any] | None = None) -> Finished:
        """Copy the run and its shared world models to a folder below `out`, as `train_small(out, changes)` would make them."""
        key = json.dumps(merge(SMALL, changes or {}), sort_keys=True)
        if key not in self._finished:
            home = self._new_folder()
            self._finished[key] = home, train_small(home, changes)
        home, finished = self._finished[key]
        shutil.copytree(home, out, dirs_exist_ok=True)
        return replace(finished, path=out / finished.path.relative_to(home))


def save_blank(figure: Figure, path: Path) -> None:
    """Save a blank picture instead of `save_figure`'s, for tests that ignore the picture."""
    save_figure(Figure(figsize=(0.1, 0.1)), path)


def output_of(program: str) -> str:
    """Return the output of a Python program, run in its own process that may fork: without a GPU, which does not survive a
    fork.
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, check=True, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True).stdout
