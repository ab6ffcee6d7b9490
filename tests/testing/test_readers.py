"""Data sets that break the contract in one way get a message about it; ours pass it in tests/data/test_every_reader.py."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.data.origin.cache import Cache
from darlr.data.registry import SOURCES
from darlr.data.source import LoadedDataset, Source
from darlr.errors import InputError
from darlr.testing import check_reader
from darlr.testing.planted import planted_world
from darlr.world.settings import LeaveConfig

NUMBERS = count()


def source(**changes: Any) -> Source:
    """Make a valid data set, `other`, with some parts changed."""

    def read(config: ExperimentConfig, folder: Path, cache: Cache) -> LoadedDataset:
        loaded = planted_world()
        log = replace(loaded.dataset.log, **{name: change(loaded) for name, change in changes.get("log", {}).items()})
        dataset = replace(loaded.dataset, name="other", log=log, **changes.get("dataset", {}))
        return replace(loaded, dataset=dataset)

    return Source("other", changes.get("description", "a world"), "", (), read, changes.get("options", ()))


def test_a_sound_one_passes_and_is_not_left_in_the_registry() -> None:
    check_reader(source())
    assert "other" not in SOURCES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"description": ""}, "it has no description"),
        ({"log": {"users": lambda loaded: loaded.dataset.log.users.astype(np.int64)}}, "log.users is int64; expected int32"),
        ({"dataset": {"hashes": {"log.csv": "abc"}}}, "the hash of 'log.csv' is 'abc'"),
        ({"dataset": {"paid": (1.0, 4.0)}}, r"the truth's rewards lie in 1..5; expected 1..4"),
        ({"options": ("repeats",)}, "it offers 'data.repeats', but 'mean' changes nothing"),
        (
            {"log": {"times": lambda loaded: loaded.dataset.log.times + next(NUMBERS)}},
            r"two readings differ in dataset.log.times",
        ),
    ],
)
def test_what_breaks_the_contract_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=f"^data set 'other': {message}"):
        check_reader(source(**changes))


def test_one_of_another_name_is_told() -> None:
    misnamed = replace(source(), read=lambda config, folder, cache: planted_world())
    with pytest.raises(AssertionError, match="its data set is named 'planted'; expected 'other'"):
        check_reader(misnamed)


def test_one_that_no_run_can_have_is_refused() -> None:
    with pytest.raises(InputError, match="recommends up to 41 items"):
        check_reader(source(dataset={"leave": LeaveConfig(by="never", max_steps=41)}))
