"""A study's results: its trials, the best of them, and the files that record them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darlr._version import __version__
from darlr.artifacts.files import encode_json, write_bytes
from darlr.config.yaml_text import yaml_text
from darlr.text import visible
from darlr.tuning.design import Design
from darlr.tuning.measure import meaning_of
from darlr.tuning.search import State

RESULTS = "study.json"
BEST = "best.yaml"
SWEEP = "sweep.yaml"


@dataclass(frozen=True)
class Trial:
    """A trial that has begun.

    Attributes:
        number: counted from 1.
        settings: by dotted key.
        state: begun, finished, pruned or failed.
        value: the measure, if it finished.
        epochs, seconds: epochs and time of its runs, all seeds together.
        runs: their folders.
        error: why it failed, or has not ended yet.
    """

    number: int
    settings: Mapping[str, Any]
    state: State
    value: float | None
    epochs: int
    seconds: float
    runs: tuple[str, ...]
    error: str | None


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the finished trial with the largest measure; of equals, the first."""
    finished = [(trial.value, -trial.number, trial) for trial in trials if trial.value is not None]
    return max(finished, key=lambda entry: entry[:2])[2] if finished else None


def write_results(folder: Path, design: Design, asked: int, trials: Sequence[Trial]) -> None:
    """Write `study.json` (the space, the budget, every trial), and of the best trial `best.yaml` and `sweep.yaml`.

    Args:
        folder: the study's folder.
        design: its design.
        asked: the planned number of trials.
        trials: the trials so far.
    """
    best = best_of(trials)
    if best is not None:
        told = f"trial {best.number} of {asked}, {design.measure} {best.value:.4f}"
        _write_yaml(folder / BEST, f"# {told}: darlr train --config {BEST}", design.chosen(best.settings))
        _write_yaml(folder / SWEEP, f"# {told}: darlr sweep {SWEEP}", design.sweep(best.settings))
    results = {
        "dataset": design.dataset,
        "method": design.config.method,
        "measure": {"name": design.measure, "what": meaning_of(design.measure)},
        "budget": {
            "trials": asked,
            "seeds": list(design.seeds),
            "epochs_a_run": design.epochs,
            "pruning": design.pruning,
            "epochs_learned": sum(trial.epochs for trial in trials),
            "seconds": sum(trial.seconds for trial in trials),
        },
        "space": design.space.described(),
        "settings": design.values,
        "data": dict(design.hashes),
        "darlr": __version__,
        "best": None if best is None else best.number,
        "trials": [asdict(trial) for trial in trials],
    }
    write_bytes(folder / RESULTS, (encode_json(results, str(folder / RESULTS), indent=2) + "\n").encode())


def _write_yaml(path: Path, comment: str, values: Mapping[str, Any]) -> None:
    write_bytes(path, f"{visible(comment)}\n{yaml_text(values)}".encode())
