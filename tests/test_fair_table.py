"""The command behind `make results`: methods tuned, trained and written into a table, once."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY

PLAN = {
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


@pytest.mark.slow
def test_tunes_trains_and_tells_every_method_once(tmp_path: Path) -> None:
    plan, out, table = tmp_path / "plan.yaml", tmp_path / "fair", tmp_path / "table.md"
    plan.write_text(yaml.safe_dump(PLAN))
    command = [sys.executable, "-m", "experiments.fair", str(plan), "--out", str(out), "--table", str(table)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    rows = [line.split("|")[1].strip() for line in table.read_text().splitlines() if line.startswith("| ")]
    assert {"epsilon-greedy", "mbpo", "gt", "popular"} <= set(rows)
    assert table.read_text().startswith("# All methods, tuned alike\n")
    assert "### synthetic, what was tuned" in table.read_text()
    assert rows.count("mbpo") == 4  # last 20% of epochs, all epochs, time, and what was chosen for it
    assert len(list(out.glob("tuning/synthetic/*/study-*/study.json"))) == 2
    runs = {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")}
    assert len(runs) == 3 * 2
    chosen = yaml.safe_load((out / "grids" / "synthetic.yaml").read_text())["for"]
    assert [entry["methods"] for entry in chosen] == ["epsilon-greedy", "mbpo", "gt"]
    assert all(entry["set"]["training"] == {"steps_per_epoch": 500, "environments": 20, "epochs": 2} for entry in chosen)
    assert "a2c" in chosen[1]["set"]

    table.unlink()
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    assert table.exists()
    assert {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")} == runs
