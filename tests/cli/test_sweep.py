"""`darlr sweep`: what it prints, its exit codes, and what it refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.runs import TrainedOnce
from tests.sweep.grids import write_small


def test_a_dry_run_tells_what_is_to_do_and_does_nothing(darlr: Command, trained_once: TrainedOnce) -> None:
    trained_once(Path("runs"), {"method": "dorl"})
    before = sorted(Path("runs").rglob("*"))
    file = write_small(Path("grid.yaml"), seeds=[0, 1])
    ended = darlr("sweep", file, "--dry-run", "--workers", 3)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert any("synthetic dorl seed 0" in line and "finished" in line for line in lines)
    [open_cell] = [line for line in lines if "synthetic mbpo seed 1" in line]
    assert "new" in open_cell
    assert " ? " in open_cell
    assert "4 cells, 1 finished, 3 to do; 1 world model to fit" in ended.out
    assert "with 3 workers" in ended.out
    assert sorted(Path("runs").rglob("*")) == before


def test_a_cost_tells_what_it_rests_on(darlr: Command, trained_once: TrainedOnce) -> None:
    trained_once(Path("runs"), {"method": "dorl"})
    file = write_small(Path("grid.yaml"), methods="dorl", seeds=[0, 1])
    ended = darlr("sweep", file, "--dry-run")
    [open_cell] = [line for line in ended.out.splitlines() if "synthetic dorl seed 1" in line]
    assert " ~ " in open_cell
    assert "~: from finished runs like it that took less than 60 s together" in " ".join(ended.out.split())


def test_a_failed_cell_is_listed_at_the_end_and_a_second_sweep_tries_it_alone(darlr: Command) -> None:
    file = write_small(
        Path("grid.yaml"), methods=["mbpo", "mopo"], **{"for": [{"methods": "mopo", "set": {"a2c.learning_rate": 1e30}}]}
    )
    ended = darlr("sweep", file, "--workers", 2)
    assert ended.code == 3
    assert "1 of 2 cells finished, 0 of them before" in ended.out
    *_, failure, last = ended.err.splitlines()
    assert failure.startswith("failed: synthetic mopo seed 0: runs/synthetic/mopo/")
    assert failure.endswith("epoch 1: the policy loss is nan; stopped")
    assert last == "darlr: 1 of 2 cells failed; the same command tries them again"
    assert "Traceback" not in ended.err

    again = darlr("sweep", write_small(Path("grid.yaml"), methods=["mbpo"]))
    assert (again.code, again.err) == (0, "")
    assert "1 of 1 cell finished, 1 of them before" in again.out


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("methods: mbpo", [], "grid.yaml: 'datasets' is missing"),
        ("datasets: synthetic\nmethods: drol", [], "grid.yaml: synthetic drol seed 0: unknown method 'drol'"),
        ("datasets: synthetic\nmethods: mbpo\nset: {a2c.x: 1}", [], "grid.yaml: unknown config key 'a2c.x'"),
        ("datasets: synthetic\nmethods: mbpo", ["--workers", "0"], "--workers is 0; expected from 1 to 1,024"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(darlr: Command, text: str, options: list[str], message: str) -> None:
    Path("grid.yaml").write_text(text)
    ended = darlr("sweep", "grid.yaml", *options)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"darlr: {message}")
    assert ended.err.count("\n") == 1
    assert [file.name for file in Path().iterdir()] == ["grid.yaml"]


@pytest.mark.parametrize("out", ["results", "results/below"])
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_file_where_results_should_go_is_refused_at_once(darlr: Command, out: str, dry_run: list[str]) -> None:
    write_small(Path("grid.yaml"))
    Path("results").write_text("mine")
    ended = darlr("sweep", "grid.yaml", "--out", out, *dry_run)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"darlr: {out}: cannot be used for results (results is a file; expected a folder)\n"
    assert Path("results").read_text() == "mine"
