"""The sections with figures by epoch."""

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from darlr.evaluation.modes import NX_0
from darlr.evaluation.table import RETURN, drawn
from darlr.report.analysis.by_epoch import SEEDS
from darlr.report.analysis.runs import Group
from darlr.report.page import axes
from darlr.report.page.curves import Curve, line_panel, vertical
from darlr.report.page.layout import Section, figure, paragraph, section
from darlr.report.page.marks import PUBLISHED
from darlr.report.page.material import Material
from darlr.report.published.curves import CURVES_SOURCE, differing_leave_windows, published_curve, same_leave_rule
from darlr.report.published.results import published_policy
from darlr.report.rendering.table import Quantity

ERROR_HEADINGS = {
    "error/sampled": "error/sampled, over what was recommended",
    "error/table": "error/table, over all users and items",
}

BEYOND = 0.5
"""Bands are cut off sooner than whiskers, because the means are the moving part."""

TOGETHER = 12
"""The largest number of rows in one panel."""


def learning_curves(material: Material) -> Section:
    """Return results by epoch, and each method next to its published run."""
    policy = material.criterion.policy
    names = {metric.recorded(material.mode, policy): metric.heading for metric in drawn(material.mode)}
    figures, constant = by_epoch(material, names, f"Results, {policy}")
    otherwise = differing_leave_windows(material.dataset, [(group.method, group.runs[0].settings) for group in material.groups])
    missing = [
        paragraph(f"Not drawn: the published {method} (N = {window}), whose users leave otherwise than here.")
        for method, window in otherwise.items()
    ]
    return section("Learning curves", *figures, *constant, _beside_published(material), *missing)


def reward_errors(material: Material) -> Section | str:
    """Return the errors of the learned rewards (Figures 1 and 4)."""
    figures, constant = by_epoch(material, ERROR_HEADINGS, "Mean |reward learned from - truth|")
    if not figures and not constant:
        return "no run has recorded error/table or error/sampled, which needs a truth and a method that learns in the simulator"
    return section("Errors of the reward", *figures, *constant)


def by_epoch(material: Material, names: dict[str, str], what: str) -> tuple[list[Element], list[Element]]:
    """Return figures of the recorded metrics `names` (-> title), means over seeds, and a line about each constant metric.

    Args:
        material: the runs of a data set.
        names: maps a metric's name to the title of its panel.
        what: the words for all of them in the caption. If there are more than `TOGETHER` curves, they have neither bands
            nor dots.
    """
    chosen: dict[str, list[tuple[Group, Curve]]] = {}
    constant = []
    for name, title in names.items():
        curves = [(group, curve) for group in material.groups if (curve := material.curve(group, name)) is not None]
        heights = {mean for _, curve in curves for mean in curve.means}
        if len(heights) == 1:
            constant.append(paragraph(f"{title}: {Quantity(heights.pop())} in every row at every epoch, so there is no panel."))
        elif curves:
            chosen[title] = curves
    figures = []
    for method, members in _batches(material.groups).items():
        bare = len(members) > TOGETHER
        panels = []
        for title, curves in chosen.items():
            shown = [_bare(curve) if bare else curve for group, curve in curves if group in members]
            if shown:
                every = [curve for _, curve in curves]
                panels.append(line_panel(title, _epochs(every), vertical(every, BEYOND), shown))
        if panels:
            drawn = {group.label for curves in chosen.values() for group, _ in curves}
            entries = [(group.label, material.style(group)) for group in members if group.label in drawn]
            every = [curve for curves in chosen.values() for _, curve in curves]
            spread = ", there are too many for their spread" if bare else _spread(every)
            caption = f"{method + ': ' if method else ''}{what}, mean over seeds by epoch{spread}."
            figures.append(figure(caption, panels, entries, lines=True))
    return figures, constant


def _spread(curves: Sequence[Curve]) -> str:
    """Return the words for how the curves show the spread over seeds."""
    bands = any(half is not None for curve in curves for half in curve.halves)
    dots = any(curve.dots for curve in curves)
    shown = ["95% bands"] * bands + [f"the seeds as dots where there are fewer than {SEEDS}"] * dots
    return f", with {' and '.join(shown)}" if shown else ""


def _bare(curve: Curve) -> Curve:
    return replace(curve, halves=[None] * len(curve.halves), dots=())


def _batches(groups: Sequence[Group]) -> dict[str, list[Group]]:
    """Return the groups to draw together: all without a name, or, if there are too many, one row for each method, then each
    method with several.
    """
    if len(groups) <= TOGETHER:
        return {"": list(groups)}
    methods = {group.method: [other for other in groups if other.method == group.method] for group in groups}
    several = {method: members for method, members in methods.items() if len(members) > 1}
    return {"": [group for group in groups if not group.told], **several}


def _epochs(curves: Sequence[Curve]) -> axes.Axis:
    last = max(curve.xs[-1] for curve in curves)
    return axes.numbers("epoch", 0, max(last, 1), whole=True)


def _beside_published(material: Material) -> Element | None:
    """A panel for each method whose published run had the same leave rule; None if there is none."""
    panels: dict[str, list[Curve]] = {}
    shown: list[Group] = []
    for group in material.groups:
        theirs = published_curve(material.dataset, group.method, RETURN.name)
        ours = material.curve(group, RETURN.recorded(NX_0, published_policy(group.method)))
        if theirs is None or ours is None or not same_leave_rule(material.dataset, group.runs[0].settings, theirs):
            continue
        title = f"{group.method}; published: seed {theirs.seed}, N = {theirs.window}"
        values = theirs.values[: int(ours.xs[-1])]
        panels.setdefault(title, [Curve("published", PUBLISHED, range(1, len(values) + 1), values, [None] * len(values))])
        panels[title].append(ours)
        shown.append(group)
    if not panels:
        return None
    all_curves = [curve for curves in panels.values() for curve in curves]
    x, y = _epochs(all_curves), vertical(all_curves, BEYOND)
    drawn = [line_panel(title, x, y, curves) for title, curves in panels.items()]
    entries = [("published", PUBLISHED), *((group.label, material.style(group)) for group in shown)]
    caption = (
        f"{RETURN.heading}, by method, over the published runs ({CURVES_SOURCE}; one seed each, 200 epochs of 100,000 steps, as"
        " far as ours go)."
    )
    return figure(caption, drawn, entries, lines=True)
