"""Runs small enough for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.config.loading import merge
from darlr.experiment.run import Finished, train
from tests.worlds import CPU

SMALL: Mapping[str, Any] = {
    "synthetic": {"users": 40, "items": 50},
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 2},
    "policy": {"hidden_sizes": [8]},
    "training": {"epochs": 3, "steps_per_epoch": 60, "environments": 10},
    "evaluation": {"episodes": 10},
}
"""Settings of a run that takes about a second; its numbers mean nothing."""


class Listener:
    """A monitor that remembers what it was told."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.fits = 0
        self.epochs: list[int] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self.fits += 1

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self.epochs.append(record["epoch"])


def train_small(
    out: Path, changes: Mapping[str, Any] | None = None, data_dir: Path | None = None, listener: Listener | None = None
) -> Finished:
    """Train with the settings `SMALL`, less what `changes` has instead."""
    return train(merge(SMALL, changes or {}), data_dir, out, CPU, listener or Listener())
