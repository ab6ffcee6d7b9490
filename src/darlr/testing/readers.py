"""The contract of every named data set: a reading is complete, repeatable and obeys its options."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from darlr.config.loading import from_mapping
from darlr.data.origin.cache import Cache
from darlr.data.registry import SOURCES
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source
from darlr.data.statistics import describe
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.run.resolution import resolve
from darlr.testing.demands import demand, registered, run_checks
from darlr.testing.planted import scratch
from darlr.world_model.inputs import Inputs

OTHER_CHOICES: Mapping[str, object] = {
    "reward": "normalised",
    "normalisation": "all",
    "repeats": "mean",
    "missing_truth": "masked",
    "logs": "both",
    "features": "all",
    "truth": "completed",
    "signals": ["is_like=2", "long_view=1"],
    "log_share": 0.2,
    "randomised": "tenth",
}
"""A value other than the default for every key of `DataConfig`."""


@dataclass(frozen=True)
class ReaderSubject:
    """A data set by name, with the folders of its files and caches.

    Attributes:
        source: the named data set.
        folder: the folder with its files.
        scratch: a folder for caches.
        settings: nested settings of every run that reads it.
    """

    source: Source
    folder: Path
    scratch: Path
    settings: Mapping[str, Any] = field(default_factory=dict)

    def read(self, choices: Mapping[str, object] = MappingProxyType({}), cache: str = "cache") -> LoadedDataset:
        """Read with `choices` (keys of `DataConfig`), through the cache of the given name."""
        data = {**self.settings.get("data", {}), **choices}
        config = experiment_config({**self.settings, "dataset": self.source.name, "data": data})
        return self.source.read(config, self.folder, Cache(self.scratch / cache))


ReaderCheck = Callable[[ReaderSubject], None]


def a_reading_is_whole(subject: ReaderSubject) -> None:
    """Names, types, ranges and fingerprints are as learning and testing need them."""
    loaded = subject.read()
    dataset, log, world, source = loaded.dataset, loaded.dataset.log, loaded.dataset.world, subject.source
    demand(dataset.name == source.name, f"its data set is named '{dataset.name}'; expected '{source.name}'")
    demand(bool(source.description), "it has no description")
    _demand_type(log.users, np.int32, "log.users")
    _demand_type(log.items, np.int32, "log.items")
    _demand_type(log.rewards, np.float32, "log.rewards")
    if log.times is not None:
        _demand_type(log.times, np.float64, "log.times")
    for name, indices in (("users", world.users), ("items", world.items)):
        _demand_type(indices, np.int64, f"world.{name}")
        demand(indices.min() >= 0 and bool((np.diff(indices) > 0).all()), f"world.{name} do not rise from 0 or more")
    demand(not source.official or bool(dataset.hashes), "it has files, but no hashes of them")
    for name, value in dataset.hashes.items():
        demand(re.fullmatch("[0-9a-f]{64}", value) is not None, f"the hash of '{name}' is '{value}'; expected a SHA-256 in hex")
    low, high = dataset.paid_range
    if (truth := loaded.truth) is not None:
        _demand_type(truth.rewards, np.float32, "truth.rewards")
        found = float(truth.rewards.min()), float(truth.rewards.max())
        inside = low <= found[0] <= found[1] <= high
        demand(inside, f"the truth's rewards lie in {found[0]:g}..{found[1]:g}; expected {low:g}..{high:g}, the range declared")
    demand(len(Inputs.of(dataset).user_codes) == log.n_users, "a world model cannot read every user of the log")
    demand(dict(describe(loaded))["data set"] == source.name, "it is not described under its name")


def repeats_itself(subject: ReaderSubject) -> None:
    """Reading again gives the same, through the same cache and through another."""
    first = subject.read()
    for cache in ("cache", "another"):
        if differing := differences(first, subject.read(cache=cache)):
            raise AssertionError(f"two readings differ in {differing[0]}")


def obeys_every_choice_that_it_offers(subject: ReaderSubject) -> None:
    """An option that is offered changes the reading; any other option is refused."""
    source, usual = subject.source, subject.read()
    for key, value in OTHER_CHOICES.items():
        changed = from_mapping(DataConfig, {key: value})
        if key in source.options:
            source.require_options(changed)
            other = subject.read({key: value})
            demand(bool(differences(usual, other)), f"it offers 'data.{key}', but {value!r} changes nothing")
            other.dataset.log.rows(np.arange(min(3, len(other.dataset.log))))  # it has the same contract as the log
        else:
            _demand_refused(partial(source.require_options, changed), f"'data.{key}'")


def a_run_can_be_put_together(subject: ReaderSubject) -> None:
    """Its sizes, its leave rule and its categories suit a run."""
    resolve({**subject.settings, "dataset": subject.source.name, "method": "mbpo"}, subject.read())


READER_CHECKS: tuple[ReaderCheck, ...] = (
    a_reading_is_whole,
    repeats_itself,
    obeys_every_choice_that_it_offers,
    a_run_can_be_put_together,
)


def check_reader(source: Source, data_dir: Path | None = None, settings: Mapping[str, Any] | None = None) -> None:
    """Raise an error unless `source`, registered or not, gives a data set that runs can rely on.

    Args:
        source: the named data set.
        data_dir: the folder that holds its files in the folder `source.folder`; None for a data set that is generated.
        settings: nested settings of every run that reads it.

    Raises:
        AssertionError: naming the broken part of the contract.
        InputError: for files that the reader refuses.
    """
    with registered(SOURCES, source.name, source), scratch() as folder:
        place = (folder if data_dir is None else data_dir) / source.folder
        run_checks(READER_CHECKS, ReaderSubject(source, place, folder, settings or {}), f"data set '{source.name}'")


def differences(one: LoadedDataset, other: LoadedDataset) -> list[str]:
    """Return the names of the parts in which two readings differ, down to arrays and plain values."""
    first, second = _parts(one), _parts(other)
    names = sorted(first.keys() | second.keys())
    return [name for name in names if name not in first or name not in second or not _same(first[name], second[name])]


def _parts(value: object) -> dict[str, object]:
    if not hasattr(value, "__dict__") or isinstance(value, np.ndarray):
        return {"": value}
    return {f"{name}.{inner}": part for name, own in vars(value).items() for inner, part in _parts(own).items()}


def _same(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    try:
        np.testing.assert_array_equal(one, other)
    except AssertionError:
        return False
    return True


def _demand_type(values: np.ndarray[Any, Any], kind: type[np.generic], what: str) -> None:
    demand(values.dtype == kind, f"{what} is {values.dtype}; expected {kind.__name__}")


def _demand_refused(act: Callable[[], None], what: str) -> None:
    try:
        act()
    except InputError:
        return
    raise AssertionError(f"it has no choice {what}, but accepts another value of it")
