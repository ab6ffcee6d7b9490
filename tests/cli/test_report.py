"""`darlr report`: what it prints, what it writes, and what it refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.report.folders import write_run, write_seeds
from tests.report.page.reading import read
from tests.runs import TrainedOnce, train_small, write_planted_world


@pytest.fixture
def runs() -> Path:
    write_seeds(Path("runs"), "dorl", [72.0, 73.0])
    write_seeds(Path("runs"), "darlr", [74.0, 76.0])
    write_run(Path("runs"), "darlr", 2, returns=None)
    return Path("runs")


@pytest.mark.usefixtures("darlr")
def test_prints_the_tables(darlr: Command, runs: Path) -> None:
    ended = darlr("report", runs)
    assert (ended.code, ended.err) == (0, "")
    for text in (
        "coat, NX_0, last 20% of epochs",
        "coat, NX_0, all epochs",
        "best baseline",
        "71.40 ± 2.06",
        "1 run is not finished",
    ):
        assert text in ended.out


def test_writes_markdown_latex_and_csv(darlr: Command, runs: Path) -> None:
    for suffix, begin in ((".md", "### coat, NX_0"), (".tex", r"\begin{table}"), (".csv", "dataset,method,settings,seed")):
        ended = darlr("report", runs, "--out", f"table{suffix}")
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        assert Path(f"table{suffix}").read_text().startswith(begin)


def test_real_runs_with_and_without_truth(darlr: Command, trained_once: TrainedOnce, tmp_path: Path) -> None:
    trained_once(Path("runs"), {"method": "mbpo"})
    train_small(Path("runs"), {"dataset": str(write_planted_world(tmp_path / "own", truth=False))})
    ended = darlr("report", "runs")
    assert ended.code == 0
    for text in ("synthetic, NX_0, last 20%", "truth oracle", "own, held-out log rows (no truth), all epochs", "NDCG@10"):
        assert text in ended.out
    assert darlr("report", "runs", "--out", "pages/page.html").code == 0
    whole = read(Path("pages/page.html").read_text())
    assert [heading.text for heading in whole.all("h2")] == ["own", "synthetic"]
    titles = [heading.text for heading in whole.all("h3")]
    assert titles.count("Learning curves") == 2
    assert titles.count("Errors of the reward") == 1


def test_a_run_without_records_has_no_page(darlr: Command, runs: Path) -> None:
    next(runs.rglob("metrics.jsonl")).unlink()
    ended = darlr("report", runs, "--out", "page.html")
    assert (ended.code, ended.out) == (2, "")
    assert "metrics.jsonl" in ended.err
    assert ended.err.count("\n") == 1
    assert not Path("page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such folder; expected a run or a folder with runs"),
        (["."], ".: no finished run in it"),
        (["runs", "--out", "table.doc"], "table.doc: cannot write '.doc' files; expected one of .html, .md, .tex, .csv"),
        ([], "no folder is given; expected run folders or folders that hold runs, for example 'runs', or --worlds FILE"),
        (["runs", "--worlds", "worlds.yaml"], "both folders and --worlds are given"),
        (["--worlds", "worlds.yaml"], "worlds.yaml: no such file"),
        (["runs", "--plot", "ranks"], "--plot is 'ranks', but no picture is written; expected --out with .png, .svg or .pdf"),
        (["runs", "--plot", "cost", "--out", "page.html"], "--plot is 'cost', but no picture is written"),
    ],
)
def test_bad_input_is_one_line(darlr: Command, arguments: list[str], message: str) -> None:
    ended = darlr("report", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"darlr: {message}")
    assert ended.err.count("\n") == 1


def test_help_shows_no_empty_default(darlr: Command) -> None:
    ended = darlr("report", "--help")
    assert ended.code == 0
    assert "default: )" not in ended.out
    assert "(default: --worlds)" in ended.out


def test_the_page_of_one_run_speaks_of_one(darlr: Command, run: Path) -> None:
    assert darlr("report", run, "--out", "page.html").code == 0
    text = Path("page.html").read_text()
    assert "<summary>1 run</summary>" in text
    assert "All 1 runs" not in text


def test_rows_get_the_names_of_a_file(darlr: Command, runs: Path) -> None:
    Path("names.yaml").write_text("darlr: Zhang et al.\n")
    ended = darlr("report", runs, "--names", "names.yaml")
    assert ended.code == 0
    assert "Zhang et al." in ended.out
    Path("names.yaml").write_text("darlr: 3\n")
    ended = darlr("report", runs, "--names", "names.yaml")
    assert (ended.code, ended.err) == (2, "darlr: names.yaml: the name of row 'darlr' is 3; expected text\n")


def test_a_picture_for_a_paper(darlr: Command, runs: Path) -> None:
    ended = darlr("report", runs, "--out", "curves.pdf", "--width", "column")
    assert (ended.code, ended.err) == (0, "")
    assert b"/Type /Font" in Path("curves.pdf").read_bytes()
    assert b"/Subtype /Type3" not in Path("curves.pdf").read_bytes()


def write_worlds(*worlds: str) -> None:
    """Runs of two methods in every world, tested on every user beside a list."""
    for world in worlds:
        for method, level in (("dorl", 5.0), ("mbpo", 3.0)):
            for seed in range(3):
                extra = {"every_user": {"nx_0": {"r_tra": level + seed}}, "seconds": {"learning": level}}
                write_run(Path(world), method, seed, opponents={"popular": {"nx_0": {"r_tra": 4.0}}}, extra=extra)


def test_worlds_get_the_names_of_a_file(darlr: Command) -> None:
    write_worlds("first", "second")
    Path("worlds.yaml").write_text("users stay: first\nusers leave: [second]\n")
    ended = darlr("report", "--worlds", "worlds.yaml", "--out", "table.md")
    assert (ended.code, ended.err) == (0, "")
    assert Path("table.md").read_text().startswith("### all worlds, against the best list")
    assert "| method | learns from | mean rank | users stay | users leave | training, s |" in Path("table.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coat: 3\n", "worlds.yaml: world 'coat' has 3; expected a name, and a folder or a list of them"),
        ("coat: []\n", "worlds.yaml: world 'coat' has []; expected a name, and a folder or a list of them"),
        ("{}\n", "worlds.yaml: names no world; expected lines 'WORLD: DIR'"),
        ("coat: nowhere\n", "nowhere: no such folder"),
        ("a: first\nb: first\n", "belongs to the worlds 'a' and 'b'; expected one"),
    ],
)
def test_worlds_that_cannot_be_read_are_refused_in_a_line(darlr: Command, text: str, message: str) -> None:
    write_worlds("first")
    Path("worlds.yaml").write_text(text)
    ended = darlr("report", "--worlds", "worlds.yaml")
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("plot", ["ranks", "cost"])
def test_pictures_of_all_worlds(darlr: Command, plot: str) -> None:
    write_worlds("first", "second")
    Path("worlds.yaml").write_text("a: first\nb: second\n")
    ended = darlr("report", "--worlds", "worlds.yaml", "--out", "picture.svg", "--plot", plot)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert "<svg" in Path("picture.svg").read_text()


@pytest.mark.parametrize("plot", ["ranks", "cost"])
def test_runs_that_a_picture_cannot_show_are_refused_in_a_line(darlr: Command, runs: Path, plot: str) -> None:
    ended = darlr("report", runs, "--out", "picture.svg", "--plot", plot)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert not Path("picture.svg").exists()
