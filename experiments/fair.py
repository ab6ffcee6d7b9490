"""The fair table: every method tuned with the same budget and without the truth, then trained over the seeds.

    python -m experiments.fair experiments/fair.yaml --out runs/fair --table docs/fair_table.md

It is made of `darlr tune`, `darlr sweep` and `darlr report`, so it may be stopped anywhere: the same command goes on.
Below `--out`, `tuning/` has every study with its budget and space, `grids/` what was chosen, `runs/` what the table is made of.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from darlr.report.table import Cell, Quantity, Table, to_markdown


def main() -> None:
    """Make the table that the command line asks for."""
    parser = argparse.ArgumentParser(description="Tune every method alike, train it over the seeds, and write the table.")
    parser.add_argument("plan", type=Path, help="which methods, data sets and schedules, in YAML")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is tried and trained")
    parser.add_argument("--table", type=Path, required=True, help="where the table goes, in Markdown")
    asked = parser.parse_args()
    plan = yaml.safe_load(asked.plan.read_text(encoding="utf-8"))
    tuning = []
    for dataset, schedule in plan["datasets"].items():
        shared = _written(asked.out / "grids" / f"{dataset}-shared.yaml", schedule["settings"])
        budget = ("--trials", plan["trials"], "--epochs", schedule["tuning_epochs"], "--config", shared)
        studies = {method: _tuned(asked.out / "tuning", dataset, method, budget) for method in plan["methods"]}
        tuning.append(_how_tuned(dataset, schedule["settings"], studies))
        settings = {method: _chosen(study) for method, study in studies.items()}
        settings |= dict.fromkeys(plan["untuned"], schedule["settings"])
        _darlr("sweep", _grid(asked.out, dataset, schedule["epochs"], plan["seeds"], settings), "--out", asked.out / "runs")
    _darlr("report", asked.out / "runs", "--out", asked.table)
    results = asked.table.read_text(encoding="utf-8")
    asked.table.write_text("\n".join([_heading(asked.plan, plan), results, *map(to_markdown, tuning)]), encoding="utf-8")


def _heading(path: Path, plan: Mapping[str, Any]) -> str:
    """What the tables below it are, in Markdown."""
    schedules = ", ".join(f"{dataset} {schedule['epochs']}" for dataset, schedule in plan["datasets"].items())
    seeds = ", ".join(map(str, plan["seeds"]))
    return (
        "# All methods, tuned alike\n\n"
        f"Written by `python -m experiments.fair {path}`: every method tuned with the same budget and without the truth (at\n"
        f"the end: what was tried), then trained over the seeds {seeds} for the same number of epochs ({schedules}).\n"
    )


def _tuned(folder: Path, dataset: str, method: str, budget: tuple[object, ...]) -> Path:
    """The folder of the method's study, which is done, by a second world model (docs/tuning.md)."""
    _darlr("tune", "--dataset", dataset, "--method", method, *budget, "--out", folder)
    studies = list((folder / dataset / method).glob("study-*"))
    if len(studies) != 1:
        raise SystemExit(f"{folder / dataset / method}: {len(studies)} studies; expected one; give another plan another --out")
    return studies[0]


def _chosen(study: Path) -> dict[str, Any]:
    """The settings that the method did best with."""
    settings: dict[str, Any] = yaml.safe_load((study / "sweep.yaml").read_text(encoding="utf-8"))["set"]
    return settings


def _how_tuned(dataset: str, shared: Mapping[str, Any], studies: Mapping[str, Path]) -> Table:
    """What was tried for each method, and what was chosen."""
    rows: list[tuple[Cell, ...]] = []
    for method, folder in studies.items():
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        first, best = study["trials"][0], study["trials"][study["best"] - 1]
        chosen = ", ".join(f"{key} {value}" for key, value in best["settings"].items())
        minutes = Quantity(study["budget"]["seconds"] / 60)
        values = (None if trial["value"] is None else Quantity(trial["value"]) for trial in (first, best))
        rows.append((method, str(len(study["trials"])), minutes, *values, chosen))
    notes = (
        f"{study['budget']['trials']} trials of {study['budget']['epochs_a_run']} epochs and one seed for every method, or all"
        " there are where a space has fewer. minutes: of all trials, by the clock.",
        f"first, best: by the {study['measure']['what']}; the first trial has the method's own settings.",
        f"All share {json.dumps(shared)}. The spaces are in src/darlr/tuning/spaces.yaml.",
    )
    return Table(f"{dataset}, what was tuned", ("method", "trials", "minutes", "first", "best", "chosen"), tuple(rows), notes)


def _grid(out: Path, dataset: str, epochs: int, seeds: list[int], settings: dict[str, dict[str, Any]]) -> Path:
    """The sweep over all methods of a data set, each with its settings."""
    grid = {
        "datasets": dataset,
        "methods": list(settings),
        "seeds": seeds,
        "for": [{"methods": method, "set": _longer(chosen, epochs)} for method, chosen in settings.items()],
    }
    return _written(out / "grids" / f"{dataset}.yaml", grid)


def _longer(settings: dict[str, Any], epochs: int) -> dict[str, Any]:
    return settings | {"training": settings.get("training", {}) | {"epochs": epochs}}


def _written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _darlr(*arguments: object) -> None:
    """Run a command of darlr; where it fails, so does this."""
    ended = subprocess.run([sys.executable, "-m", "darlr.cli.main", *map(str, arguments)], check=False)
    if ended.returncode:
        raise SystemExit(ended.returncode)


if __name__ == "__main__":
    main()
