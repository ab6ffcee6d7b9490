"""The fair table: every method tuned with the same budget and without the truth, then trained over the seeds.

    python -m experiments.fair experiments/fair.yaml --out runs/fair --table docs/fair_table.md

It runs `darlr tune` and `darlr sweep`, and writes the table with its pictures. It may be stopped anywhere: the same command
continues. Below `--out`, `tuning/` has every study with its budget and space, `grids/` the chosen settings, and `runs/` the
runs of the table. Runs of another plan in the same place are left out of the table.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darlr.config.loading import merge, with_settings
from darlr.config.yaml_text import yaml_text
from darlr.errors import DarlrError, InputError, RunError
from darlr.evaluation.average_ranks import require_scipy
from darlr.sweep.grid import Grid
from darlr.sweep.plan import plan as planned
from darlr.text import counted, markdown_line
from darlr.tuning.trials import RESULTS
from experiments.fair_cost import expected, recorded, spending, spent
from experiments.fair_page import Trained, write_page
from experiments.fair_plan import Plan, PlannedWorld, present_worlds


def main() -> None:
    """Make the table that the command line asks for; an error is one line, and exit code 2."""
    parser = argparse.ArgumentParser(description="Tune every method alike, train it over the seeds, and write the table.")
    parser.add_argument("plan", type=Path, help="which methods, worlds and schedules, in YAML")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is tried and trained")
    parser.add_argument("--table", type=Path, required=True, help="where the table goes, in Markdown")
    parser.add_argument("--dry-run", action="store_true", help="only print what is left to do, and its cost")
    asked = parser.parse_args()
    try:
        _make(Plan.read(asked.plan), asked.out, asked.table, asked.dry_run)
    except DarlrError as error:
        print(f"fair: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _make(plan: Plan, out: Path, table: Path, dry_run: bool) -> None:
    """Tune, train and write the table; tell the cost before and after."""
    require_scipy()  # for the ranks at the end, hours later
    worlds, absent = present_worlds(plan)
    for line in absent.values():
        print(f"fair: {line}")
    grids = {world.name: _written_grid(plan, world, out) for world in worlds}
    print(f"fair: {expected(plan, worlds, out, grids, _studies)}", flush=True)
    if dry_run:
        return
    with spending(out):
        trained = [_trained(plan, world, out) for world in worlds]
    if not any(world.runs for world in trained):
        raise RunError("no run has finished; the same command tries them again")
    failed = [label for world in trained for label in world.failed]
    told = f"{recorded(trained)} {spent(out)}"
    write_page(plan, trained, [markdown_line(line) for line in (*absent.values(), *_failures(failed), told)], table)
    print(f"fair: {told}")
    if failed:
        raise RunError(f"{counted(len(failed), 'run')} failed, such as {failed[0]}; the table is made of the others")


def _failures(failed: Sequence[str]) -> list[str]:
    return [f"{counted(len(failed), 'run')} failed and left out: {', '.join(failed)}."] if failed else []


def _trained(plan: Plan, world: PlannedWorld, out: Path) -> Trained:
    """Tune every method in a world, then train it over the seeds."""
    if plan.tunes:
        for method in plan.methods:
            config = _written(out / "grids" / f"{world.name}-{method}-start.yaml", plan.trial(world, method))
            budget = ("--trials", plan.trials, "--epochs", world.tuning_epochs, "--config", config)
            code = _darlr("tune", "--dataset", world.dataset, "--method", method, *budget, "--out", out / "tuning")
            study = _studies(plan, world, out).get(method)
            if study is None or any(trial["state"] == "begun" for trial in study["trials"]):
                raise SystemExit(code or RunError.exit_code)
    grid = _written_grid(plan, world, out)
    _darlr("sweep", grid, "--out", out / "runs")
    cells = planned(Grid.read(grid).points(), None, out / "runs")
    failed = [cell.label for cell in cells if not cell.finished]
    return Trained(world, [cell.run for cell in cells if cell.finished], _studies(plan, world, out), failed)


def _studies(plan: Plan, world: PlannedWorld, out: Path) -> dict[str, Mapping[str, Any]]:
    """Return the content of `study.json` by method, for the methods whose study has begun.

    Raises:
        InputError: if two studies have the same settings, so that nothing says which of them the plan means.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for method in plan.methods if plan.tunes else ():
        asked = merge(plan.trial(world, method), {"training": {"epochs": world.tuning_epochs}})
        place = out / "tuning" / Path(world.dataset).name / method
        studies = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(place.glob(f"study-*/{RESULTS}"))]
        own = [study for study in studies if _shared(study) == asked]
        if len(own) > 1:
            raise InputError(f"{place}: {len(own)} studies with the plan's settings; expected one; delete the others")
        if own:
            found[method] = own[0]
    return found


def _shared(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that all trials of a study share, without data set and method."""
    return {key: value for key, value in study["settings"].items() if key not in ("dataset", "method")}


def _written_grid(plan: Plan, world: PlannedWorld, out: Path) -> Path:
    """Write the sweep over all methods of a world, each with its best settings so far."""
    studies = _studies(plan, world, out)
    settings = {}
    for method in (*plan.methods, *plan.untuned):
        study = studies.get(method, {})
        best = study.get("best")
        point = {} if best is None else study["trials"][best - 1]["settings"]
        chosen = merge(with_settings(plan.start(world, method), point), {"training": {"epochs": world.epochs}})
        settings[method] = _as_single_choices(chosen)
    grid = {
        "datasets": world.dataset,
        "methods": list(settings),
        "seeds": list(plan.seeds),
        "for": [{"methods": method, "set": chosen} for method, chosen in settings.items()],
    }
    return _written(out / "grids" / f"{world.name}.yaml", grid)


def _as_single_choices(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap lists, because a list in a grid is a list of choices."""
    return {
        key: _as_single_choices(value) if isinstance(value, Mapping) else [value] if isinstance(value, list) else value
        for key, value in settings.items()
    }


def _written(path: Path, content: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml_text(content), encoding="utf-8")
    return path


def _darlr(*arguments: object) -> int:
    """Run a command of darlr, and return its exit code. If it was refused or interrupted, this process ends in the same way.

    After a failure of single trials or runs the others go on.
    """
    ended = subprocess.run([sys.executable, "-m", "darlr.cli.main", *map(str, arguments)], check=False)
    if ended.returncode not in (0, RunError.exit_code):
        raise SystemExit(ended.returncode)
    return ended.returncode


if __name__ == "__main__":
    main()
