"""What every reader of official files does alike."""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import from_mapping
from darlr.data.origin.cache import Cache
from darlr.data.registry import SOURCES
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.data.statistics import beside_published, describe
from darlr.errors import InputError
from darlr.world_model.inputs import Inputs
from tests.official_files.__main__ import FORMATS

OTHER_CHOICES: Mapping[str, object] = {
    "reward": "normalised",
    "normalisation": "all",
    "repeats": "mean",
    "missing_truth": "masked",
    "logs": "both",
    "features": "all",
    "truth": "completed",
    "log_share": 0.2,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with every data set in its official format, tiny."""
    folder = tmp_path_factory.mktemp("data")
    for name, made in FORMATS.items():
        (folder / name).mkdir()
        made.write(folder / name, False, 0)
    return folder


Read = Callable[..., LoadedDataset]


@pytest.fixture
def read(data: Path, tmp_path: Path) -> Read:
    """Reads a data set by name, with choices of reading, through a cache that is the test's own."""

    def reader(name: str, cache: str = "cache", data: Path = data, **choices: str) -> LoadedDataset:
        source = SOURCES[name]
        config = ExperimentConfig(dataset=name, data=from_mapping(DataConfig, choices))
        return source.read(config, data / source.folder, Cache(tmp_path / cache))

    return reader


def arrays(value: object) -> Mapping[str, object]:
    """Everything in a reading, by name, down to arrays and plain values."""
    if not hasattr(value, "__dict__") or isinstance(value, np.ndarray):
        return {"": value}
    return {f"{name}.{inner}": part for name, own in vars(value).items() for inner, part in arrays(own).items()}


def assert_same(one: LoadedDataset, other: LoadedDataset) -> None:
    first, second = arrays(one), arrays(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_every_choice_is_tried() -> None:
    assert OTHER_CHOICES.keys() == vars(DataConfig()).keys()


def test_every_known_data_set_has_a_format() -> None:
    assert FORMATS.keys() == {name for name, source in SOURCES.items() if source.official}


@pytest.mark.parametrize("name", FORMATS)
def test_a_reading_is_whole(name: str, read: Read) -> None:
    loaded = read(name)
    dataset, log, world = loaded.dataset, loaded.dataset.log, loaded.dataset.world
    assert dataset.name == name
    assert log.users.dtype == log.items.dtype == np.int32
    assert log.rewards.dtype == np.float32
    assert (log.times is None) or log.times.dtype == np.float64
    assert world.users.dtype == world.items.dtype == np.int64
    assert (np.diff(world.users) > 0).all()
    assert (np.diff(world.items) > 0).all()
    assert world.users.min() >= 0
    assert world.items.min() >= 0
    assert dataset.hashes
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in dataset.hashes.values())
    low, high = dataset.paid_range
    if loaded.truth is not None:
        assert loaded.truth.rewards.dtype == np.float32
        assert low <= loaded.truth.rewards.min() <= loaded.truth.rewards.max() <= high
    assert len(Inputs.of(dataset).user_codes) == log.n_users
    assert dict(describe(loaded))["data set"] == name


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_cached_is_what_was_parsed(name: str, read: Read) -> None:
    parsed = read(name)
    assert_same(parsed, read(name))
    assert_same(parsed, read(name, cache="another"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_choice_that_is_offered_is_obeyed(name: str, read: Read) -> None:
    source, usual = SOURCES[name], read(name)
    for key in set(source.options) & OTHER_CHOICES.keys():
        other = read(name, **{key: OTHER_CHOICES[key]})
        with pytest.raises(AssertionError):
            assert_same(usual, other)
        other.dataset.log.rows(np.arange(3))  # it is a log like any other
        source.require_options(from_mapping(DataConfig, {key: OTHER_CHOICES[key]}))
    for key in OTHER_CHOICES.keys() - set(source.options):
        with pytest.raises(InputError, match=rf"'data.{key}' is .*data set '{name}' has no such choice"):
            source.require_options(from_mapping(DataConfig, {key: OTHER_CHOICES[key]}))


@pytest.mark.parametrize("name", FORMATS)
def test_is_compared_with_what_is_published(name: str, read: Read) -> None:
    source, loaded = SOURCES[name], read(name)
    assert source.published
    assert loaded.counts.keys() >= source.published.keys()
    rows = beside_published(source, loaded)
    assert [label for label, _, _ in rows][: len(source.published)] == list(source.published)
    told = [label for label, ours, theirs in rows if label in source.published and ours != theirs]
    counted = [line for line in source.deviations(loaded) if "SHA-256" not in line]
    assert [line.partition(f": {loaded.counts[label]:,};")[0] for label, line in zip(told, counted, strict=True)] == told


@pytest.mark.parametrize("name", FORMATS)
def test_the_archive_reads_like_its_files(
    name: str, data: Path, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, source = FORMATS[name], SOURCES[name]
    place = tmp_path / "packed" / name
    shutil.copytree(data / name, place)
    archive = made.pack(place / made.root, place / made.archive)
    shutil.rmtree(place / made.root)
    monkeypatch.setattr("darlr.data.origin.official.verify", lambda official, file, cache: None)  # generated bytes are nobody's
    assert_same(read(name), read(name, data=tmp_path / "packed"))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"{made.archive}: cut short, damaged or no archive .*; delete it and get it again$"):
        read(name, data=tmp_path / "packed")
    assert source.missing(tmp_path / "packed") == ()


@settings(max_examples=25)
@given(damage=st.data())
def test_bytes_changed_anywhere_in_the_cache_do_no_harm(
    damage: st.DataObject, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    source = SOURCES["kuairand"]
    config = ExperimentConfig(dataset="kuairand")
    whole = source.read(config, data / "kuairand", Cache(folder))
    files = sorted(path for path in (folder / "kuairand").rglob("*") if path.is_file())
    file = damage.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    place = damage.draw(st.integers(0, len(content) - 1))
    content[place] ^= damage.draw(st.integers(1, 255))
    file.write_bytes(content)
    assert_same(whole, source.read(config, data / "kuairand", Cache(folder)))
