"""The sections of a data set: each is made from its material, or is one line that says why there is none."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from darlr.evaluation.table import LENGTH, RETURN
from darlr.report.analysis.criteria import statistic_of
from darlr.report.analysis.sensitivity import Sweep, sweeps
from darlr.report.analysis.user_groups import BY_GROUP, groups_table
from darlr.report.page import axes
from darlr.report.page.categories import categories
from darlr.report.page.costs import costs
from darlr.report.page.curves import Curve, value_panel, vertical
from darlr.report.page.epochs import learning_curves, reward_errors
from darlr.report.page.layout import Section, figure, section, table_box
from darlr.report.page.marks import EVERY_USER, PUBLISHED, REFERENCE, other_style, row_style
from darlr.report.page.material import Material
from darlr.report.page.nodes import node
from darlr.report.page.plane import plane_panel
from darlr.report.page.rows import Mark, mark_rows
from darlr.report.rendering.table import Cell, Quantity, Table


def results(material: Material) -> Section:
    """Return every row at the end of learning, as a picture and as a table."""
    metric, policy = material.criterion.metric, material.criterion.policy
    name = metric.label
    rows = []
    for group in material.groups:
        if (value := material.last(group, metric)) is not None:
            style = material.style(group)
            marks = [Mark(style, value, group.label, f"{group.label}, {policy}, last 20% of epochs")]
            if (everywhere := material.on_every_user(group, metric)) is not None:
                marks.append(Mark(replace(style, shape=EVERY_USER), everywhere, group.label, f"{group.label}, every user"))
            rows.append((group.label, marks))
    for place, (label, values) in enumerate(material.opponents.items()):
        if metric.name in values:
            rows.append((label, [Mark(other_style(place), values[metric.name], label, label)]))
    caption = (
        f"{name} with 95% intervals over seeds: {policy}, mean of the last 20% of epochs; below it, the last epoch's policy "
        "on every user; grey: policies that learn nothing, on every user."
    )
    entries = [("last 20% of epochs", row_style(0)), ("every user", replace(row_style(0), shape=EVERY_USER))]
    return section(
        "By the end of learning",
        figure(caption, [mark_rows(caption, name, rows)], entries),
        table_box(material.tables.comparison),
        None if material.tables.against_lists is None else table_box(material.tables.against_lists),
        *_by_group(material),
    )


def as_published(material: Material) -> Section:
    """Return the paper's statistic, next to the published values if there are any."""
    metric = material.criterion.metric
    table = material.tables.paper
    name = metric.label
    picture = None
    if f"published {name}" in table.header:
        ours, theirs = table.header.index(name), table.header.index(f"published {name}")
        rows = []
        for group, row in zip(material.groups, table.rows, strict=True):
            cells = ((material.style(group), row[ours], "ours"), (PUBLISHED, row[theirs], "published"))
            marks = [
                Mark(style, cell, text, f"{group.label}, {text}") for style, cell, text in cells if isinstance(cell, Quantity)
            ]
            if len(marks) == len(cells):
                rows.append((group.label, marks))
        caption = f"{name} over all epochs, mean ± standard deviation over the epochs: ours and, below it, the published value."
        entries = [("ours", row_style(0)), ("published", PUBLISHED)]
        picture = figure(caption, [mark_rows(caption, f"{name}, all epochs", rows)], entries)
    return section("In the paper's form", picture, table_box(table))


