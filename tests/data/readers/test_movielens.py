from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.data.origin.cache import Cache
from darlr.data.readers.movielens import ML_1M, ML_100K, SOURCE_1M, SOURCE_100K, Edition, log_rows
from darlr.data.registry import load
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset, Source
from darlr.errors import InputError
from tests.official_files.archives import pack_zip
from tests.official_files.movielens import MovieLens, write_1m, write_100k

Writer = Callable[[Path], MovieLens]
EDITIONS = [pytest.param(SOURCE_100K, write_100k, id="100k"), pytest.param(SOURCE_1M, write_1m, id="1m")]


def read(root: Path, source: Source, **data: object) -> LoadedDataset:
    return load(ExperimentConfig(dataset=source.name, data=replace(DataConfig(), **data)), root)  # type: ignore[arg-type]


def test_the_log_is_what_the_reference_draws() -> None:
    # The first of a shuffle of ten rows with seed 42 are 8, 1, 5, as anybody who uses that seed knows.
    assert np.flatnonzero(log_rows(10, 0.3)).tolist() == [1, 5, 8]
    assert log_rows(11, 0.3).sum() == 4  # rounded up


@pytest.mark.parametrize(("source", "write"), EDITIONS)
def test_reads_a_share_of_the_ratings_as_the_log(tmp_path: Path, source: Source, write: Writer) -> None:
    made = write(tmp_path / source.name)
    loaded = read(tmp_path, source, log_share=0.25)
    log, world = loaded.dataset.log, loaded.dataset.world
    chosen = log_rows(len(made.ratings), 0.25)
    assert log.user_ids[log.users].tolist() == made.users[chosen].tolist()
    assert log.item_ids[log.items].tolist() == made.movies[chosen].tolist()
    assert log.rewards.tolist() == made.ratings[chosen].tolist()
    assert log.times is not None
    assert log.times.tolist() == made.seconds[chosen].tolist()
    assert log.item_ids.tolist() == made.movie_ids.tolist()
    assert (log.reward_range, log.positive_threshold) == ((1.0, 5.0), 4.0)
    assert log.user_ids[world.users].tolist() == np.unique(made.users[~chosen]).tolist()
    assert log.item_ids[world.items].tolist() == np.unique(made.movies[~chosen]).tolist()


@pytest.mark.parametrize(("source", "write"), EDITIONS)
def test_users_leave_by_genre_of_which_a_movie_has_up_to_six(tmp_path: Path, source: Source, write: Writer) -> None:
    write(tmp_path / source.name)
    dataset = read(tmp_path, source).dataset
    assert dataset.items.categories.shape == (80, 6)
    assert (dataset.leave.by, dataset.leave.window, dataset.leave.tolerance) == ("category", 4, 0.0)


@pytest.mark.parametrize(("source", "write"), EDITIONS)
def test_counts_are_compared_with_the_published_ones(tmp_path: Path, source: Source, write: Writer) -> None:
    made = write(tmp_path / source.name)
    loaded = read(tmp_path, source)
    assert loaded.counts == {
        "ratings": 2400,
        "users": 60,
        "movies": 80,
        "movies with a rating": len(np.unique(made.movies)),
    }
    assert len(source.deviations(loaded)) == 4


@pytest.mark.parametrize(
    ("edition", "write"), [pytest.param(ML_100K, write_100k, id="100k"), pytest.param(ML_1M, write_1m, id="1m")]
)
def test_reads_the_archive_and_refuses_another(tmp_path: Path, edition: Edition, write: Writer) -> None:
    made = write(tmp_path / "made")
    (tmp_path / "packed").mkdir()
    pack_zip(made.folder, tmp_path / "packed" / edition.official.archive)
    config, cache = ExperimentConfig(dataset=edition.name), Cache(tmp_path / "cache")
    any_size = replace(edition.official, size=None)
    unchecked = replace(edition, official=replace(any_size, md5=""))
    assert unchecked.load(config, tmp_path / "packed", cache).counts["ratings"] == 2400
    with pytest.raises(
        InputError, match=rf"{edition.official.archive}: MD5 is .*; expected {edition.official.md5}: it is damaged"
    ):
        replace(edition, official=any_size).load(config, tmp_path / "packed", cache)
    with pytest.raises(InputError, match=rf"\.zip: .* bytes; expected {edition.official.size:,}: it is cut"):
        edition.load(config, tmp_path / "packed", cache)


@pytest.mark.parametrize(("source", "write"), EDITIONS)
def test_refuses_swapped_files(tmp_path: Path, source: Source, write: Writer) -> None:
    folder = write(tmp_path / source.name).folder
    users, movies = (folder / name for name in source.official[0].members[1:])
    users.rename(folder / "aside")
    movies.rename(users)
    (folder / "aside").rename(movies)
    with pytest.raises(InputError, match=rf"{users.name}: line 1 has \d+ columns; expected 5 \(user, "):
        read(tmp_path, source)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_refuses_a_share_that_leaves_nothing(share: float) -> None:
    with pytest.raises(InputError, match=r"'data.log_share' is .*; expected between 0 and 1, both excluded"):
        DataConfig(log_share=share)
