"""`darlr card`: a page that says of a run what a stranger has to know."""

from pathlib import Path

import pytest

import darlr as package
from tests.cli.conftest import Command
from tests.runs import train_small, write_planted_world

SECTIONS = ["Policy", "Data", "Settings", "Judge", "Limits", "Cost", "Licence"]


def headings(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def test_a_card_has_all_sections(darlr: Command, run: Path) -> None:
    ended = darlr("card", run)
    assert (ended.code, ended.err) == (0, "")
    text = ended.out
    assert text.startswith("# dorl on planted\n")
    assert headings(text) == SECTIONS
    assert "best list" in text.splitlines()[2]
    assert "| training.epochs | 3 | 200 |" in text
    assert "| training.discount" not in text
    assert "Judged by the data set's truth (NX\\_0)" in text or "Judged by the data set's truth (NX_0)" in text
    assert "SHA-256" in text
    assert package.Run.open(run).card() == text


def test_a_card_of_a_log_alone_says_who_judged_and_which_licence(darlr: Command, tmp_path: Path) -> None:
    folder = write_planted_world(tmp_path / "own", truth=False)
    settings = folder / "dataset.yaml"
    settings.write_text(settings.read_text() + "licence: CC BY 4.0\n")
    path = train_small(Path("runs"), {"dataset": str(folder)}).path
    assert darlr("card", path, "--out", "card.md").code == 0
    text = Path("card.md").read_text()
    assert "Judged by rows of the log that were held out, since there is no truth" in text
    assert "- Data: CC BY 4.0." in text
    (folder / "dataset.yaml").unlink()
    assert "Data: not known here: ask whoever collected them" in darlr("card", path).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such run folder"),
        (["nowhere", "--out", "card.pdf"], "card.pdf: cannot write '.pdf' files; expected one of .md"),
    ],
)
def test_refuses_in_one_line(darlr: Command, arguments: list[str], message: str) -> None:
    ended = darlr("card", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"darlr: {message}\n"


def test_an_unfinished_run_has_no_card(darlr: Command, run: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "summary.json").unlink()
    ended = darlr("card", copy)
    assert ended.code == 2
    assert ended.err.endswith("copy: this run is not finished; expected a finished one\n")
