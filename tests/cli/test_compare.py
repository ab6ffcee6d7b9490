"""`darlr compare`: what it prints, writes and refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.report.folders import write_run, write_seeds


def test_it_prints_what_differs_and_the_results(darlr: Command) -> None:
    write_seeds(Path("a"), "dorl", [1.0, 2.0, 3.0])
    write_seeds(Path("b"), "darlr", [2.0, 5.0, 5.0])
    ended = darlr("compare", "a", "b")
    assert (ended.code, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["settings", "method", "dorl", "darlr"] in lines
    assert ["R_tra,", "sampled", "2.000", "±", "2.484", "4.000", "±", "4.303", "2.000", "±", "2.484"] in lines
    assert "Paired over seeds 0, 1, 2." in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("name", "beginning"), [("x.md", "### what differs"), ("x.tex", r"\begin{table}"), ("x.csv", "metric,A,A ±,B,B ±,")]
)
def test_it_writes_files(darlr: Command, name: str, beginning: str) -> None:
    a, b = write_run(Path("a"), "dorl"), write_run(Path("b"), "darlr")
    ended = darlr("compare", a, b, "--out", name)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    text = Path(name).read_text()
    assert text.startswith(beginning)
    assert "R_tra, sampled" in text.replace(r"\_", "_")


def test_bad_input_is_one_line_and_leaves_nothing(darlr: Command) -> None:
    run = write_run(Path("a"), "dorl")
    for arguments, message in (
        ((run, "none"), "none: no such folder; expected a run or a folder with runs"),
        ((run, run), "is on both sides; expected different runs"),
        ((run, "none", "--out", "x.pdf"), "x.pdf: cannot write '.pdf' files; expected one of .md, .tex, .csv"),
    ):
        ended = darlr("compare", *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err
        assert ended.err.count("\n") == 1
    assert [file.name for file in Path().iterdir()] == ["a"]
