"""The report of `darlr check` on a data set: whether it can be read, its contents, and its differences from the published
files.
"""

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
        learned: the part that learning would see.
        name: the data set's own name.
        figures: (label, figure) of the log, the catalogue and the truth.
        beside_published: (label, ours, published); empty if nothing was published about it.
        deviations: a line for each difference from the published files.
        notes: a line for everything that may be a mistake (`data.plausibility`).
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
    """Read and validate the data set of `config`.

    Raises:
        InputError: as `registry.load`.
    """
    loaded = registry.load(config, data_dir, notice)
    source = registry.SOURCES.get(config.dataset)
    published = () if source is None else beside_published(source, loaded)
    deviations = () if source is None else source.deviations(loaded)
    return Inspection(
        config.dataset, loaded.dataset, loaded.dataset.name, describe(loaded), published, deviations, plausibility_notes(loaded)
    )
