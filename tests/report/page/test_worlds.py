"""The part of the page about all worlds."""

from pathlib import Path

import pytest

from darlr.report.analysis.overview import outcomes_of
from darlr.report.analysis.ranking import ranking_of
from darlr.report.analysis.runs import collect
from darlr.report.page.page import page
from darlr.report.page.worlds import ranks_diagram
from tests.report.analysis.test_overview import write
from tests.report.page.reading import Element, read, tables


@pytest.fixture
def two_worlds(tmp_path: Path) -> Path:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "dorl", [5.0, 6.0, 7.0], popular=4.0)
        write(tmp_path, dataset, "mbpo", [3.0, 3.0, 2.0], popular=4.0)
    return tmp_path


def shown(out: Path) -> Element:
    return read(page(collect([out]), {"mbpo"}))


def test_it_comes_first_with_the_table_and_the_diagram(two_worlds: Path) -> None:
    whole = shown(two_worlds)
    assert [heading.text for heading in whole.all("h2")] == ["All worlds", "coat", "yahoo"]
    found = tables(whole)
    assert [row[0] for row in found["all worlds, against the best list"]] == ["method", "dorl", "popular", "mbpo"]
    assert "mean rank over data sets" not in found  # by another measure: one order is enough
    [part] = whole.all("section", id="worlds")
    [diagram] = part.all("svg")
    assert diagram.attributes["aria-label"] == "mean ranks: dorl 1.0, the best list 2.0, mbpo 3.0"


def test_the_diagram_names_the_better_half_at_the_left(two_worlds: Path) -> None:
    drawn = ranks_diagram(ranking_of(outcomes_of(collect([two_worlds]).groups)))
    anchors = {text.text: text.attrib["text-anchor"] for text in drawn.iter("text") if "text-anchor" in text.attrib}
    assert {name: anchors[name] for name in ("dorl 1.0", "the best list 2.0", "mbpo 3.0")} == {
        "dorl 1.0": "end",
        "the best list 2.0": "end",
        "mbpo 3.0": "start",
    }
    assert [path.findtext("title") for path in drawn.iter("path") if path.get("class") == "alike"] == [
        "dorl to mbpo: no two differ"
    ]


def test_methods_that_cannot_be_ranked_have_a_line_instead(tmp_path: Path) -> None:
    for dataset in ("coat", "yahoo"):
        write(tmp_path, dataset, "gt", [5.0, 6.0], popular=4.0)
    [part] = shown(tmp_path).all("section", id="worlds")
    assert part.all("svg") == []
    assert "No diagram of mean ranks: 1 methods to rank" in part.text
