"""The growth of every phase's cost with users, items and rows: `python -m benchmarks.growth`.

`darlr generate` writes the worlds into a scratch folder. One of 30,000 users, 3,000 items and a million rows is the centre.
The others differ from it in one number, so every curve has three sizes. Phases of each world:

- `load`: the log and its tables are read, checked and noted as a run does before it learns.
- `fit`: the factor model is fitted with its default settings.
- `epoch`: `bayes-adaptive` learns 10,000 steps in 200 episodes at a time, and is tested as after any epoch.
- `test`: the learned policy meets each of 200 users in three modes, sampled and greedy.
- `recommend`: the ten best items of every user of the log are written to Parquet.

Every phase runs on one thread, in its own process, forked from one that has loaded the libraries. Its seconds are CPU
seconds of the phase alone. Its memory is the peak of the process, including interpreter and libraries. The last lines are
the exponents, by least squares of logarithms; those of memory are of the memory above an idle process. Some libraries are
only loaded in the phase, so these exponents are too low for small worlds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any, TypeVar

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter, NullLocator

from darlr.config.experiment import ExperimentConfig
from darlr.data.plausibility.logs import notes
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.data.synthetic.settings import WorldSettings
from darlr.data.synthetic.writing import write_world
from darlr.report.plots.curves import save_figure
from darlr.run.evaluating import OpenedRun, evaluate_opened
from darlr.run.specification import SpecifiedRun
from darlr.run.training import train_on
from darlr.run.world_models import save_world_model
from darlr.seeding import torch_generator
from darlr.serving.batch import write_all
from darlr.serving.recommender import Recommender
from darlr.testing.monitors import Silent
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings

Result = TypeVar("Result")
CPU = torch.device("cpu")
TEST_USERS = 200
SHORT = EngFormatter(places=0, sep="")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""The palette of Okabe and Ito, which colour-blind readers can distinguish."""


@dataclass(frozen=True)
class Size:
    users: int = 30_000
    items: int = 3_000
    rows: int = 1_000_000

    def folder(self, below: Path) -> Path:
        return below / f"{self.users}x{self.items}x{self.rows}"


STEPS = (1 / 3, 1.0, 3.0)
"""Sizes on a curve, as multiples of the centre."""


def axes_of(centre: Size) -> dict[str, list[Size]]:
    """Return the worlds on the curve of each number."""
    return {
        axis: [replace(centre, **{axis: round(number * step)}) for step in STEPS] for axis, number in asdict(centre).items()
    }


@dataclass(frozen=True)
class Cost:
    """CPU seconds, and peak memory in MiB, of which `idle` MiB before the phase began."""

    seconds: float
    memory: float
    idle: float

    @property
    def above_idle(self) -> float:
        """At least a megabyte, because less is chance."""
        return max(1.0, self.memory - self.idle)


Costs = Mapping[Size, Mapping[str, Cost]]
"""By phase."""
Axes = Mapping[str, list[Size]]


class Stopwatch(Silent):
    """Measures the CPU time of the first epoch and stops the run after it."""

    def __init__(self) -> None:
        self._started = self.seconds = 0.0

    def learning(self, done: int, epochs: int) -> None:
        self._started = time.process_time()

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self.seconds = time.process_time() - self._started
        raise KeyboardInterrupt


def settings_of(world: Path) -> dict[str, Any]:
    training = {"epochs": 1, "steps_per_epoch": 10_000, "environments": 200}
    return {"dataset": str(world.resolve()), "method": "bayes-adaptive", "training": training}


def loaded_of(world: Path) -> LoadedDataset:
    return load(ExperimentConfig(dataset=str(world.resolve())), None)


def read(world: Path, runs: Path) -> float:
    started = time.process_time()
    notes(loaded_of(world))
    return time.process_time() - started


def fit(world: Path, runs: Path) -> float:
    loaded = loaded_of(world)
    specified = SpecifiedRun.of(settings_of(world), loaded)
    started = time.process_time()
    model, report = fit_factors(specified.dataset, FactorSettings(), torch_generator(0, "world_model", "factors"), CPU)
    seconds = time.process_time() - started
    save_world_model(specified.world_model_path(runs), "factors", model, asdict(report))
    return seconds


def epoch(world: Path, runs: Path) -> float:
    stopwatch = Stopwatch()
    try:
        train_on(loaded_of(world), settings_of(world), runs, CPU, stopwatch)
    except KeyboardInterrupt:  # its own: what a run does after its last epoch is no part of an epoch
        return stopwatch.seconds
    raise AssertionError("the run was not stopped after its epoch")


