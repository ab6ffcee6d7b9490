"""Truths of data sets that publish none: `darlr complete` makes one, and every later reading of the data set finds it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import from_mapping, stable_hash
from darlr.data.completion.completing import Exposed, Progress, complete
from darlr.data.completion.files import Completion, manifest_path, open_completion
from darlr.data.completion.settings import CompletingConfig
from darlr.data.origin.cache import Cache
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.seeding import numpy_generator

HASHED_AS = "completed truth"
"""The key of the completed truth among the hashes of a data set's inputs."""


def matrix_path(name: str, exposed: Exposed, cache: Cache) -> Path:
    """Return the place of a data set's truth in the cache; its name depends on its sources."""
    return cache.folder / "completed" / name / f"{stable_hash(dict(exposed.inputs))}.npy"


def with_completed_truth(loaded: LoadedDataset, cache: Cache, required: bool) -> LoadedDataset:
    """Return the data set with its completed truth, if one was made from the very same files; unchanged if it can have none.

    Args:
        loaded: the data set.
        cache: the cache that holds the truth.
        required: whether a truth is required.

    Raises:
        InputError: for a damaged truth, and for a missing one that is required.
    """
    exposed = loaded.exposed
    if exposed is None:
        return loaded
    matrix = matrix_path(loaded.dataset.name, exposed, cache)
    command = f"run `darlr complete {loaded.dataset.name}`"
    if not required and not matrix.is_file() and not manifest_path(matrix).is_file():
        return loaded
    try:
        completion = open_completion(matrix, exposed.inputs, cache.fingerprint)
    except InputError as error:
        raise InputError(f"{error}; {command}") from error
    dataset = replace(loaded.dataset, hashes={**loaded.dataset.hashes, HASHED_AS: completion.sha256})
    return replace(loaded, dataset=dataset, truth=Truth(dataset.world, completion.rewards))


def completing_config(source: Source, values: Mapping[str, Any]) -> CompletingConfig:
    """Return the settings of completing `source`: its own, replaced by the nested `values`.

    A published truth is not required if another one is to be made.

    Raises:
        InputError: as `from_mapping`.
    """
    data = DataConfig() if source.published_truth is None else DataConfig(truth="completed")
    return from_mapping(CompletingConfig, values, CompletingConfig(data, source.completion))


def complete_truth(
    source: Source,
    config: CompletingConfig,
    folder: Path,
    cache: Cache,
    progress: Progress,
    notice: Callable[[str], None] = lambda text: None,
) -> tuple[Path, Completion]:
    """Complete the truth of the data set in `folder` and write it to the cache; return its path and contents.

    Args:
        source: the data set.
        config: the settings.
        folder: the folder with its files.
        cache: the cache.
        progress: is called after every sweep.
        notice: is called with every difference of the files from the published ones.

    Raises:
        InputError: if the files cannot be used, or nothing can be completed.
        RunError: if the truth cannot be written.
    """
    settings = config.completion
    loaded = source.load(ExperimentConfig(dataset=source.name, data=config.data), folder, cache)
    if loaded.exposed is None:
        raise InputError(f"data set '{source.name}' has no ratings that its truth could be completed from")
    for line in source.deviations(loaded):
        notice(f"not as published: {line}")
    matrix = matrix_path(source.name, loaded.exposed, cache)
    return matrix, complete(loaded.exposed, settings, numpy_generator(settings.seed, "completion"), matrix, progress)
