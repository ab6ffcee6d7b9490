"""The cost of a fair table: what is left, as far as it can be foreseen, and what was spent."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darlr.artifacts.files import encode_json, write_bytes
from darlr.sweep.costs import estimate, in_words, total
from darlr.sweep.grid import Grid, Point
from darlr.sweep.plan import plan as planned
from darlr.text import counted
from experiments.fair_page import Trained, seconds_of
from experiments.fair_plan import Plan, PlannedWorld

SPENT = "cost.json"
"""A file below `--out`, with the processor time of all calls."""
HOUR = 3600.0

Studies = Callable[[Plan, PlannedWorld, Path], Mapping[str, Mapping[str, Any]]]


def expected(plan: Plan, worlds: Sequence[PlannedWorld], out: Path, grids: Mapping[str, Path], studies: Studies) -> str:
    """Tell in a line what is left of the plan, and for about how long one core works on it.

    Args:
        plan: the plan.
        worlds: those of its worlds whose data are there.
        out: the folder for all that is tried and trained.
        grids: the sweep of each world, by its name.
        studies: finds the studies of a world, by method.
    """
    trials = runs = 0
    seconds = 0.0
    for world in worlds:
        tried = studies(plan, world, out)
        for method in plan.methods if plan.tunes else ():
            ended = [trial for trial in tried.get(method, {}).get("trials", ()) if trial["state"] != "begun"]
            left = max(0, plan.trials - len(ended))
            if left:
                trials += left
                seconds += left * _seconds_of_trial(plan, world, method, out)
        cells = planned(Grid.read(grids[world.name]).points(), None, out / "runs")
        runs += sum(not cell.finished for cell in cells)
        seconds += total(cells, estimate(cells), workers=1).cpu_seconds
    return (
        f"left: {counted(trials, 'trial')} and {counted(runs, 'run')}, roughly {in_words(seconds)} of one core. Trials may end "
        "early, and fits of opponents and their tests come on top."
    )


def _seconds_of_trial(plan: Plan, world: PlannedWorld, method: str, out: Path) -> float:
    """Return the processor seconds of one trial with the method's own settings, without the fits of world models."""
    training = {**plan.trial(world, method).get("training", {}), "epochs": world.tuning_epochs}
    values = {**plan.trial(world, method), "dataset": world.dataset, "method": method, "seed": 0, "training": training}
    cells = planned([Point(values, {})], None, out / "tuning")
    return sum(cost.learning for cost in estimate(cells).values())


def recorded(trained: Sequence[Trained]) -> str:
    """Tell in a line how long trials and runs have learned and were tested, by their own records."""
    trials = [trial for world in trained for study in world.studies.values() for trial in study["trials"]]
    runs = [run for world in trained for run in world.runs]
    hours = (sum(trial["seconds"] for trial in trials) + sum(map(seconds_of, runs))) / HOUR
    return (
        f"By their records, {counted(len(trials), 'trial')} and {counted(len(runs), 'run')} took {hours:.2f} hours of one "
        "thread for sampling, learning and testing, by the clock."
    )


@contextmanager
def spending(out: Path) -> Iterator[None]:
    """Add the processor time of all processes that are started and ended inside to the file `SPENT`, also after an error."""
    before = _seconds_of_processes()
    try:
        yield
    finally:
        used = _read(out) + _seconds_of_processes() - before
        write_bytes(out / SPENT, (encode_json({"cpu_seconds": used}, SPENT) + "\n").encode())


def spent(out: Path) -> str:
    """Tell in a line the processor time of all calls so far."""
    return f"All processes of all calls together took {_read(out) / HOUR:.2f} hours of processor time, fits included."


def _read(out: Path) -> float:
    file = out / SPENT
    return float(json.loads(file.read_text(encoding="utf-8"))["cpu_seconds"]) if file.is_file() else 0.0


def _seconds_of_processes() -> float:
    """Return the processor time, user and system, of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