def sensitivity(material: Material) -> Section | str:
    """Return the result by the value of each varied setting, all else equal (Figure 5)."""
    found = sweeps(material.groups)
    if not found:
        return "no two rows of a method differ in one setting alone"
    metric, policy = material.criterion.metric, material.criterion.policy
    name = metric.label
    best = None if material.best is None else material.last(material.best, metric)
    reference = None if material.best is None or best is None else (f"{material.best.label}, the best baseline", best.value)
    what = f"{name}, {policy}: mean over seeds of the last 20% of epochs with 95% intervals, all else alike"
    figures = []
    for method in dict.fromkeys(sweep.method for sweep in found):
        own = {sweep.key: (sweep, _sweep_curves(material, sweep)) for sweep in found if sweep.method == method}
        height = [] if reference is None else [Curve("", REFERENCE, [0], [reference[1]], [None])]
        y = vertical([*(curve for _, curves in own.values() for curve in curves), *height])
        single = [key for key, (_, curves) in own.items() if len(curves) == 1]
        for keys in [single, *([key] for key in own if key not in single)]:
            panels = [
                value_panel(key, axes.names(key, [str(v) for v in own[key][0].values]), y, own[key][1], reference)
                for key in keys
            ]
            entries = [(curve.label, curve.style) for key in keys[:1] for curve in own[key][1]]
            if reference is not None:
                entries.append((reference[0], REFERENCE))
            if panels:
                figures.append(figure(f"{method}. {what}.", panels, entries, lines=True))
    return section("Sensitivity", *figures)


def _sweep_curves(material: Material, sweep: Sweep) -> list[Curve]:
    metric = material.criterion.metric
    curves = []
    for place, (name, line) in enumerate(sweep.lines.items()):
        known = [(group, value) for group in line if (value := material.last(group, metric)) is not None]
        places = [float(sweep.values.index(group.runs[0].settings[sweep.key])) for group, _ in known]
        means, halves = [value.value for _, value in known], [value.spread for _, value in known]
        curves.append(Curve(name, row_style(place), places, means, halves))
    return curves


def return_against_length(material: Material) -> Section | str:
    """Return a picture that separates return by long episodes from return by good steps."""
    points = material.points(LENGTH, RETURN)
    if len({point.x.value for point in points}) < 2:
        return (
            f"{LENGTH.label} is the same for all policies"
            if points
            else "lengths of episodes are measured where there is a truth"
        )
    caption = (
        "Each row by the end of learning (last 20% of epochs, 95% intervals over seeds); grey: policies that learn nothing, "
        "on every user."
    )
    panel = plane_panel(f"{RETURN.label} against {LENGTH.label}", LENGTH.label, RETURN.label, points)
    return section("Return against length", figure(caption, [panel], [(point.label, point.style) for point in points]))


def _by_group(material: Material) -> list[Element]:
    """Return tables of held-out metrics by groups of users, one for each feature by which runs were judged."""
    entries = [
        (group.label, [run.summary[BY_GROUP] for run in group.runs if BY_GROUP in run.summary]) for group in material.groups
    ]
    tables = []
    for feature in dict.fromkeys(entry["feature"] for _, found in entries for entry in found):
        own = [(label, [entry for entry in found if entry["feature"] == feature]) for label, found in entries]
        tables.append(table_box(groups_table(material.dataset, [(label, found) for label, found in own if found])))
    return tables


def runs(material: Material) -> Section:
    """Return every run, and its folder."""
    metric, policy = material.criterion.metric, material.criterion.policy
    rows: list[tuple[Cell, ...]] = []
    for group in material.groups:
        for run in group.runs:
            last = statistic_of(run.summary, material.mode, policy, metric, "last20")
            chosen = run.summary.get("chosen_epoch")
            cells = (str(run.seed), str(run.summary["epochs"]), None if chosen is None else str(chosen))
            rows.append(
                (group.label, *cells, Quantity(last["mean"], last["std"]) if last else None, run.version, str(run.path))
            )
    header = ("method", "seed", "epochs", "chosen", f"{metric.label}, last 20%", "version", "folder")
    notes = ("last 20%: mean ± standard deviation over those epochs. chosen: the epoch that did best in the simulator.",)
    table = table_box(Table(f"{material.dataset}, runs", header, tuple(rows), notes))
    return section("Runs", node("details", node("summary", "1 run" if len(rows) == 1 else f"All {len(rows)} runs"), table))


SECTIONS: dict[str, Callable[[Material], Section | str]] = {
    "By the end of learning": results,
    "In the paper's form": as_published,
    "Learning curves": learning_curves,
    "Errors of the reward": reward_errors,
    "Sensitivity": sensitivity,
    "Return against length": return_against_length,
    "Categories": categories,
    "Time and memory": costs,
    "Runs": runs,
}
