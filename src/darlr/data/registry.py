"""All data sets that darlr knows by name, and the search for the one that a run asks for.

To add a data set, write a file with its reader and its `Source`, and add a line here; from outside, call `register_dataset`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import stable_hash
from darlr.data.completion.truths import with_completed_truth
from darlr.data.dataset import Dataset
from darlr.data.origin.cache import Cache, cache_directory
from darlr.data.readers import coat, kuairand, kuairec, movielens, open_bandit, synthetic, yahoo
from darlr.data.readers.folder import read_folder
from darlr.data.readers.folder_settings import SETTINGS, read_settings
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source
from darlr.errors import InputError, unknown
from darlr.reading import is_folder, present
from darlr.registry import Registry

SOURCES: Registry[Source] = Registry(
    "data set",
    lambda: {
        source.name: source
        for source in (
            synthetic.SOURCE,
            kuairec.SOURCE,
            kuairand.SOURCE,
            coat.SOURCE,
            yahoo.SOURCE,
            movielens.SOURCE_100K,
            movielens.SOURCE_1M,
            open_bandit.SOURCE_RANDOM,
            open_bandit.SOURCE_BTS,
        )
    },
)

IN_MEMORY = "frames:"
"""The prefix of the name under which runs store a data set that was given in Python."""


def register_dataset(source: Source) -> Source:
    """Add a data set under its own name.

    Raises:
        InputError: if the name is taken.
    """
    return SOURCES.register(source.name, source)


@dataclass(frozen=True)
class Availability:
    """One line of the list of data sets.

    Attributes:
        name: the value of `dataset`.
        present: whether all its files are there and it can be named.
        description: one line; for a folder that cannot be used, its fault.
        licence: the licence of its use.
        folder: the folder of its files; None for generated data.
        missing: the files that the folder lacks.
        origin: where to get them.
    """

    name: str
    present: bool
    description: str
    licence: str
    folder: Path | None
    missing: tuple[str, ...]
    origin: str


def data_directory(option: Path | None) -> Path:
    """Return the folder of data sets: `option`, else the environment variable DARLR_DATA, else `darlr` in the user's cache
    folder.
    """
    if option is not None:
        return option
    if chosen := os.environ.get("DARLR_DATA"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "darlr"


def load(config: ExperimentConfig, data_dir: Path | None, notice: Callable[[str], None] = lambda text: None) -> LoadedDataset:
    """Read (or generate) the data set of a run.

    `config.dataset` is a name in `SOURCES`, else the name of a folder in the folder format inside the data directory, else
    a path to such a folder (see `canonical_name`).

    Args:
        config: the run's settings.
        data_dir: the folder of data sets.
        notice: is called with a line of text before slow work.

    Raises:
        InputError: if there is no such data set (with the nearest name), its files are missing (with where to get them), or
            they cannot be used.
    """
    directory = data_directory(data_dir)
    if present(directory) and not is_folder(directory):
        raise InputError(f"{directory}: not a folder; expected the one that data sets lie in")
    name = config.dataset
    if name.startswith(IN_MEMORY):
        raise InputError(
            f"data set '{name}' was handed over in Python (Dataset.from_frames) and is not stored; expected it to be given "
            "again, as in darlr.train(dataset, ...) or darlr.evaluate(run, dataset)"
        )
    if source := SOURCES.get(name):
        folder, cache = directory / source.folder, Cache(cache_directory(), notice)
        loaded = source.load(config, folder, cache)
        return with_completed_truth(loaded, cache, required=config.data.truth == "completed")
    folders = _folders_named(name, directory)
    for folder in folders:
        if (folder / SETTINGS).is_file():
            if config.data != DataConfig():
                raise InputError(
                    f"config keys 'data.*' choose how a known data set is read, but '{name}' is a folder with choices of its "
                    f"own; expected them in its {SETTINGS}"
                )
            return read_folder(folder)
    if folders:
        raise InputError(
            f"{folders[0]}: the folder has no {SETTINGS}; expected a data set in the folder format (docs/your_data.md)"
            f"{_looks_like(folders[0])}"
        )
    if os.sep in name:
        raise InputError(f"{name}: no such folder; expected a data set in the folder format (docs/your_data.md)")
    raise unknown("data set", name, [*SOURCES, *(folder.name for folder in _own_folders(directory))])


def _looks_like(folder: Path) -> str:
    """Return a hint for a user who names the folder of a known data set instead of the data set."""
    for source in SOURCES.values():
        if any(not official.missing(folder) for official in source.official):
            return f" (it holds files of '{source.name}': name that, and let the folder be '{source.folder}' in --data-dir)"
    return ""


def canonical_name(name: str, data_dir: Path | None) -> str:
    """Return the name that a run stores for its data set, so that it is found again from any working directory.

    Names in `SOURCES` and of folders inside the data directory stay names; a path to a folder becomes absolute.
    """
    directory = data_directory(data_dir)
    if name in SOURCES:
        return name
    for folder in _folders_named(name, directory):
        if (folder / SETTINGS).is_file():
            return name if folder.name == name and folder.parent == directory else str(folder.resolve())
    return name


def in_memory_name(dataset: Dataset) -> str:
    """Return the name that a run stores for a data set given in Python: its content and its name, so that each has its own
    runs.
    """
    content = stable_hash(dict(dataset.hashes))
    return f"{IN_MEMORY}{content}/{dataset.name}"


def _folders_named(name: str, directory: Path) -> list[Path]:
    """Return the folders that a name or path may mean, the likelier first."""
    return [folder for folder in (directory / name, Path(name)) if name and is_folder(folder)]


def available(data_dir: Path | None) -> tuple[Availability, ...]:
    """Return the data sets to train on: the known ones, present or not, then the folders inside the data directory."""
    directory = data_directory(data_dir)
    known = [_known(source, directory) for source in SOURCES.values()]
    return (*known, *(_own(folder) for folder in _own_folders(directory)))


def _own_folders(directory: Path) -> list[Path]:
    """Return the folders in the folder format, without those that have the name of a known data set."""
    if not is_folder(directory):
        return []
    return sorted(path.parent for path in directory.glob(f"*/{SETTINGS}") if path.parent.name not in SOURCES)


def _known(source: Source, directory: Path) -> Availability:
    missing = source.missing(directory)
    folder = directory / source.folder if source.official else None
    return Availability(source.name, not missing, source.description, source.licence, folder, missing, source.origin)


def _own(folder: Path) -> Availability:
    try:
        settings = read_settings(folder, ())
    except InputError as error:
        return Availability(folder.name, False, str(error), "", folder, (), "")
    missing = tuple(name for name in settings.files.given().values() if not present(folder / name))
    return Availability(
        folder.name, not missing, "a data set in the folder format", settings.licence, folder, missing, settings.source
    )
