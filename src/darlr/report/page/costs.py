"""What the runs cost: time by phase, and memory."""

from collections.abc import Sequence
from statistics import fmean

from darlr.report.page.layout import Section, figure, section, table_box
from darlr.report.page.marks import Style
from darlr.report.page.material import Material
from darlr.report.page.rows import bar_rows
from darlr.report.runs import FinishedRun
from darlr.report.statistics import interval
from darlr.report.table import Cell, Quantity, Table

PHASES = ("sampling", "learning", "testing")


def costs(material: Material) -> Section | str:
    """Seconds an epoch by phase, as bars and beside what a whole run takes, over seeds."""
    timed = [(group.label, [run for run in group.runs if run.summary.get("seconds")]) for group in material.groups]
    timed = [(label, runs) for label, runs in timed if runs]
    if not timed:
        return "no run has recorded seconds/sampling, seconds/learning or seconds/testing"
    bars = [(label, [fmean(_per_epoch(run, phase) for run in runs) for phase in PHASES]) for label, runs in timed]
    rows: list[tuple[Cell, ...]] = []
    for label, runs in timed:
        phases = [_over([_per_epoch(run, phase) for run in runs]) for phase in PHASES]
        whole = _over([sum(run.summary["seconds"].values()) / 60 for run in runs])
        speed = _over([run.summary["steps_per_second"] / 1000 for run in runs if run.summary.get("steps_per_second")])
        memory = _over([run.summary["peak_memory_mib"] for run in runs if run.summary.get("peak_memory_mib")])
        rows.append((label, str(len(runs)), *phases, whole, speed, memory))
    header = ("method", "seeds", *(f"{phase}, s" for phase in PHASES), "run, minutes", "1000 steps/s", "memory, MiB")
    notes = (
        "Mean over seeds ± half-width of the 95% t interval; s: seconds an epoch by the clock; steps/s: sampling and learning.",
        "memory: the largest resident memory of the run's process. Times of different machines cannot be compared.",
    )
    table = Table(f"{material.dataset}, time and memory", header, tuple(rows), notes)
    caption = "Wall-clock seconds an epoch, mean over seeds."
    entries = [(phase, Style(f"part{place}", shape="square")) for place, phase in enumerate(PHASES)]
    return section(
        "Time and memory", figure(caption, [bar_rows(caption, "seconds an epoch", PHASES, bars)], entries), table_box(table)
    )


def _per_epoch(run: FinishedRun, phase: str) -> float:
    seconds: float = run.summary["seconds"].get(phase, 0.0) / run.summary["epochs"]
    return seconds


def _over(values: Sequence[float]) -> Quantity | None:
    return Quantity(*interval(values)) if values else None
