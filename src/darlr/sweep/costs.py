"""What a cell will take, roughly: from finished runs like it, else from speeds measured on one thread (docs/results.md)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from darlr.artifacts import RunFolder
from darlr.artifacts.files import decode_json
from darlr.config.loading import from_mapping
from darlr.config.schema import ExperimentConfig
from darlr.experiment.run import SUMMARY
from darlr.methods import recipe_of
from darlr.reading import read_text
from darlr.sweep.plan import Cell

# Seconds of a step of learning with its share of the tests: fitted to 127,000 steps/s at 300 items and 18,100 at 3,327.
START = 4.0  # loading torch, reading the data, drawing the picture
STEP, STEP_AND_ITEM = 3.2e-6, 1.56e-8
TRANSFORMER_LAYER = 6.4e-6  # 48,300 steps/s with two layers at 300 items
REFERENCE_USER = 2.2e-6  # DARLR: 17,000 steps/s with 20 reference users and one layer
MEMBER_AND_ROW = 3.2e-4  # fitting a world model: 11 s for 5 members and Coat's 6,960 rows
MEMORY_MIB, MEMORY_A_CELL_MIB = 340.0, 3.8e-5  # 344 MiB at 290 x 300, 516 at 1,411 x 3,327


@dataclass(frozen=True)
class Cost:
    """Seconds of one CPU that are still to spend (`fit` for a world model that others may share), and the peak memory.

    `measured`: whether finished runs like it say so.
    """

    learning: float
    fit: float
    memory_mib: float
    measured: bool


@dataclass(frozen=True)
class Totals:
    """Of a sweep: CPU time, time on the clock with so many workers, and memory of all of them."""

    cpu_seconds: float
    seconds: float
    memory_mib: float


def estimate(cells: Sequence[Cell]) -> dict[Path, Cost]:
    """The cost of every cell that is not finished, by its run folder."""
    finished: dict[Path, list[tuple[ExperimentConfig, Mapping[str, Any]]]] = {}
    costs = {}
    for cell in cells:
        if not cell.finished:
            folder = cell.run.parent
            if folder not in finished:
                finished[folder] = _finished(folder)
            costs[cell.run] = _cost(cell, [summary for config, summary in finished[folder] if _alike(config, cell.config)])
    return costs


def total(cells: Sequence[Cell], costs: Mapping[Path, Cost], workers: int) -> Totals:
    """Of the cells in `costs`; a world model that several need is fitted once."""
    open_cells = [cell for cell in cells if cell.run in costs]
    fits = {cell.world_model: costs[cell.run].fit for cell in open_cells}
    learning = [costs[cell.run].learning for cell in open_cells]
    cpu = sum(learning) + sum(fits.values())
    memory = sorted((costs[cell.run].memory_mib for cell in open_cells), reverse=True)
    longest = max((costs[cell.run].learning + costs[cell.run].fit for cell in open_cells), default=0.0)
    return Totals(cpu, max(cpu / workers, longest), sum(memory[:workers]))


def _finished(folder: Path) -> list[tuple[ExperimentConfig, Mapping[str, Any]]]:
    """Config and summary of the finished runs of one method on one data set."""
    return [
        (from_mapping(ExperimentConfig, RunFolder.open(file.parent).config()), decode_json(read_text(file), str(file)))
        for file in sorted(folder.glob(f"*/{SUMMARY}.json"))
    ]


def _alike(one: ExperimentConfig, other: ExperimentConfig) -> bool:
    """Whether their epochs cost about the same a step."""
    return (one.tracker, one.policy, one.selector.references) == (other.tracker, other.policy, other.selector.references)


def _cost(cell: Cell, alike: Sequence[Mapping[str, Any]]) -> Cost:
    config, size = cell.config, cell.size
    steps = config.training.steps_per_epoch * (config.training.epochs - cell.epochs)
    fit = 0.0
    if cell.needs_fit():
        rows = size.rows * (1 + config.world_model.negatives_per_row * (config.world_model.loss == "negatives"))
        fit = MEMBER_AND_ROW * config.world_model.members * rows
    timed = [summary for summary in alike if summary["steps"]]
    if timed:
        step = fmean(sum(summary["seconds"].values()) / summary["steps"] for summary in timed)
        return Cost(START + step * steps, fit, max(summary["peak_memory_mib"] for summary in timed), measured=True)
    step = STEP + STEP_AND_ITEM * size.items
    if config.tracker.kind == "transformer":
        step += TRANSFORMER_LAYER * config.tracker.layers
    if recipe_of(config.method).learner == "darlr":
        step += REFERENCE_USER * config.selector.references
    return Cost(START + step * steps, fit, MEMORY_MIB + MEMORY_A_CELL_MIB * size.users * size.items, measured=False)


def in_words(seconds: float) -> str:
    """`40 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
