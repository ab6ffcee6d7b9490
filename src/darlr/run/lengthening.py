"""A run that is asked for more epochs goes on from a finished one that did fewer.

Nothing in learning looks at how many epochs there will be, and an epoch's random streams depend on seed and number alone.
So the longer run has the numbers that it would have had from the start. That holds for the same code on the same machine: only
runs whose environment is the same, and whose sources were unchanged, are gone on from.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.run.saved import CHECKPOINT, POLICY, load_learned, save_learned
from darlr.run.world_models import WORLD_MODEL


def begin_with_shorter(folder: RunFolder) -> Path | None:
    """Copy into `folder`, a run without a checkpoint, what the longest shorter run beside it has learned, and say which it was.

    Raises `InputError` if that run's files are damaged.
    """
    shorter = _longest_shorter(folder)
    if shorter is None:
        return None
    folder.save_tensors(WORLD_MODEL, *shorter.load_tensors(WORLD_MODEL))
    folder.keep_metrics(0)
    for record in shorter.metrics():
        folder.append_metrics(record)
    for name in (POLICY, CHECKPOINT):  # the checkpoint last: with it the run has begun
        save_learned(folder, name, *load_learned(shorter, name))
    return shorter.path


def _longest_shorter(folder: RunFolder) -> RunFolder | None:
    config, surroundings = folder.config(), _surroundings(folder)
    if str(surroundings.get("git_revision")).endswith("-dirty"):
        return None
    found: dict[int, RunFolder] = {}
    for summary in folder.path.parent.glob(f"*-s{config['seed']}/summary.json"):
        with suppress(InputError):  # a folder that is no run, or whose settings are damaged, is nothing to go on from
            other = RunFolder.open(summary.parent)
            theirs = other.config()
            if _surroundings(other) == surroundings and _but_epochs(theirs) == _but_epochs(config):
                found[theirs["training"]["epochs"]] = other
    shorter = [epochs for epochs in found if epochs < config["training"]["epochs"]]
    return found[max(shorter)] if shorter else None


def _but_epochs(config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config, "training": {**config["training"], "epochs": None}}


def _surroundings(folder: RunFolder) -> dict[str, Any]:
    return {**folder.environment(), "started": None}
