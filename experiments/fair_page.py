"""The page of a fair table: all worlds at a glance, the tables of every world, and what was tuned."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import quote

from matplotlib.figure import Figure

from darlr.artifacts import RunFolder
from darlr.artifacts.files import write_bytes
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.report.analysis.overview import WorldOutcome, outcomes_of
from darlr.report.analysis.ranking import ranking_of
from darlr.report.analysis.runs import collect_worlds
from darlr.report.plots.cost import cost_figure
from darlr.report.plots.critical_difference import critical_difference
from darlr.report.plots.curves import save_figure
from darlr.report.rendering.table import Cell, Quantity, Table, to_markdown
from darlr.report.rendering.tables import tables_of
from darlr.text import counted, markdown_line
from experiments.fair_plan import Plan, PlannedWorld


@dataclass(frozen=True)
class Trained:
    """A world whose methods are tuned and trained.

    Attributes:
        world: the world.
        runs: the folders of its finished runs.
        studies: the content of `study.json`, by method.
        failed: the labels of the runs that failed.
    """

    world: PlannedWorld
    runs: Sequence[Path]
    studies: Mapping[str, Mapping[str, Any]]
    failed: Sequence[str] = field(default=())


def seconds_of(run: Path) -> float:
    """Return the recorded seconds of a finished run."""
    seconds: float = sum(RunFolder.open(run).read_summary().get("seconds", {}).values())
    return seconds


def write_page(plan: Plan, trained: Sequence[Trained], remarks: Sequence[str], path: Path) -> None:
    """Write the page in Markdown, and its pictures beside it.

    Args:
        plan: the plan.
        trained: the worlds; one without a finished run has no table.
        remarks: lines of Markdown about the whole, below the heading.
        path: where the page goes.
    """
    collection = collect_worlds({each.world.name: each.runs for each in trained if each.runs})
    baselines = {name for name, method in METHODS.items() if method.baseline}
    tables = [
        *tables_of(collection, baselines, _tuning_seconds(trained)),
        *(_how_tuned(each) for each in trained if each.studies),
    ]
    remarks = [*remarks, *_pictures(outcomes_of(collection.groups), path)]
    parts = [_heading(plan, trained), *(f"{line}\n" for line in remarks), *map(to_markdown, tables)]
    write_bytes(path, "\n".join(parts).encode())


def _pictures(outcomes: Mapping[str, WorldOutcome], path: Path) -> list[str]:
    """Draw mean ranks and costs beside the page; return the lines that show them, or say why there is none."""
    pictures: dict[str, tuple[str, Callable[[], Figure]]] = {
        "ranks": ("Mean ranks of the methods", lambda: critical_difference(ranking_of(outcomes))),
        "cost": ("Return against the time of a run", lambda: cost_figure(outcomes)),
    }
    lines = []
    for name, (title, draw) in pictures.items():
        try:
            figure = draw()
        except InputError as error:
            lines.append(markdown_line(f"{title}: not drawn, {error}."))
        else:
            file = path.with_name(f"{path.stem}-{name}.svg")
            save_figure(figure, file)
            lines.append(f"![{title}]({quote(file.name)})")
    return lines


def _heading(plan: Plan, trained: Sequence[Trained]) -> str:
    """Describe the tables below it."""
    schedules = ", ".join(f"{each.world.name} {each.world.epochs}" for each in trained)
    if plan.tunes:
        title = "# All methods, tuned alike"
        tuned = (
            f"Every method is tuned with the same budget, {counted(plan.trials, 'trial')} on one seed, and without the\n"
            "truth. The tables at the end list the settings that were tried."
        )
        if plan.untuned:
            tuned += f" Not tuned, since told the truth: {', '.join(plan.untuned)}."
    else:
        title = "# All methods, with their own settings"
        tuned = "No method is tuned: each has its published or default settings."
    own = f" Settings of their own: {', '.join(plan.own)} (see the plan)." if plan.own else ""
    return (
        f"{title}\n\n`python -m experiments.fair {plan.path}` writes this page. {tuned}{own}\n"
        f"Then every method is trained over the seeds {', '.join(map(str, plan.seeds))}, for the same number of epochs\n"
        f"({schedules}).\n"
    )


def _tuning_seconds(trained: Sequence[Trained]) -> dict[str, float]:
    """Return the seconds of all trials of a method, as a mean over the worlds in which it was tuned."""
    methods = dict.fromkeys(method for each in trained for method in each.studies)
    return {
        method: fmean(each.studies[method]["budget"]["seconds"] for each in trained if method in each.studies)
        for method in methods
    }


def _how_tuned(trained: Trained) -> Table:
    """Describe the settings tried for each method, and the chosen ones."""
    rows: list[tuple[Cell, ...]] = []
    for method, study in trained.studies.items():
        first = study["trials"][0]
        best = None if study["best"] is None else study["trials"][study["best"] - 1]
        settings = {} if best is None else best["settings"]
        chosen = ", ".join(f"{key} {value}" for key, value in settings.items()) or "its own settings"
        minutes = Quantity(study["budget"]["seconds"] / 60)
        values = (None if trial is None or trial["value"] is None else Quantity(trial["value"]) for trial in (first, best))
        rows.append((method, str(len(study["trials"])), minutes, *values, chosen))
    study = next(iter(trained.studies.values()))
    notes = (
        f"{study['budget']['trials']} trials of {study['budget']['epochs_a_run']} epochs and one seed for every method, or all"
        " there are where a space has fewer. minutes: of sampling, learning and testing, summed over the trials, of which"
        " several may run at a time; without the world models' fits.",
        f"first, best: by the {study['measure']['what']}. The first trial has the method's own settings.",
        f"All share {json.dumps(dict(trained.world.settings))}. The spaces are in src/darlr/methods.",
    )
    header = ("method", "trials", "minutes", "first", "best", "chosen")
    return Table(f"{trained.world.name}, what was tuned", header, tuple(rows), notes)
