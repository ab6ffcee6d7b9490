"""Continuing a finished run for more epochs.

Learning does not depend on the planned number of epochs, and an epoch's random streams depend on seed and epoch alone. So
the longer run has the same numbers as if it had been planned from the start. That holds for the same code on the same
machine, so only a run with the same environment and unchanged sources is continued.
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
    """Copy the state of the longest shorter run next to `folder` into it, if it has no checkpoint; return that run's path,
    or None.

    Raises:
        InputError: if that run's files are damaged.
    """
    shorter = _longest_shorter(folder)
    if shorter is None:
        return None
    folder.save_tensors(WORLD_MODEL, *shorter.load_tensors(WORLD_MODEL))
    folder.keep_metrics(0)
    for record in shorter.metrics():
        folder.append_metrics(record)
    for name in (POLICY, CHECKPOINT):  # the checkpoint is copied last, because with it the run has begun
        save_learned(folder, name, *load_learned(shorter, name))
    return shorter.path


def _longest_shorter(folder: RunFolder) -> RunFolder | None:
    config, surroundings = folder.config(), _surroundings(folder)
    if str(surroundings.get("git_revision")).endswith("-dirty"):
        return None
    found: dict[int, RunFolder] = {}
    for summary in folder.path.parent.glob(f"*-s{config['seed']}/summary.json"):
        with suppress(InputError):  # skips other folders, and runs with damaged settings
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
