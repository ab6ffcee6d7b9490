"""Sweeps small enough for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from darlr.sweep.grid import Grid
from darlr.sweep.plan import Cell, plan
from tests.runs import SMALL, SMALL_WORLD


def write_small(file: Path, **changes: Any) -> Path:
    """Write a grid of runs of about a second: `mbpo` and `dorl` on a small synthetic world, with `changes`.

    `set` is merged with the settings of the small runs.
    """
    settings = {**SMALL, **SMALL_WORLD}
    del settings["method"]
    grid = {"datasets": ["synthetic"], "methods": ["mbpo", "dorl"], **changes}
    file.write_text(yaml.safe_dump(grid | {"set": settings | changes.get("set", {})}))
    return file


def small_cells(folder: Path, out: Path, **changes: Any) -> list[Cell]:
    """The planned cells of `write_small`."""
    return plan(Grid.read(write_small(folder / "grid.yaml", **changes)).points(), None, out)


def named(cells: Sequence[Cell]) -> list[str]:
    return [cell.label for cell in cells]
