"""The fair table: every method tuned with the same budget and without the truth, then trained over the seeds.

    python -m experiments.fair experiments/fair.yaml --out runs/fair --table docs/fair_table.md

It runs `darlr tune`, `darlr sweep` and `darlr report`, so it may be stopped anywhere: the same command continues. Below
`--out`, `tuning/` has every study with its budget and space, `grids/` the chosen settings, and `runs/` the runs of the
table. Runs of another plan in the same place are left out of the table.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from darlr.config.loading import merge
from darlr.config.yaml_text import read_yaml, yaml_text
from darlr.errors import DarlrError, InputError, unknown
from darlr.report.rendering.table import Cell, Quantity, Table, to_markdown
from darlr.sweep.grid import Grid
from darlr.sweep.plan import plan as planned

PLAN_KEYS = ("seeds", "methods", "untuned", "trials", "datasets")
OPTIONAL_PLAN_KEYS = ("own",)
SCHEDULE_KEYS = ("tuning_epochs", "epochs", "settings")


def main() -> None:
    """Make the table that the command line asks for; an error is one line, and exit code 2."""
    parser = argparse.ArgumentParser(description="Tune every method alike, train it over the seeds, and write the table.")
    parser.add_argument("plan", type=Path, help="which methods, data sets and schedules, in YAML")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is tried and trained")
    parser.add_argument("--table", type=Path, required=True, help="where the table goes, in Markdown")
    asked = parser.parse_args()
    try:
        _make(asked.plan, asked.out, asked.table)
    except DarlrError as error:
        print(f"fair: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _make(path: Path, out: Path, table: Path) -> None:
    """Tune, train and write the table, following the plan in the file `path`."""
    plan = _read(path)
    tuning: list[Table] = []
    runs: list[Path] = []
    for dataset, schedule in plan["datasets"].items():
        own = {method: merge(schedule["settings"], settings) for method, settings in plan.get("own", {}).items()}
        budget = ("--trials", plan["trials"], "--epochs", schedule["tuning_epochs"])
        studies: dict[str, Path] = {}
        for method in plan["methods"]:
            start = own.get(method, schedule["settings"])
            config = _written(out / "grids" / f"{_named(dataset)}-{method}-start.yaml", start)
            studies[method] = _tuned(out / "tuning", dataset, method, (*budget, "--config", config))
        tuning.append(_how_tuned(dataset, schedule["settings"], studies))
        settings = {method: _chosen(study) for method, study in studies.items()}
        settings |= {method: own.get(method, schedule["settings"]) for method in plan["untuned"]}
        grid = _grid(out, dataset, schedule["epochs"], plan["seeds"], settings)
        _darlr("sweep", grid, "--out", out / "runs")
        runs += [cell.run for cell in planned(Grid.read(grid).points(), None, out / "runs")]
    _darlr("report", *runs, "--out", table)
    results = table.read_text(encoding="utf-8")
    table.write_text("\n".join([_heading(path, plan), results, *map(to_markdown, tuning)]), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    """Read the plan; raises `InputError` naming the file, and the key that is missing or unknown."""
    plan = read_yaml(path)
    _require_keys(plan, PLAN_KEYS, f"{path}", OPTIONAL_PLAN_KEYS)
    if not isinstance(plan["datasets"], dict):
        raise InputError(f"{path}: 'datasets' is {plan['datasets']!r}; expected a mapping from data sets to schedules")
    for key in ("seeds", "methods", "untuned"):
        if not isinstance(plan[key], list):
            raise InputError(f"{path}: '{key}' is {plan[key]!r}; expected a list")
    for dataset, schedule in plan["datasets"].items():
        _require_keys(schedule, SCHEDULE_KEYS, f"{path}: data set '{dataset}'")
    return plan


def _require_keys(content: Any, keys: tuple[str, ...], place: str, optional: tuple[str, ...] = ()) -> None:
    if not isinstance(content, dict):
        raise InputError(f"{place}: is {content!r}; expected a mapping with {', '.join(keys)}")
    for key in content:
        if key not in (*keys, *optional):
            raise InputError(f"{place}: {unknown('key', str(key), (*keys, *optional))}")
    for key in keys:
        if key not in content:
            raise InputError(f"{place}: '{key}' is missing; expected {', '.join(keys)}")


def _heading(path: Path, plan: Mapping[str, Any]) -> str:
    """Describe the tables below it, in Markdown."""
    schedules = ", ".join(f"{dataset} {schedule['epochs']}" for dataset, schedule in plan["datasets"].items())
    seeds = ", ".join(map(str, plan["seeds"]))
    return (
        "# All methods, tuned alike\n\n"
        f"`python -m experiments.fair {path}` writes this page. Every method is tuned with the same budget and without the\n"
        f"truth. The tables at the end list the settings that were tried. Then every method is trained over the seeds\n"
        f"{seeds}, for the same number of epochs ({schedules}).\n"
    )


def _tuned(folder: Path, dataset: str, method: str, budget: tuple[object, ...]) -> Path:
    """Return the folder of the method's study, which is judged by a second world model (docs/tuning.md) and finished here."""
    _darlr("tune", "--dataset", dataset, "--method", method, *budget, "--out", folder)
    place = folder / _named(dataset) / method
    studies = list(place.glob("study-*"))
    if len(studies) != 1:
        raise InputError(f"{place}: {len(studies)} studies; expected one; give another plan another --out")
    return studies[0]


def _chosen(study: Path) -> dict[str, Any]:
    """Return the best settings of the method's study."""
    settings: dict[str, Any] = yaml.safe_load((study / "sweep.yaml").read_text(encoding="utf-8"))["set"]
    return settings


def _how_tuned(dataset: str, shared: Mapping[str, Any], studies: Mapping[str, Path]) -> Table:
    """Describe the settings tried for each method, and the chosen ones."""
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
        " there are where a space has fewer. minutes: of sampling, learning and testing, summed over the trials, of which"
        " several may run at a time; without the world models' fits.",
        f"first, best: by the {study['measure']['what']}. The first trial has the method's own settings.",
        f"All share {json.dumps(shared)}. The spaces are in src/darlr/methods.",
    )
    return Table(f"{dataset}, what was tuned", ("method", "trials", "minutes", "first", "best", "chosen"), tuple(rows), notes)


def _grid(out: Path, dataset: str, epochs: int, seeds: list[int], settings: dict[str, dict[str, Any]]) -> Path:
    """Return the sweep over all methods of a data set, each with its settings."""
    grid = {
        "datasets": dataset,
        "methods": list(settings),
        "seeds": seeds,
        "for": [{"methods": method, "set": _longer(chosen, epochs)} for method, chosen in settings.items()],
    }
    return _written(out / "grids" / f"{_named(dataset)}.yaml", grid)


def _named(dataset: str) -> str:
    """Return the name of a data set that may be given as a folder."""
    return Path(dataset).name


def _longer(settings: dict[str, Any], epochs: int) -> dict[str, Any]:
    return settings | {"training": settings.get("training", {}) | {"epochs": epochs}}


def _written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml_text(content), encoding="utf-8")
    return path


def _darlr(*arguments: object) -> None:
    """Run a command of darlr; if it fails, this process fails, too."""
    ended = subprocess.run([sys.executable, "-m", "darlr.cli.main", *map(str, arguments)], check=False)
    if ended.returncode:
        raise SystemExit(ended.returncode)


if __name__ == "__main__":
    main()
