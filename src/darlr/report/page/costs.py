"""The section on the costs of the runs: the table, and seconds by phase as bars."""

from statistics import fmean

from darlr.report.analysis.costs import PHASES, seconds_per_epoch, timed_runs
from darlr.report.page.layout import Section, figure, section, table_box
from darlr.report.page.marks import Style
from darlr.report.page.material import Material
from darlr.report.page.rows import bar_rows


def costs(material: Material) -> Section | str:
    """Return seconds of an epoch by phase, as bars, and the costs of a whole run, over seeds."""
    table = material.tables.costs
    if table is None:
        return "no run has recorded seconds/sampling, seconds/learning or seconds/testing"
    timed = [(group.label, runs) for group in material.groups if (runs := timed_runs(group))]
    bars = [(label, [fmean(seconds_per_epoch(run, phase) for run in runs) for phase in PHASES]) for label, runs in timed]
    caption = "Wall-clock seconds an epoch, mean over seeds."
    entries = [(phase, Style(f"part{place}", shape="square")) for place, phase in enumerate(PHASES)]
    return section(
        "Time and memory", figure(caption, [bar_rows(caption, "seconds an epoch", PHASES, bars)], entries), table_box(table)
    )
