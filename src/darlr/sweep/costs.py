"""Rough cost of a cell, from similar finished runs, or else from speeds measured on one thread (docs/results.md)."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from darlr.artifacts import RunFolder
from darlr.artifacts.run_folder import SUMMARY
from darlr.config.experiment import ExperimentConfig
from darlr.errors import InputError
from darlr.evaluation.finished import read_summary
from darlr.methods.cost import Work
from darlr.methods.experiment import experiment_config
from darlr.methods.registry import METHODS
from darlr.sweep.plan import Cell, Size
from darlr.world_model.fitting import resolve_batch_size, resolve_epochs
from darlr.world_model.settings import WorldModelConfig

START = 4.0  # seconds: loading torch, reading the data, drawing the picture
# Fitting a world model: Coat 6.7 s (17 epochs of 6,960 rows), the built-in world 16 s (8 of 39,917), generated ratings 27.5
# s (3 of 312,000, in batches of 512), on a shared processor.
FIT_STEP, FIT_MEMBER_AND_PAIR = 1.07e-2, 1.65e-6
# Runs peaked at 406 to 557 MiB on Coat, 664 to 743 on KuaiRec's positives, at 6,212 with DARLR at 27,285 x 7,583; the rows of a
# log of 12.5 million took 751.
MEMORY_MIB, MEMORY_A_CELL_MIB, MEMORY_A_ROW_MIB = 480.0, 3.0e-5, 6.0e-5


@dataclass(frozen=True)
class Cost:
    """Seconds of one core that are still to spend (`fit` for a world model that others may share), and the peak memory.

    `seconds`: the total time of similar finished runs, by the clock; 0 if there are none, and the cost is a guess.
    """

    learning: float
    fit: float
    memory_mib: float
    seconds: float


@dataclass(frozen=True)
class Totals:
    """Totals of a sweep: CPU time, time on the clock with its number of workers, and memory of all workers."""

    cpu_seconds: float
    seconds: float
    memory_mib: float


def estimate(cells: Sequence[Cell]) -> dict[Path, Cost]:
    """Return the cost of every cell that is not finished, by its run folder."""
    finished: dict[Path, list[tuple[ExperimentConfig, Mapping[str, Any]]]] = {}
    costs = {}
    for cell in cells:
        if not cell.finished:
            folder = cell.run.parent
            if folder not in finished:
                finished[folder] = _finished(folder)
            costs[cell.run] = _cost(cell, finished[folder])
    return costs


def total(cells: Sequence[Cell], costs: Mapping[Path, Cost], workers: int) -> Totals:
    """Return the totals of the cells in `costs`; a world model that several need is fitted once."""
    open_cells = [cell for cell in cells if cell.run in costs]
    fits = {cell.world_model: costs[cell.run].fit for cell in open_cells}
    learning = [costs[cell.run].learning for cell in open_cells]
    cpu = sum(learning) + sum(fits.values())
    memory = sorted((costs[cell.run].memory_mib for cell in open_cells), reverse=True)
    longest = max((costs[cell.run].learning + costs[cell.run].fit for cell in open_cells), default=0.0)
    return Totals(cpu, max(cpu / workers, longest), sum(memory[:workers]))


def _finished(folder: Path) -> list[tuple[ExperimentConfig, Mapping[str, Any]]]:
    """Return config and summary of the finished runs of one method on one data set; unreadable ones are skipped."""
    found: list[tuple[ExperimentConfig, Mapping[str, Any]]] = []
    for file in sorted(folder.glob(f"*/{SUMMARY}.json")):
        with suppress(InputError):
            run = RunFolder.open(file.parent)
            summary = read_summary(run)
            if summary.get("seconds") and "peak_memory_mib" in summary:
                found.append((experiment_config(run.config()), summary))
    return found


def _cost(cell: Cell, others: Sequence[tuple[ExperimentConfig, Mapping[str, Any]]]) -> Cost:
    config, size = cell.config, cell.size
    work = _work(config, size)
    alike = [(units, summary) for other, summary in others for units in [_work(other, size)] if units.alike == work.alike]
    epochs = config.training.epochs - cell.epochs
    fit = 0.0
    if cell.needs_fit():
        fit = _seconds_of_fit(config.world_model, size)
    if alike:
        seconds = [sum(summary["seconds"].values()) for _, summary in alike]
        unit = fmean(took / (summary["epochs"] * other.units) for took, (other, summary) in zip(seconds, alike, strict=True))
        memory = max(summary["peak_memory_mib"] for _, summary in alike)
        return Cost(START + unit * work.units * epochs, fit, memory, sum(seconds))
    memory = MEMORY_MIB + MEMORY_A_CELL_MIB * size.users * size.items + MEMORY_A_ROW_MIB * size.rows
    return Cost(START + work.seconds * epochs, fit, memory, 0.0)


def _work(config: ExperimentConfig, size: Size) -> Work:
    return METHODS[config.method].work(config, size.items)


def _seconds_of_fit(config: WorldModelConfig, size: Size) -> float:
    """Return the seconds of a fit on one thread of the measured machine; a fit that stops early takes less."""
    steps = math.ceil(size.rows / resolve_batch_size(config, size.rows))
    epochs = resolve_epochs(config, size.pairs)
    return epochs * (FIT_STEP * steps + FIT_MEMBER_AND_PAIR * config.members * size.pairs)


def in_words(seconds: float) -> str:
    """Format a time as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
