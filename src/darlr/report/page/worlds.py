"""The part of the page about all worlds: their table, and the critical-difference diagram of the methods."""

import math
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from darlr.errors import InputError
from darlr.report.analysis.overview import WorldOutcome
from darlr.report.analysis.ranking import Ranking, lanes_of, ranking_of
from darlr.report.page.axes import Axis, numbers
from darlr.report.page.layout import figure, paragraph, table_box
from darlr.report.page.nodes import node, number
from darlr.report.page.panel import CHARACTER, svg
from darlr.report.rendering.table import Quantity, Table

WIDTH, LINE, LANE, TOP = 760, 17, 8, 40


def worlds_part(outcomes: Mapping[str, WorldOutcome], table: Table) -> Element:
    """Return the part with the overview `table`; where methods cannot be ranked, a line gives the reason.

    Args:
        outcomes: the outcome of every world, by its name.
        table: their overview.
    """
    try:
        ranking = ranking_of(outcomes)
    except InputError as error:
        picture = paragraph(f"No diagram of mean ranks: {error}.")
    else:
        picture = figure(" ".join(ranking.notes), [ranks_diagram(ranking)])
    return node("section", node("h2", "All worlds"), table_box(table), picture, id="worlds", class_="dataset")


def ranks_diagram(ranking: Ranking) -> Element:
    """Draw the diagram: the best methods are named at the left, the others at the right, each on a height of its own."""
    found = ranking.ranked
    names = [f"{method} {Quantity(rank, digits=1)}" for method, rank in found.ranks.items()]
    side = round(CHARACTER * max(map(len, names))) + 12
    axis, across = numbers("mean rank (1: best)", 1.0, float(len(names)), most=12, whole=True), WIDTH - 2 * side
    lanes = lanes_of(found)
    top = LANE * (max(lanes.values(), default=0) + 2)
    half = math.ceil(len(names) / 2)
    drawn = [*_axis(axis, across), *_bars(ranking, axis, across, lanes)]
    for place, (name, rank) in enumerate(zip(names, found.ranks.values(), strict=True)):
        at_left = place < half
        level = top + LINE * ((place if at_left else len(names) - 1 - place) + 0.5)
        edge = -8 if at_left else across + 8
        drawn.append(node("path", class_="axis", d=f"M{number(axis.place(rank, across))} 0V{number(level)}H{edge}"))
        x = edge - 4 if at_left else edge + 4
        drawn.append(node("text", name, x=x, y=level + 4, text_anchor="end" if at_left else "start"))
    placed = node("g", *drawn, transform=f"translate({side} {TOP})")
    return svg(WIDTH, TOP + top + LINE * half + 6, f"mean ranks: {', '.join(names)}", placed)


def _axis(axis: Axis, across: int) -> list[Element]:
    drawn = [node("path", class_="axis", d=f"M0 0H{across}"), node("text", axis.label, class_="label", x=0, y=-26)]
    for at, text in axis.ticks:
        place = axis.place(at, across)
        drawn.append(node("path", class_="axis", d=f"M{number(place)} 0V-5"))
        drawn.append(node("text", text, x=place, y=-9, text_anchor="middle"))
    return drawn


def _bars(ranking: Ranking, axis: Axis, across: int, lanes: Mapping[tuple[int, int], int]) -> list[Element]:
    """Draw a bar below the axis for each run of neighbours that do not differ."""
    order = list(ranking.ranked.ranks)
    bars = []
    for (first, last), lane in lanes.items():
        ends = [axis.place(ranking.ranked.ranks[order[place]], across) for place in (first, last)]
        title = node("title", f"{order[first]} to {order[last]}: no two differ")
        bars.append(node("path", title, class_="alike", d=f"M{number(ends[0] - 3)} {LANE * (lane + 1)}H{number(ends[1] + 3)}"))
    return bars
