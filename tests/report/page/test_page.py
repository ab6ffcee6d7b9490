"""The page: its contents, omissions, and independence of other files."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from darlr.errors import InputError
from darlr.report.analysis.runs import collect
from darlr.report.page.page import page
from darlr.report.rendering.tables import tables_of
from tests.report.folders import write_recorded, write_run
from tests.report.page.reading import Element, read, tables

BASELINES = {"mbpo", "dorl", "sqn"}
LEAVE = {"leave": {"by": "distance", "window": 4, "tolerance": 0.0, "max_steps": 30}}
STATICS = {"opponents": {"item_mean": {"nx_0": {"r_tra": 78.5, "length": 30.0, "mcd": None}}}}
TIMES = {"steps_per_second": 2000.0, "peak_memory_mib": 450.0, "seconds": {"sampling": 4.0, "learning": 2.0, "testing": 1.0}}


def records(returns: Sequence[float], **others: float | None) -> list[dict[str, Any]]:
    """Epochs with these returns, sampled, one more greedy; in `others` a double underscore stands for the slash."""
    more = {name.replace("__", "/"): value for name, value in others.items()}
    return [{"nx_0/sampled/r_tra": value, "nx_0/greedy/r_tra": value + 1, **more} for value in returns]


def shown(out: Path) -> Element:
    return read(page(collect([out]), BASELINES))


def part(whole: Element, title: str) -> Element:
    [found] = [section for section in whole.all("section") if [child.text for child in section.all("h3")] == [title]]
    return found


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """DORL and DARLR on Coat with two seeds, MBPO with another, all that is drawn recorded."""
    for method, seed, first in (
        ("dorl", 0, 72.0),
        ("dorl", 1, 73.0),
        ("darlr", 0, 74.0),
        ("darlr", 1, 78.0),
        ("mbpo", 7, 60.0),
    ):
        epochs = [
            {**record, "error/table": 0.5 / place, "error/sampled": 0.6 / place}
            for place, record in enumerate(records([first, first + 1, first + 3]), start=1)
        ]
        for epoch in epochs:
            epoch |= {"nx_0/sampled/length": first / 3, "nx_0/sampled/mcd": first / 100}
        write_recorded(tmp_path, method, seed, epochs, settings=LEAVE, extra=STATICS | TIMES)
    return tmp_path


def test_it_is_well_formed_and_loads_nothing(runs: Path) -> None:
    text = page(collect([runs]), BASELINES)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    whole = read(text)
    elements = whole.everything()
    identities = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert len(identities) == len(set(identities))
    links = [element.attributes["href"] for element in elements if "href" in element.attributes]
    assert links
    assert all(link.startswith("#") and link[1:] in identities for link in links)
    assert not [
        element.tag for element in elements if {"src", "srcset", "data", "action", "xlink:href"} & set(element.attributes)
    ]
    assert not {element.tag for element in elements} & {"link", "img", "iframe", "object", "embed", "base", "use", "image"}
    assert "default-src 'none'" in next(e.attributes["content"] for e in elements if "http-equiv" in e.attributes)
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", text)


def test_its_tables_are_those_of_the_report(runs: Path) -> None:
    (runs / "other").mkdir()
    write_recorded(runs / "other", "dorl", 0, records([3.0]), dataset="yahoo", settings=LEAVE)
    write_recorded(runs / "other", "darlr", 0, records([4.0]), dataset="yahoo", settings=LEAVE)
    collection = collect([runs])
    found = tables(read(page(collection, BASELINES)))
    for table in tables_of(collection, BASELINES):
        cells = [["" if cell is None else str(cell) for cell in row] for row in table.rows]
        assert found[table.title] == [list(table.header), *cells]
    assert "mean rank over data sets" in found


def test_every_section_is_there_or_told_to_be_missing(runs: Path) -> None:
    whole = shown(runs)
    titles = [heading.text for heading in whole.all("h3")]
    assert titles == [
        "By the end of learning",
        "In the paper's form",
        "Learning curves",
        "Errors of the reward",
        "Return against length",
        "Categories",
        "Time and memory",
        "Runs",
        "Not shown",
    ]
    assert [item.text for item in part(whole, "Not shown").all("li")] == [
        "Sensitivity: no two rows of a method differ in one setting alone."
    ]


def test_groups_of_users_have_a_table_of_their_own(tmp_path: Path) -> None:
    groups = {"f": {"ndcg_10": 0.25}, "m": {"ndcg_10": 0.5}}
    found = {"feature": "gender", "users": {"f": 30, "m": 70}, "values": {"policy": groups, "popular": groups}}
    epochs = [{"held_out/greedy/ndcg_10": 0.25, "held_out/greedy/recall_10": 0.5}]
    write_recorded(tmp_path, "dorl", 0, epochs, dataset="shop", extra={"by_group": found})
    table = tables(shown(tmp_path))["shop, by gender"]
    assert table[1:3] == [["dorl", "f", "30", "0.250"], ["dorl", "m", "70", "0.500"]]


def test_the_last_policy_on_every_user_stands_below_the_drawn_ones(tmp_path: Path) -> None:
    extra = STATICS | {"every_user": {"nx_0": {"r_tra": 69.0}}}
    write_recorded(tmp_path, "dorl", 0, records([70.0, 71.0]), extra=extra)
    picture = part(shown(tmp_path), "By the end of learning").all("figure")[0]
    titles = [mark.one("title").text for mark in picture.all("path", class_="mark") if mark.children]
    assert titles == ["dorl, sampled, last 20% of epochs: 71.00", "dorl, every user: 69.00", "item mean: 78.50"]


def test_shares_of_categories_over_seeds(tmp_path: Path) -> None:
    for seed, share in ((0, 0.25), (1, 0.75)):
        shares = {
            "rare": {"dominant": False, "liked": 0.125, "recommended": 0.0},
            "<b>": {"dominant": True, "liked": 0.5, "recommended": share},
        }
        epochs = records([70.0, 71.0], nx_0__sampled__mcd=0.5)
        write_recorded(tmp_path, "dorl", seed, epochs, extra={"categories": shares})
    picture = part(shown(tmp_path), "Categories").all("figure")[-1]
    titles = [mark.one("title").text for mark in picture.all("path", class_="mark") if mark.children]
    assert titles == ["liked in the log: 0.500", "dorl: 0.500", "liked in the log: 0.125", "dorl: 0.000"]
    texts = [text.text for text in picture.all("text")]
    assert texts.index("<b> *") < texts.index("rare")


def test_runs_that_did_not_record_shares_of_categories(runs: Path) -> None:
    assert "Shares of single categories are not shown: these runs did not record them." in part(shown(runs), "Categories").text


def test_curves_can_be_read_back(runs: Path) -> None:
    panel = part(shown(runs), "Learning curves").all("svg", class_="plot")[0]
    low, high = map(float, panel.attributes["data-y"].split())
    height = float(panel.attributes["height"])
    [line] = [line for line in panel.all("path", class_="line") if line.attributes["data-label"] == "darlr"]
    values = [low + (1 - float(point.split()[1]) / height) * (high - low) for point in line.attributes["d"][1:].split("L")]
    assert values == pytest.approx([76.0, 77.0, 79.0], abs=0.01)
    assert len(panel.all("path", class_="dots")) == 2  # MBPO has one seed
    assert not panel.all("path", class_="band")


def test_published_runs_stand_behind_those_whose_users_leave_alike(runs: Path) -> None:
    learning = part(shown(runs), "Learning curves")
    titles = [text.text for text in learning.all("text", class_="title")]
    assert titles[2:] == ["dorl; published: seed 0, N = 1", "mbpo; published: seed 0, N = 1"]
    [panel] = [svg for svg in learning.all("svg", role="img") if svg.all("text", class_="title")[0].text.startswith("dorl;")]
    [line] = [line for line in panel.all("path", class_="line") if line.attributes["data-label"] == "published"]
    assert line.attributes["d"].count("L") == 2  # as far as ours go: three epochs


def test_published_runs_with_another_leave_rule_are_named_instead(tmp_path: Path) -> None:
    leave = {"leave": {"by": "category", "window": 4, "tolerance": 0.0, "max_steps": 30}}
    write_recorded(tmp_path, "dorl", 0, records([20.0, 21.0]), dataset="kuairec", settings=leave)
    write_recorded(tmp_path, "roler", 0, records([20.0, 22.0]), dataset="kuairec", settings=leave)
    learning = part(shown(tmp_path), "Learning curves")
    assert [text.text for text in learning.all("text", class_="title")][1:] == ["dorl; published: seed 2, N = 4"]
    assert "Not drawn: the published roler (N = 1), whose users leave otherwise than here." in learning.text


def test_a_setting_that_was_varied_has_a_panel(tmp_path: Path) -> None:
    for references, value in ((5, 70.0), (10, 76.0), (20, 73.0)):
        for seed in (0, 1):
            chosen = {"selector": {"references": references, "pool": 100}}
            write_recorded(tmp_path, "darlr", seed, records([value + seed]), settings=chosen)
    write_recorded(tmp_path, "dorl", 0, records([72.0]))
    sensitivity = part(shown(tmp_path), "Sensitivity")
    assert [text.text for text in sensitivity.all("text", class_="title")] == ["selector.references"]
    told = [mark.one("title").text for mark in sensitivity.all("path", class_="mark") if mark.children]
    assert told == [
        f"darlr, selector.references = {value}: {mean:.2f} ± 6.35" for value, mean in ((5, 70.5), (10, 76.5), (20, 73.5))
    ]
    assert "dorl, the best baseline: 72.00" in sensitivity.text


def test_of_many_rows_each_method_has_one_in_the_first_picture(tmp_path: Path) -> None:
    varied = [{"a": value, "b": 0} for value in range(7)] + [{"a": 0, "b": value} for value in range(1, 7)]
    for settings in varied:
        write_recorded(tmp_path, "darlr", 0, records([70.0, 71.0]), settings=settings)
    write_recorded(tmp_path, "dorl", 0, records([70.0, 71.0]))
    figures = part(shown(tmp_path), "Learning curves").all("figure")
    assert [figure.one("figcaption").text.partition(":")[0] for figure in figures] == [
        "Results, sampled, mean over seeds by epoch.",
        "darlr",
    ]
    drawn = [
        [line.attributes["data-label"] for line in figure.one("svg", class_="plot").all("path", class_="line")]
        for figure in figures
    ]
    assert drawn[0] == ["darlr", "dorl"]  # the row that names no setting, and the only one
    assert len(drawn[1]) == 13
    assert "there are too many for their spread" in figures[1].text


def test_what_never_changes_is_told_in_words(tmp_path: Path) -> None:
    write_recorded(tmp_path, "dorl", 0, records([70.0, 71.0], nx_0__sampled__length=30.0))
    learning = part(shown(tmp_path), "Learning curves")
    assert [text.text for text in learning.all("text", class_="title")] == ["R_tra, the return of an episode"]
    assert "Length, the steps of an episode: 30.00 in every row at every epoch" in learning.text


def test_notes_on_the_data_stand_at_the_head_of_their_data_set(tmp_path: Path) -> None:
    told = {"notes": ["items.csv: column '<b>' is not read", "no two items are alike"]}
    for seed in range(2):
        write_recorded(tmp_path, "dorl", seed, records([70.0, 71.0]), extra=told)
    write_recorded(tmp_path, "dorl", 0, records([70.0]), dataset="other")
    first, second = shown(tmp_path).all("section", class_="dataset")
    notes = [[item.text for item in section.all("ul", class_="notes")[0].all("li")] for section in (first, second)]
    assert notes[0] == told["notes"]
    assert not set(notes[1]) & set(told["notes"])


def test_runs_without_a_truth(tmp_path: Path) -> None:
    epochs = [{"held_out/greedy/ndcg_10": value, "held_out/greedy/recall_10": value / 2} for value in (0.25, 0.5)]
    write_recorded(tmp_path, "dorl", 0, epochs, dataset="shop")
    whole = shown(tmp_path)
    assert tables(whole)["shop, held-out log rows (no truth), last 20% of epochs"][1] == [
        "dorl",
        "1",
        "0.500",
        "best baseline",
        "0.250",
    ]
    missing = [item.text.partition(":")[0] for item in part(whole, "Not shown").all("li")]
    assert missing == ["Errors of the reward", "Sensitivity", "Return against length", "Categories", "Time and memory"]
    assert [text.text for text in part(whole, "Learning curves").all("text", class_="title")] == [
        "NDCG@10 on held-out rows",
        "Recall@10 on held-out rows",
    ]


def test_names_are_escaped(tmp_path: Path) -> None:
    nasty = "<script>alert('x')</script> & \"so\""
    write_recorded(tmp_path, "dorl", 0, records([70.0, 71.0]), settings={"a": nasty})
    write_recorded(tmp_path, "dorl", 0, records([72.0, 73.0]), settings={"a": "plain"})
    text = page(collect([tmp_path]), BASELINES)
    assert "<script>alert" not in text
    whole = read(text)
    assert len(whole.all("script")) == 1
    assert f"dorl a={nasty}" in [row[0] for row in tables(whole)["coat, NX_0, last 20% of epochs"]]


def test_seeds_not_in_common_unfinished_runs_and_versions_are_told(runs: Path) -> None:
    write_run(runs, "dorl", 9, returns=None, settings=LEAVE)
    write_recorded(runs, "sqn", 0, records([1.0]))  # without `leave`, as of another version
    text = shown(runs).text
    assert "No seed in common with dorl: mbpo." in text
    assert "1 run is not finished and left out." in text
    assert "Some runs were made by code without the settings leave.by, leave.window" in text


def test_a_run_whose_records_are_gone_is_named(runs: Path) -> None:
    gone = next(runs.rglob("metrics.jsonl"))
    gone.unlink()
    with pytest.raises(InputError, match=r"does not belong to the 0 records of metrics\.jsonl") as refused:
        page(collect([runs]), BASELINES)
    assert str(gone.parent) in str(refused.value)
