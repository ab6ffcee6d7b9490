"""Runs small enough for tests."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.run.training import Finished, train
from tests.worlds import CPU

REPOSITORY = Path(__file__).resolve().parents[1]

SMALL: Mapping[str, Any] = {
    "method": "dorl",
    "world_model": {"members": 2, "hidden_sizes": [8], "max_epochs": 2},
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


def results(run: Path) -> dict[str, Any]:
    """All that a run leaves behind, less what tells of time and memory."""
    untimed = {"seconds", "steps_per_second", "peak_memory_mib"}
    summary = json.loads((run / "summary.json").read_text())
    files = {file.name: file.read_bytes() for file in run.iterdir()}
    for name in ("environment.json", "metrics.jsonl", "summary.json"):
        del files[name]
    return {
        "metrics": [without_seconds(record) for record in RunFolder.open(run).metrics()],
        "summary": {name: value for name, value in summary.items() if name not in untimed},
        **files,
    }


def without_seconds(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.startswith("seconds/")}


def write_planted_world(folder: Path, truth: bool = True, positive_only: bool = False) -> Path:
    """A data set in the folder format in which everybody likes every other item, and says so of half of them.

    40 users `u0`..., of whom the first 20 are tested where `truth`, and 40 items `i0`..., of which those with an odd number
    are liked. Nobody leaves before 10 steps.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    best, worst = (1, 0) if positive_only else (5, 1)
    rows = [
        f"u{user},i{item},{best if item % 2 else worst},{100 * user + place}"
        for user in range(40)
        for place, item in enumerate(random.permutation(40)[:20])
        if item % 2 or not positive_only
    ]
    (folder / "log.csv").write_text("user_id,item_id,reward,timestamp\n" + "\n".join(rows) + "\n")
    (folder / "items.csv").write_text(
        "item_id,categories\n" + "\n".join(f"i{item},{'ab'[item % 2]}" for item in range(40)) + "\n"
    )
    feedback = "positive-only" if positive_only else "ratings"
    files = ["interactions: log.csv", "items: items.csv"]
    if truth:
        write_truth(folder / "truth.csv", range(20), best, worst)
        files.append("truth: truth.csv")
    (folder / "dataset.yaml").write_text(
        f"files: {{{', '.join(files)}}}\n"
        f"reward: {{feedback: {feedback}, minimum: {worst}, maximum: {best}}}\n"
        "leave: {by: never, max_steps: 10}\n"
    )
    return folder


def write_truth(file: Path, users: range, best: int, worst: int, items: range = range(40)) -> None:
    """What the `users` of the planted world make of its `items`."""
    cells = [f"u{user},i{item},{best if item % 2 else worst}" for user in users for item in items]
    file.write_text("user_id,item_id,reward\n" + "\n".join(cells) + "\n")


def output_of(program: str) -> str:
    """What a Python program prints, run in a process of its own that may fork: without a GPU, which would not survive it."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, check=True, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True).stdout
