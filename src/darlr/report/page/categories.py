"""The section on recommended categories: MCD, and each category's share."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any
from xml.etree.ElementTree import Element

from darlr.evaluation.modes import NX_0, SAMPLED
from darlr.evaluation.table import DOMINATION, RETURN
from darlr.report.page.epochs import by_epoch
from darlr.report.page.layout import Section, figure, paragraph, section
from darlr.report.page.marks import Style
from darlr.report.page.material import Material
from darlr.report.page.plane import plane_panel
from darlr.report.page.rows import Mark, mark_rows
from darlr.report.rendering.table import Quantity

LOGGED = Style("other", shape="cross")
MOST = 20
"""The largest number of categories that are shown, those with the largest shares."""


def categories(material: Material) -> Section | str:
    """Return MCD by epoch and against the return, and the shares of categories in the final recommendations."""
    points = material.points(DOMINATION, RETURN)
    if not points:
        return "the items have no categories, or there is no truth to test in"
    figures, constant = by_epoch(material, {DOMINATION.recorded(NX_0, SAMPLED): DOMINATION.heading}, "Sampled")
    caption = f"Return against {DOMINATION.label} by the end of learning (last 20% of epochs, 95% intervals over seeds)."
    panel = plane_panel(f"{RETURN.label} against {DOMINATION.label}", DOMINATION.label, RETURN.label, points)
    plane = figure(caption, [panel], [(point.label, point.style) for point in points])
    return section("Categories", *figures, *constant, plane, _shares(material))


def _shares(material: Material) -> Element:
    """Return a row for each category: its share of the recommendations, and of the log's liked rows."""
    counted = [
        (group, [run.summary["categories"] for run in group.runs if run.summary.get("categories")]) for group in material.groups
    ]
    counted = [(group, shares) for group, shares in counted if shares]
    if not counted:
        return paragraph("Shares of single categories are not shown: these runs did not record them.")
    known = counted[0][1][0]
    rows = {
        name: [Mark(LOGGED, Quantity(entry["liked"]), "liked in the log", "liked in the log")] for name, entry in known.items()
    }
    for group, shares in counted:
        for name, marks in rows.items():
            if values := [run[name]["recommended"] for run in shares if name in run]:
                marks.append(Mark(material.style(group), Quantity(fmean(values)), group.label, group.label))
    shown = sorted(rows, key=lambda name: -max(mark.value.value for mark in rows[name]))[:MOST]
    caption = (
        "Share of the recommendations that have each category (an item may have several), and of the log's liked rows; NX_0,"
        f" sampled, after the last epoch, mean over seeds. *: dominant. The {len(shown)} largest of {len(known)}."
    )
    chart = mark_rows(caption, "share", [(_named(name, known), rows[name]) for name in shown], apart=0)
    entries = [("liked in the log", LOGGED), *((group.label, material.style(group)) for group, _ in counted)]
    return figure(caption, [chart], entries)


def _named(name: str, known: Mapping[str, Any]) -> str:
    return f"{name} *" if known[name]["dominant"] else name
