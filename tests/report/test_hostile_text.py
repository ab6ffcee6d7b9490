"""Names that are markup in some medium, in all files of a report."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest
import rich.console
from matplotlib.figure import Figure

from darlr.report.page.layout import table_box
from darlr.report.page.nodes import node
from darlr.report.plots.curves import save_figure
from darlr.report.rendering.table import Quantity, Table, to_csv, to_markdown, to_rich
from darlr.text import visible
from tests.hostile import NAMES


def table_of(name: str) -> Table:
    return Table(name, ("what", name), ((name, Quantity(1.5)), ("a", None)), (name,))


@pytest.mark.parametrize("name", NAMES)
def test_terminals_show_names_as_they_are(name: str) -> None:
    console = rich.console.Console(file=io.StringIO(), width=300, force_terminal=True, color_system=None, emoji=True)
    with console.capture() as capture:
        console.print(to_rich(table_of(name)))
    plain = capture.get().replace("\x1b[1m", "").replace("\x1b[3m", "").replace("\x1b[2;3m", "").replace("\x1b[0m", "")
    assert plain.count(visible(name)) == 4
    assert plain.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_files_show_names_as_they_are(name: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(table_of(name)))))
    assert [len(row) for row in rows] == [3, 3, 3]
    assert rows[1][0].removeprefix("'") == visible(name)
    assert to_markdown(table_of(name)).count("\n") == 8


class Texts(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str | None] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_pages_show_names_as_they_are(name: str) -> None:
    found = Texts(tostring(node("div", table_box(table_of(name)), title=name), encoding="unicode", method="html"))
    plain = Texts(tostring(node("div", table_box(table_of("plain")), title="plain"), encoding="unicode", method="html"))
    assert [tag for tag in found.tags if tag != "wbr"] == plain.tags
    assert visible(name) in found.attributes
    assert visible(name) in found.texts
    assert visible(name) in "".join(found.texts)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_show_names_as_they_are(tmp_path: Path, suffix: str) -> None:
    figure = Figure(layout="constrained")
    figure.suptitle(NAMES[0])
    axes = figure.subplots()
    for name in NAMES:
        axes.plot([1, 2], label=name)
    axes.annotate(NAMES[1], (0, 1))
    axes.legend()
    save_figure(figure, tmp_path / f"curves.{suffix}")
    assert (tmp_path / f"curves.{suffix}").stat().st_size > 1000
    if suffix == "svg":
        assert "<!-- left \\u202eright\\u2066 -->" in (tmp_path / "curves.svg").read_text()
