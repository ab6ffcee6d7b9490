"""The command behind `make results`: methods tuned, trained and written into a table, once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from experiments import fair

from tests.conftest import REPOSITORY

PLAN: dict[str, Any] = {
    "seeds": [0, 1],
    "methods": ["epsilon-greedy", "mbpo"],
    "untuned": ["gt"],
    "trials": 2,
    "datasets": {
        "synthetic": {
            "tuning_epochs": 1,
            "epochs": 2,
            "settings": {
                "synthetic": {"users": 40, "items": 30},
                "world_model": {"members": 2, "max_epochs": 2},
                "tracker": {"kind": "mean"},
                "training": {"steps_per_epoch": 500, "environments": 20},
                "evaluation": {"episodes": 10},
            },
        }
    },
}


def make(plan: Path, out: Path, table: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "experiments.fair", str(plan), "--out", str(out), "--table", str(table)]
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("", "expected a mapping of keys to values"),
        ("trials: 2\n", "'seeds' is missing; expected seeds, methods, untuned, trials, datasets"),
        (yaml.safe_dump(PLAN | {"trails": 2}), "unknown key 'trails'; did you mean 'trials'?"),
        (yaml.safe_dump(PLAN | {"untuned": None}), "'untuned' is None; expected a list"),
        (
            yaml.safe_dump(PLAN | {"datasets": ["coat"]}),
            "'datasets' is ['coat']; expected a mapping from data sets to schedules",
        ),
        (
            yaml.safe_dump(PLAN | {"datasets": {"coat": None}}),
            "data set 'coat': is None; expected a mapping with tuning_epochs",
        ),
        (yaml.safe_dump(PLAN | {"datasets": {"coat": {"epochs": 2}}}), "data set 'coat': 'tuning_epochs' is missing"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    plan = tmp_path / "plan.yaml"
    if text is not None:
        plan.write_text(text)
    monkeypatch.setattr(
        sys, "argv", ["fair", str(plan), "--out", str(tmp_path / "fair"), "--table", str(tmp_path / "table.md")]
    )
    with pytest.raises(SystemExit) as ended:
        fair.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"fair: {plan}: {message}")
    assert told.count("\n") == 1
    assert not (tmp_path / "fair").exists()


def test_the_table_has_the_runs_of_the_plan_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[set[str]] = []

    def darlr(command: str, *arguments: object) -> None:
        """Write the files that the commands would leave."""
        given = [str(argument) for argument in arguments]
        if command == "tune":
            study = tmp_path / "fair" / "tuning" / "synthetic" / given[given.index("--method") + 1] / "study-0"
            study.mkdir(parents=True, exist_ok=True)
            (study / "sweep.yaml").write_text(yaml.safe_dump({"set": PLAN["datasets"]["synthetic"]["settings"]}))
            trial = {"value": 1.0, "settings": {}}
            budget = {"trials": 1, "epochs_a_run": 1, "seconds": 60.0}
            written = {"trials": [trial], "best": 1, "budget": budget, "measure": {"what": "return"}}
            (study / "study.json").write_text(json.dumps(written))
        if command == "report":
            reported.append(set(given[: given.index("--out")]))
            (tmp_path / "table.md").write_text("")

    monkeypatch.setattr(fair, "_darlr", darlr)
    plan, out, table = tmp_path / "plan.yaml", tmp_path / "fair", tmp_path / "table.md"
    monkeypatch.setattr(sys, "argv", ["fair", str(plan), "--out", str(out), "--table", str(table)])
    for epochs in (2, 3):
        synthetic = PLAN["datasets"]["synthetic"] | {"epochs": epochs}
        plan.write_text(yaml.safe_dump(PLAN | {"datasets": {"synthetic": synthetic}}))
        fair.main()
    for runs in reported:
        assert len(runs) == 3 * 2
        assert {Path(run).parent for run in runs} == {
            out / "runs" / "synthetic" / method for method in ("epsilon-greedy", "mbpo", "gt")
        }
    assert not reported[0] & reported[1]
    assert "summed over the trials" in table.read_text()


@pytest.mark.slow
def test_tunes_trains_and_tells_every_method_once(tmp_path: Path) -> None:
    plan, out, table = tmp_path / "plan.yaml", tmp_path / "fair", tmp_path / "table.md"
    plan.write_text(yaml.safe_dump(PLAN))
    assert make(plan, out, table).returncode == 0
    rows = [line.split("|")[1].strip() for line in table.read_text().splitlines() if line.startswith("| ")]
    assert {"epsilon-greedy", "mbpo", "gt", "popular"} <= set(rows)
    assert table.read_text().startswith("# All methods, tuned alike\n")
    assert "### synthetic, what was tuned" in table.read_text()
    assert rows.count("mbpo") == 5  # last 20% of epochs, against the best list, all epochs, time, and what was chosen for it
    assert len(list(out.glob("tuning/synthetic/*/study-*/study.json"))) == 2
    runs = {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")}
    assert len(runs) == 3 * 2
    chosen = yaml.safe_load((out / "grids" / "synthetic.yaml").read_text())["for"]
    assert [entry["methods"] for entry in chosen] == ["epsilon-greedy", "mbpo", "gt"]
    assert all(entry["set"]["training"] == {"steps_per_epoch": 500, "environments": 20, "epochs": 2} for entry in chosen)
    assert "a2c" in chosen[1]["set"]

    table.unlink()
    assert make(plan, out, table).returncode == 0
    assert table.exists()
    assert {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")} == runs

    plan.write_text(yaml.safe_dump(PLAN | {"datasets": {"synthetic": PLAN["datasets"]["synthetic"] | {"epochs": 3}}}))
    assert make(plan, out, table).returncode == 0
    rows = [line.split("|")[1].strip() for line in table.read_text().splitlines() if line.startswith("| ")]
    assert rows.count("mbpo") == 5  # its runs of two epochs are there and left out
    assert len(list(out.glob("runs/synthetic/*/*/summary.json"))) == 2 * len(runs)
