"""`darlr sweep`: many runs from one file."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from darlr.cli.cluster import ray_option, require_cluster_of_cpus
from darlr.cli.options import DataDir, Device, Out, Workers, option, processes_of
from darlr.cli.terminal.pipes import outliving_readers
from darlr.errors import InputError, RunError
from darlr.text import counted, visible

if TYPE_CHECKING:
    from darlr.sweep.plan import Cell
    from darlr.sweep.running import Executor, Outcome


def sweep(
    file: Annotated[
        Path, tyro.conf.Positional, option("the grid, in YAML (docs/sweeps.md), or a preset's name, as table3", "FILE")
    ],
    workers: Workers = None,
    ray: Annotated[str | None, ray_option("its nodes share --out")] = None,
    dry_run: Annotated[bool, option("only print the cells and what they will cost"), tyro.conf.FlagCreatePairsOff] = False,
    out: Out = Path("runs"),
    data_dir: DataDir = None,
    device: Device = "auto",
) -> None:
    """Train every cell of a grid over data sets, methods, seeds and settings; the same command continues a stopped sweep."""
    from darlr.cli.terminal.sweep import SweepMonitor, plan_table  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.sweep.costs import estimate  # noqa: PLC0415
    from darlr.sweep.grid import Grid  # noqa: PLC0415
    from darlr.sweep.plan import plan  # noqa: PLC0415
    from darlr.sweep.presets import grid_file  # noqa: PLC0415
    from darlr.sweep.running import run_cells  # noqa: PLC0415

    processes_of(workers)
    points = Grid.read(grid_file(file)).points()
    with outliving_readers(), _executor(ray, workers, data_dir, out, device) as executor:
        try:
            cells = plan(points, data_dir, out)
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
        costs = estimate(cells)
        slots = executor.slots
        waiting = [cell for cell in cells if not cell.finished]
        started = time.monotonic()
        outcomes = []
        if not dry_run:
            with SweepMonitor(waiting, costs) as monitor:
                outcomes = run_cells(waiting, executor, monitor)
    if dry_run:
        print_table(plan_table(cells, costs, slots))
    else:
        _tell(cells, outcomes, time.monotonic() - started)


def _executor(ray: str | None, workers: int | None, data_dir: Path | None, out: Path, device: str) -> "Executor":
    """Return the place of the cells: a Ray cluster if one is named, else processes of this machine."""
    from darlr.data.registry import data_directory  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.sweep.pool import LocalPool  # noqa: PLC0415

    if ray is None:
        compute_on(device, threads=1)
        return LocalPool(processes_of(workers), data_dir, out, device)
    require_cluster_of_cpus(device)
    from darlr.sweep.cluster import RayCluster  # noqa: PLC0415

    return RayCluster(ray, workers, data_directory(data_dir), out, "cpu")


def _tell(cells: Sequence["Cell"], outcomes: Sequence["Outcome"], seconds: float) -> None:
    """Report the results; raises `RunError` if a cell failed."""
    from darlr.sweep.costs import in_words  # noqa: PLC0415

    failed = [outcome for outcome in outcomes if outcome.error is not None]
    before = sum(cell.finished for cell in cells)
    print(f"{len(cells) - len(failed)} of {counted(len(cells), 'cell')} finished, {before} of them before")
    if outcomes:
        print(f"{in_words(seconds)}, {in_words(sum(outcome.cpu_seconds for outcome in outcomes))} of CPU time")
    for outcome in failed:
        print(visible(f"failed: {outcome.cell.label}: {outcome.error}"), file=sys.stderr)
    if failed:
        raise RunError(f"{len(failed)} of {counted(len(cells), 'cell')} failed; the same command tries them again")
