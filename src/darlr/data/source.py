"""What a data source is, and what reading one gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darlr.config.schema import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.data.truth import Truth


@dataclass(frozen=True)
class LoadedDataset:
    """A data set with the truth of its test world, if that is known.

    Learning is handed `dataset` alone; `truth` goes to evaluation and to the GT baseline.
    """

    dataset: Dataset
    truth: Truth | None


@dataclass(frozen=True)
class Source:
    """A data set that darlr knows by name.

    Attributes:
        name: what `dataset` is set to.
        description: one line.
        licence: under which it may be used.
        origin: where its files come from, in words for a reader who has to get them.
        folder: its folder, relative to the data directory.
        files: what must lie in that folder; none for generated data.
        read: (config, folder) -> the data; raises `InputError` for files that cannot be used.
    """

    name: str
    description: str
    licence: str
    origin: str
    folder: str
    files: tuple[str, ...]
    read: Callable[[ExperimentConfig, Path], LoadedDataset]

    def missing(self, data_dir: Path) -> tuple[str, ...]:
        """The files that the data directory lacks."""
        return tuple(name for name in self.files if not (data_dir / self.folder / name).is_file())
