"""The plan of a sweep: every cell's run, whether it is finished, and the world model that it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darlr._version import __version__
from darlr.artifacts import RunFolder
from darlr.artifacts.run_folder import SUMMARY
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import to_mapping
from darlr.data.dataset import Dataset
from darlr.data.registry import load
from darlr.data.settings import DataConfig, SyntheticConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.run.saved import POLICY
from darlr.run.specification import SpecifiedRun, with_canonical_dataset
from darlr.run.world_models import WORLD_MODEL
from darlr.sweep.grid import Point
from darlr.world_model.fitting import resolve_loss


@dataclass(frozen=True)
class Size:
    """The size of a cell's world.

    Attributes:
        users: number of users of the simulator.
        items: number of items of the simulator.
        rows: number of rows of the log that is learned from.
        pairs: number of pairs in an epoch of the world model's fit: rows, and negatives if its loss needs them.
    """

    users: int
    items: int
    rows: int
    pairs: int


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        label: a line that distinguishes it from the other cells.
        values: its settings, as `darlr train --config` takes them.
        dataset: the data set's name.
        config: every setting, resolved.
        size: the size of its world.
        run: its folder.
        world_model: the file of the world model that it shares with others.
        begun: whether its folder already has a copy of that world model.
        epochs: its number of finished epochs.
        finished: whether it was finished when the sweep was planned.
    """

    label: str
    values: Mapping[str, Any]
    dataset: str
    config: ExperimentConfig
    size: Size
    run: Path
    world_model: Path
    begun: bool
    epochs: int
    finished: bool

    def needs_fit(self) -> bool:
        """Return whether the cell has to fit its world model, unless another one does so before; looks at the disk."""
        return not self.begun and not self.world_model.is_file()

    def is_finished(self) -> bool:
        """Return whether the cell is finished by now; looks at the disk."""
        return _is_finished(self.run)


def plan(points: Sequence[Point], data_dir: Path | None, out: Path) -> list[Cell]:
    """Return the cells of the grid's `points`; two keys under `vary` may give the same run, which is then one cell.

    Raises:
        InputError: naming the first cell whose settings or data cannot be used, whose folder holds something else, or that
            is the same run as another one.
    """
    loaded: dict[tuple[str, DataConfig, SyntheticConfig], LoadedDataset] = {}
    cells: dict[Path, tuple[Point, Cell]] = {}
    for point in points:
        try:
            values = with_canonical_dataset(point.values, data_dir)
            config = experiment_config(values)
            key = (config.dataset, config.data, config.synthetic)  # all settings that reading depends on
            if key not in loaded:
                loaded[key] = load(config, data_dir)
            cell = cell_of(point.label, values, loaded[key], out)
        except InputError as error:
            raise InputError(f"{point.label}: {error}") from error
        other, _ = cells.setdefault(cell.run, (point, cell))
        if other is not point and (point.alone is None or other.alone == point.alone):
            raise InputError(f"{point.label}: is the same run as '{other.label}'; expected cells that differ")
    return [cell for _, cell in cells.values()]


def cell_of(label: str, values: Mapping[str, Any], loaded: LoadedDataset, out: Path) -> Cell:
    """Return the cell of the run that `values` describe on `loaded`, with its results below `out`.

    Raises:
        InputError: for settings that cannot be used, and a run folder that holds something else.
    """
    specified = SpecifiedRun.of(values, loaded)
    dataset = specified.dataset
    path = specified.path(out)
    begun, epochs, finished = False, 0, False
    if (path / "config.yaml").is_file():
        folder = RunFolder.open(path)
        folder.require_same(to_mapping(specified.config), {"darlr": __version__, "data": dict(dataset.hashes)})
        begun, epochs = folder.has_tensors(WORLD_MODEL), len(folder.metrics())
        finished = _is_finished(path)
    return Cell(
        label=label,
        values=values,
        dataset=dataset.name,
        config=specified.config,
        size=Size(dataset.world.n_users, dataset.world.n_items, len(dataset.log), _pairs(specified.config, dataset)),
        run=path,
        world_model=specified.world_model_path(out),
        begun=begun,
        epochs=epochs,
        finished=finished,
    )


def _is_finished(run: Path) -> bool:
    """Return whether a run has its summary and its policy; a run whose policy was deleted is trained again to restore it."""
    return all((run / name).is_file() for name in (f"{SUMMARY}.json", f"{POLICY}.safetensors"))


def _pairs(config: ExperimentConfig, dataset: Dataset) -> int:
    negatives = resolve_loss(config.world_model, dataset) == "negatives"
    return len(dataset.log) * (1 + config.world_model.negatives_per_row * negatives)
