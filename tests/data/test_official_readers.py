"""The readers of ratings find the planted content in generated files of the official formats."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from darlr.config.experiment import ExperimentConfig
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import cache_directory
from darlr.data.registry import SOURCES, load
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.metrics import dominant_categories
from tests.official_files import yahoo
from tests.official_files.archives import pack_tar, pack_zip
from tests.official_files.coat import write_coat
from tests.official_files.movielens import AGES, MovieLens, write_1m, write_100k
from tests.official_files.yahoo import write_yahoo


def read(name: str, data_dir: Path, **data: str) -> LoadedDataset:
    return load(ExperimentConfig(dataset=name, data=DataConfig(**data)), data_dir)  # type: ignore[arg-type]


def rows(users: object, items: object, times: object, rewards: object) -> NDArray[np.float64]:
    """Return (n, 4) rows, sorted."""
    table = np.stack([np.asarray(column, np.float64) for column in (users, items, times, rewards)], axis=1)
    return table[np.lexsort(table.T[::-1])]


def rows_of(log: InteractionLog) -> NDArray[np.float64]:
    times = np.zeros(len(log)) if log.times is None else log.times
    return rows(log.user_ids[log.users], log.item_ids[log.items], times, log.rewards)


@pytest.mark.parametrize(("commas", "packed"), [(False, False), (False, True), (True, False)])
def test_yahoo(commas: bool, packed: bool, tmp_path: Path) -> None:
    folder = tmp_path / "yahoo"
    made = write_yahoo(folder, commas=commas)
    if packed:
        pack_tar(made.folder, folder / "Webscope_R3.tgz")
        shutil.rmtree(made.folder)
    dataset = read("yahoo", tmp_path).dataset
    first, train = made.first_id, made.train
    planted = rows(train.users + first, train.items + first, np.zeros(len(train)), train.ratings)
    np.testing.assert_array_equal(rows_of(dataset.log), planted)
    assert dataset.log.times is None
    assert dataset.log.user_ids[dataset.world.users].tolist() == [first + user for user in range(yahoo.TINY.test_users)]
    assert dataset.log.item_ids[dataset.world.items].tolist() == [first + song for song in range(yahoo.TINY.songs)]
    assert dataset.items.n_categories == 0


def test_what_is_wrong_in_an_archive_is_told_of_the_archive_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "coat"
    made = write_coat(folder)
    (made.folder / "train.ascii").write_text("7 " * 299 + "7\n" * 290)
    archive = pack_zip(made.folder, folder / "coat.zip")
    shutil.rmtree(made.folder)
    with pytest.raises(InputError, match=rf"^{archive}/train.ascii: line 2 has 1 columns; expected 300$"):
        read("coat", tmp_path)
    assert not list(cache_directory().rglob("train.ascii"))


def test_another_pseudo_ground_truth_is_told(tmp_path: Path) -> None:
    write_coat(tmp_path / "coat")
    told = SOURCES["coat"].deviations(read("coat", tmp_path))[-1]
    assert re.fullmatch(r"coat_pseudoGT_ratingM.ascii: SHA-256 [0-9a-f]{64}; the published file has fee71820[0-9a-f]{56}", told)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_coat(newline: str, packed: bool, tmp_path: Path) -> None:
    folder = tmp_path / "coat"
    made = write_coat(folder, newline=newline)
    if packed:
        pack_zip(made.folder, folder / "coat.zip")
        shutil.rmtree(made.folder)
    loaded = read("coat", tmp_path)
    users, items = np.nonzero(made.train)
    planted = rows(users, items, np.zeros(len(users)), made.train[users, items])
    np.testing.assert_array_equal(rows_of(loaded.dataset.log), planted)
    assert loaded.truth is not None
    np.testing.assert_array_equal(loaded.truth.rewards, made.truth)
    np.testing.assert_array_equal(loaded.dataset.user_features.codes, made.user_codes)
    np.testing.assert_array_equal(loaded.dataset.items.features.codes, made.item_codes)
    both = (made.train > 0) & (made.test > 0)
    assert loaded.counts["cells in both"] == both.sum()
    assert loaded.counts["cells in both with another rating"] == 0


@pytest.mark.parametrize(
    ("name", "write"),
    [("movielens-100k", write_100k), ("movielens-1m", write_1m)],
)
def test_movielens(name: str, write: Callable[[Path], MovieLens], tmp_path: Path) -> None:
    made = write(tmp_path / name)
    dataset = read(name, tmp_path).dataset
    log, items, world = dataset.log, dataset.items, dataset.world
    # The log is a tenth of the ratings, each as it was given; the world is whom and what the others are about.
    given = {row[:2]: row[2:] for row in zip(made.users, made.movies, made.ratings, made.seconds, strict=True)}
    assert log.times is not None
    logged = set()
    for user, movie, rating, seconds in zip(
        log.user_ids[log.users], log.item_ids[log.items], log.rewards, log.times, strict=True
    ):
        assert given[user, movie] == (rating, seconds)
        logged.add((user, movie))
    assert len(logged) == len(log) == np.ceil(len(given) / 10)
    others = given.keys() - logged
    assert set(log.user_ids[world.users].tolist()) == {int(user) for user, _ in others}
    assert set(log.item_ids[world.items].tolist()) == {int(movie) for _, movie in others}
    assert log.item_ids.tolist() == made.movie_ids.tolist()

    genres = {
        int(log.item_ids[item]): tuple(items.category_names[code] for code in codes if code >= 0)
        for item, codes in enumerate(items.categories)
    }
    assert genres == made.genres
    liked = Counter(genre for movie in log.item_ids[log.items[log.rewards >= 4]] for genre in made.genres[int(movie)])
    dominant = {items.category_names[code] for code in np.flatnonzero(dominant_categories(log, items))}
    shares = [sum(sorted(liked.values(), reverse=True)[:count]) / liked.total() for count in range(1, len(liked) + 1)]
    assert len(dominant) == sum(share <= 0.8 for share in shares)
    assert min(liked[genre] for genre in dominant) >= max(liked[genre] for genre in liked.keys() - dominant)

    features = dataset.user_features
    assert features.code_names == ("gender", "age", "occupation")
    assert features.codes[:, 0].tolist() == ["FM".index(gender) for gender in made.genders]
    assert features.codes[:, 1].tolist() == [sum(age >= bound for bound in AGES) - 1 for age in made.ages]
    for one in np.unique(features.codes[:, 2]):
        assert len({made.occupations[user] for user in np.flatnonzero(features.codes[:, 2] == one)}) == 1
    assert features.code_sizes[2] == len(set(made.occupations))

    years = read(name, tmp_path, features="all").dataset.items.features.numeric[:, 0]
    known = [movie for movie in made.genres if made.years[movie] is not None]
    places = np.searchsorted(made.movie_ids, known)
    assert np.corrcoef(years[places], [made.years[movie] for movie in known])[0, 1] == pytest.approx(1)
