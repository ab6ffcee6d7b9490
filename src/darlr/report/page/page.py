"""The page of finished runs: its head, a table of contents, and the sections of every data set."""

from collections.abc import Collection as Names
from importlib import resources
from xml.etree.ElementTree import Element, tostring

from darlr.report.analysis.comparison import rank_table
from darlr.report.analysis.overview import outcomes_of, overview_table
from darlr.report.analysis.runs import Collection
from darlr.report.page.layout import Section, table_box
from darlr.report.page.material import Material
from darlr.report.page.nodes import node
from darlr.report.page.sections import SECTIONS
from darlr.report.page.worlds import worlds_part
from darlr.report.rendering.tables import general_notes

# The policy forbids a browser to load anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page(collection: Collection, baselines: Names[str]) -> str:
    """Return the whole page as HTML.

    Args:
        collection: the runs.
        baselines: the methods that the others are compared with.

    Raises:
        InputError: naming a run whose records are missing.
    """
    contents: list[Element] = []
    parts: list[Element] = []
    outcomes = outcomes_of(collection.groups)
    if (whole := overview_table(outcomes)) is not None:
        contents.append(node("li", node("a", "All worlds", href="#worlds")))
        parts.append(worlds_part(outcomes, whole))
    for place, (dataset, groups) in enumerate(collection.groups.items(), start=1):
        entry, part = _dataset(f"data-{place}", Material.of(dataset, groups, baselines))
        contents.append(entry)
        parts.append(part)
    if whole is None and (ranks := rank_table(collection.groups)) is not None:
        contents.append(node("li", node("a", "Mean ranks", href="#ranks")))
        parts.append(node("section", node("h2", "Mean ranks"), table_box(ranks), id="ranks", class_="dataset"))
    title = f"darlr report: {', '.join(collection.groups)}"
    notes = [node("li", note) for note in general_notes(collection)]
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=POLICY),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("title", title),
        node("style", _file("style.css")),
    )
    header = node(
        "header", node("h1", title), node("p", _told(collection)), node("ul", *notes, class_="notes") if notes else None
    )
    navigation = node("nav", node("ul", *contents), aria_label="Contents")
    body = node(
        "body", header, node("div", navigation, node("main", *parts), class_="columns"), node("script", _file("hover.js"))
    )
    return "<!doctype html>\n" + tostring(node("html", head, body, lang="en"), encoding="unicode", method="html") + "\n"


def _dataset(name: str, material: Material) -> tuple[Element, Element]:
    """Return a data set's entry in the table of contents, and its part of the page."""
    made = {title: make(material) for title, make in SECTIONS.items()}
    sections = [part for part in made.values() if isinstance(part, Section)]
    missing = [node("li", f"{title}: {reason}.") for title, reason in made.items() if isinstance(reason, str)]
    links = [node("li", node("a", part.title, href=f"#{name}-{place}")) for place, part in enumerate(sections)]
    shown = [node("section", node("h3", part.title), *part.parts, id=f"{name}-{place}") for place, part in enumerate(sections)]
    absent = [node("section", node("h3", "Not shown"), node("ul", *missing, class_="notes"))] if missing else []
    entry = node("li", node("a", material.dataset, href=f"#{name}"), node("ul", *links))
    told = node("ul", *(node("li", note) for note in material.notes), class_="notes") if material.notes else None
    headline = material.tables.headline
    lead = node("p", headline, class_="lead") if headline else None
    return entry, node("section", node("h2", material.dataset), lead, told, *shown, *absent, id=name, class_="dataset")


def _told(collection: Collection) -> str:
    """Return a line about the page's content."""
    runs = list(collection.runs())
    counts = {
        "run": len(runs),
        "data set": len(collection.groups),
        "method": len({run.method for run in runs}),
        "seed": len({run.seed for run in runs}),
    }
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    return f"{told}; made by darlr {', '.join(collection.versions)}."


def _file(name: str) -> str:
    return resources.files("darlr.report.page").joinpath(name).read_text(encoding="utf-8")
