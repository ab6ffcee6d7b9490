"""What `darlr check` tells of a data set: that it can be read, what it holds, and whether it is as its owners publish it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darlr.config.experiment import ExperimentConfig
from darlr.data import registry
from darlr.data.dataset import Dataset
from darlr.data.plausibility.logs import notes as plausibility_notes
from darlr.data.statistics import beside_published, describe
from darlr.errors import InputError


@dataclass(frozen=True)
class Inspection:
    """A data set that could be read.

    Attributes:
        dataset: the setting that chose it.
        learned: what learning would see of it.
        name: what the data set calls itself.
        figures: (label, figure) of the log, the catalogue and the truth.
        beside_published: (label, ours, published); empty where nothing is published of it.
        deviations: a line for each difference from the published files.
        notes: a line for whatever may be meant otherwise (`data.plausibility`).
    """

    dataset: str
    learned: Dataset
    name: str
    figures: tuple[tuple[str, str], ...]
    beside_published: tuple[tuple[str, str, str], ...]
    deviations: tuple[str, ...]
    notes: tuple[str, ...]

    def require_as_published(self) -> None:
        """Raise `InputError` naming every difference from the published files."""
        if self.deviations:
            raise InputError(f"data set '{self.dataset}' is not as published: {'; '.join(self.deviations)}")


def inspect(config: ExperimentConfig, data_dir: Path | None, notice: Callable[[str], None]) -> Inspection:
    """Read and validate the data set of `config`; raises as `registry.load` does."""
    loaded = registry.load(config, data_dir, notice)
    source = registry.SOURCES.get(config.dataset)
    published = () if source is None else beside_published(source, loaded)
    deviations = () if source is None else source.deviations(loaded)
    return Inspection(
        config.dataset, loaded.dataset, loaded.dataset.name, describe(loaded), published, deviations, plausibility_notes(loaded)
    )
