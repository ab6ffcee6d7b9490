"""The costs of runs: steps of learning, time by phase, and memory."""

from collections.abc import Sequence

from darlr.report.analysis.runs import FinishedRun, Group
from darlr.report.rendering.table import Cell, Quantity, Table

PHASES = ("sampling", "learning", "testing")

HEADER = (
    "method",
    "seeds",
    "epochs",
    "1000 steps",
    *(f"{phase}, s" for phase in PHASES),
    "run, minutes",
    "1000 steps/s",
    "memory, MiB",
)


def cost_table(dataset: str, groups: Sequence[Group]) -> Table | None:
    """Return steps, seconds and memory over seeds; None if no run has recorded its seconds."""
    rows = tuple(_row(group.label, runs) for group in groups if (runs := timed_runs(group)))
    if not rows:
        return None
    notes = (
        "Mean over seeds ± half-width of the 95% t interval. epochs, steps: of the whole run, logged steps as often as they"
        " were drawn.",
        "s: seconds an epoch by the clock; minutes: all epochs, without the world model's fit; steps/s: sampling, learning.",
        "memory: the largest resident memory of the run's process. Times of different machines cannot be compared.",
    )
    return Table(f"{dataset}, time and memory", HEADER, rows, notes)


def timed_runs(group: Group) -> list[FinishedRun]:
    """Return the group's runs that recorded their seconds."""
    return [run for run in group.runs if run.summary.get("seconds")]


def run_seconds(run: FinishedRun) -> float:
    """Return the seconds of all epochs of a run that recorded them, by the clock."""
    seconds: float = sum(run.summary["seconds"].values())
    return seconds


def seconds_per_epoch(run: FinishedRun, phase: str) -> float:
    """Return wall seconds; 0 for a phase that the method does not have."""
    seconds: float = run.summary["seconds"].get(phase, 0.0) / run.summary["epochs"]
    return seconds


def _row(label: str, runs: Sequence[FinishedRun]) -> tuple[Cell, ...]:
    epochs = sorted({run.summary["epochs"] for run in runs})
    return (
        label,
        str(len(runs)),
        " to ".join(str(end) for end in dict.fromkeys((epochs[0], epochs[-1]))),
        Quantity.over_seeds([run.summary["steps"] / 1000 for run in runs]),
        *(Quantity.over_seeds([seconds_per_epoch(run, phase) for run in runs]) for phase in PHASES),
        Quantity.over_seeds([run_seconds(run) / 60 for run in runs]),
        Quantity.over_seeds([run.summary["steps_per_second"] / 1000 for run in runs if run.summary.get("steps_per_second")]),
        Quantity.over_seeds([run.summary["peak_memory_mib"] for run in runs if run.summary.get("peak_memory_mib")]),
    )
