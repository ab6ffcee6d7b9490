"""Runs small enough for tests."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from darlr.config.loading import merge
from darlr.run.training import Finished, train
from darlr.testing.planted import write_planted_world, write_truth
from darlr.testing.results import results, without_seconds
from tests.worlds import CPU

__all__ = [
    "REPOSITORY",
    "SMALL",
    "SMALL_WORLD",
    "Listener",
    "output_of",
    "results",
    "train_small",
    "without_seconds",
    "write_planted_world",
    "write_truth",
]

REPOSITORY = Path(__file__).resolve().parents[1]

SMALL: Mapping[str, Any] = {
    "method": "dorl",
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 2},
    "factors": {"size": 2, "link": "identity"},
    "policy": {"hidden_sizes": [8]},
    "training": {"epochs": 3, "steps_per_epoch": 60, "environments": 10},
    "evaluation": {"episodes": 10},
}
"""Settings of a run that takes about a second; its numbers mean nothing."""

SMALL_WORLD: Mapping[str, Any] = {"synthetic": {"users": 40, "items": 50}}


class Listener:
    """A monitor that remembers what it was told."""

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
    """Train with the settings `SMALL`, on a small synthetic world, except for what `changes` names."""
    chosen = changes or {}
    settings = SMALL if "dataset" in chosen else merge(SMALL, SMALL_WORLD)
    return train(merge(settings, chosen), data_dir, out, device, listener or Listener())


def output_of(program: str) -> str:
    """What a Python program prints, run in a process of its own that may fork: without a GPU, which would not survive it."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, check=True, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True).stdout