def test(world: Path, runs: Path) -> float:
    loaded = loaded_of(world)
    run = OpenedRun.of(SpecifiedRun.of(settings_of(world), loaded).path(runs), None, CPU, loaded)
    started = time.process_time()
    evaluate_opened(run, "all", "both", None, None, 0)
    return time.process_time() - started


def recommend(world: Path, runs: Path) -> float:
    recommender = Recommender.load(SpecifiedRun.of(settings_of(world), loaded_of(world)).path(runs))
    started = time.process_time()
    write_all(recommender, runs / "lists.parquet", 10)
    return time.process_time() - started


PHASES: dict[str, Callable[[Path, Path], float]] = {
    "load": read,
    "fit": fit,
    "epoch": epoch,
    "test": test,
    "recommend": recommend,
}


def generate(size: Size, world: Path) -> None:
    settings = WorldSettings(size.users, size.items, size.rows, test_users=TEST_USERS, test_items=size.items)
    write_world(settings, world)


def peak() -> float:
    """Return the peak memory of this process so far, in MiB."""
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def measured(phase: str, world: Path) -> Cost:
    torch.set_num_threads(1)
    idle = peak()
    return Cost(PHASES[phase](world, world.with_suffix(".runs")), peak(), idle)


def apart(work: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of `work` in its own process; this one computes nothing, because threads do not survive a fork."""
    with get_context("fork").Pool(1) as pool:
        return pool.apply(work, arguments)


def measured_sizes(below: Path, axes: Axes) -> dict[Size, dict[str, Cost]]:
    """Return every world once; the centre lies on all three curves."""
    found: dict[Size, dict[str, Cost]] = {}
    print(f"{'users':>8} {'items':>7} {'rows':>10}", *(f"{phase:>18}" for phase in PHASES))
    for size in dict.fromkeys(size for sizes in axes.values() for size in sizes):
        world = size.folder(below)
        apart(generate, size, world)
        found[size] = {phase: apart(measured, phase, world) for phase in PHASES}
        told = (f"{cost.seconds:8.2f} s {cost.memory:4.0f} MiB" for cost in found[size].values())
        print(f"{size.users:8,} {size.items:7,} {size.rows:10,}", *(f"{text:>18}" for text in told), flush=True)
    return found


def tell_exponents(found: Costs, axes: Axes) -> None:
    def exponent(axis: str, phase: str, value: Callable[[Cost], float]) -> float:
        numbers = [getattr(size, axis) for size in axes[axis]]
        return float(np.polyfit(np.log(numbers), np.log([value(found[size][phase]) for size in axes[axis]]), 1)[0])

    values: dict[str, Callable[[Cost], float]] = {"seconds": lambda cost: cost.seconds, "memory": lambda cost: cost.above_idle}
    for what, value in values.items():
        print(f"{f'exponents of {what}':22}", *(f"{phase:>10}" for phase in PHASES))
        for axis in axes:
            print(f"  in {axis:17}", *(f"{exponent(axis, phase, value):10.2f}" for phase in PHASES))


def picture(found: Costs, axes: Axes) -> Figure:
    """Draw seconds above and memory below, with a panel for each of users, items and rows."""
    figure = Figure(figsize=(11, 6.5), dpi=120, layout="constrained")
    panels = figure.subplots(2, len(axes), sharey="row", squeeze=False)
    for column, (axis, sizes) in enumerate(axes.items()):
        numbers = [getattr(size, axis) for size in sizes]
        for panel, what in zip(panels[:, column], ("seconds", "memory"), strict=True):
            for phase, colour in zip(PHASES, COLOURS, strict=True):
                costs = [getattr(found[size][phase], what) for size in sizes]
                panel.loglog(numbers, costs, marker="o", color=colour, label=phase)
            panel.set_xticks(numbers, [SHORT(number) for number in numbers])
            panel.xaxis.set_minor_locator(NullLocator())
            panel.yaxis.set_major_formatter("{x:g}")  # a power of ten would need mathematical text, which pictures do not have
            panel.yaxis.set_minor_formatter("{x:g}" if what == "memory" else NullFormatter())
            panel.grid(True, which="major", alpha=0.3)
            panel.set_xlabel(axis)
    panels[0, 0].set_ylabel("seconds of the processor")
    panels[1, 0].set_ylabel("MiB at most")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(PHASES), frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="times the users, items and rows of every world")
    parser.add_argument("--picture", type=Path, help="draw the curves into this file (PNG)")
    options = parser.parse_args()
    axes = axes_of(Size(*(round(number * options.scale) for number in asdict(Size()).values())))
    with tempfile.TemporaryDirectory() as scratch:
        found = measured_sizes(Path(scratch), axes)
    tell_exponents(found, axes)
    if options.picture is not None:
        save_figure(picture(found, axes), options.picture)


if __name__ == "__main__":
    main()
