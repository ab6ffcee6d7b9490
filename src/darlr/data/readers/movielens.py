"""MovieLens 100K and 1M (https://grouplens.org/datasets/movielens/), divided into a log and a test world.

No user was shown movies at random. So a random share of all ratings is the log, and the truth is completed from the others.
EasyRL4Rec (https://github.com/chongminggao/EasyRL4Rec) does the same, and calls a tenth of the ratings the training set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.config.experiment import ExperimentConfig
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.completion.completing import Exposed
from darlr.data.completion.settings import CompletionConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.origin.cache import Cache
from darlr.data.origin.official import Official, locate
from darlr.data.parsing.features import standardise
from darlr.data.readers.movielens_rows import AGES, GENRES, MovieLensRows, read_1m, read_100k
from darlr.data.source import LoadedDataset, Source
from darlr.world.settings import LeaveConfig
from darlr.world.world import World

SPLIT_SEED = 42
LIKED = 4.0
LEAVE = LeaveConfig(by="category", window=4, tolerance=0.0, max_steps=30)


def log_rows(n: int, share: float) -> NDArray[np.bool_]:
    """Return (n,) bool: which ratings are the log: `share` of them, rounded up, the same in every run.

    The legacy generator and its seed give the very rows that EasyRL4Rec draws for a tenth of MovieLens 1M.
    """
    chosen = np.zeros(n, bool)
    chosen[np.random.RandomState(SPLIT_SEED).permutation(n)[: int(np.ceil(share * n))]] = True
    return chosen


@dataclass(frozen=True)
class Edition:
    """One of the published sizes.

    Attributes:
        name: the value of `dataset`.
        official: the archive.
        ratings, users, movies: its members.
        read: reads those three files.
        published: counts of the whole files.
    """

    name: str
    official: Official
    ratings: str
    users: str
    movies: str
    read: Callable[[Path, Path, Path], MovieLensRows]
    published: dict[str, int]

    def load(self, config: ExperimentConfig, folder: Path, cache: Cache) -> LoadedDataset:
        """Read the edition; ids are those of its files of users and movies, ascending.

        The test world has the users and movies from whose ratings the truth is completed.

        Raises:
            InputError: naming the file and the line that is not as published, or the missing file.
        """
        paths = locate(self.official, folder, cache)
        rows = self.read(paths[self.ratings], paths[self.users], paths[self.movies])
        users, movies = rows.users.sort("user"), rows.movies.sort("movie")
        user_ids, movie_ids = users["user"].to_numpy().copy(), movies["movie"].to_numpy().copy()
        user = np.searchsorted(user_ids, rows.ratings.column("user"))
        movie = np.searchsorted(movie_ids, rows.ratings.column("movie"))
        logged = log_rows(len(rows.ratings), config.data.log_share)
        log = InteractionLog(
            users=user[logged].astype(np.int32),
            items=movie[logged].astype(np.int32),
            rewards=rows.ratings.column("rating")[logged].astype(np.float32),
            times=rows.ratings.column("seconds")[logged].astype(np.float64),
            user_ids=user_ids,
            item_ids=movie_ids,
            reward_range=(1.0, 5.0),
            positive_threshold=LIKED,
        )
        world = World(np.unique(user[~logged]), np.unique(movie[~logged]))
        dataset = Dataset(
            name=self.name,
            log=log,
            items=_catalog(movies, with_year=config.data.features == "all"),
            user_features=_user_features(users),
            world=world,
            leave=LEAVE,
            hashes={name: cache.fingerprint(path) for name, path in paths.items()},
        )
        exposed = Exposed(
            users=np.searchsorted(world.users, user[~logged]),
            items=np.searchsorted(world.items, movie[~logged]),
            rewards=rows.ratings.column("rating")[~logged].astype(np.float64),
            n_users=world.n_users,
            n_items=world.n_items,
            inputs={**{name: dataset.hashes[name] for name in paths}, "data.log_share": f"{config.data.log_share!r}"},
        )
        return LoadedDataset(dataset, None, count(rows), exposed=exposed)


def _catalog(movies: pl.DataFrame, with_year: bool) -> ItemCatalog:
    """Return genres as categories, and the year of release as a number if it is wanted."""
    genres = movies["genres"].to_list()
    categories = np.full((len(movies), max(map(len, genres))), -1, np.int32)
    for row, named in enumerate(genres):
        categories[row, : len(named)] = [GENRES.index(genre) for genre in named]
    features = Features.none(len(movies))
    if with_year:
        years = standardise(movies["year"].cast(pl.Float64).fill_null(np.nan).to_numpy())
        features = Features((), features.codes, (), ("year",), years[:, None])
    return ItemCatalog(categories, GENRES, features)


def _user_features(users: pl.DataFrame) -> Features:
    """Return gender, age group and occupation; 100K's ages are grouped as in 1M."""
    ages = np.searchsorted(AGES, users["age"].to_numpy(), side="right") - 1
    columns = [users["gender"].rank("dense").to_numpy() - 1, ages, users["occupation"].rank("dense").to_numpy() - 1]
    codes = np.stack(columns, axis=1).astype(np.int32)
    sizes = (2, len(AGES), int(codes[:, 2].max()) + 1)
    genders, occupations = (tuple(map(str, users[name].unique().sort().to_list())) for name in ("gender", "occupation"))
    labels = (genders, tuple(map(str, AGES)), occupations)
    return Features(("gender", "age", "occupation"), codes, sizes, (), Features.none(len(users)).numeric, labels)


def count(rows: MovieLensRows) -> dict[str, int]:
    """Return the figures of the whole files that `Edition.published` has."""
    return {
        "ratings": len(rows.ratings),
        "users": len(rows.users),
        "movies": len(rows.movies),
        "movies with a rating": len(np.unique(rows.ratings.column("movie"))),
    }


LICENCE = "research, not commercial; not to be redistributed without GroupLens' permission"
CITATION = "Harper and Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015"

ML_100K = Edition(
    name="movielens-100k",
    official=Official(
        archive="ml-100k.zip",
        page="https://grouplens.org/datasets/movielens/100k/",
        licence=LICENCE,
        members=("u.data", "u.user", "u.item"),
        root="ml-100k",
        url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
        size=4_924_029,
        md5="0e33842e24a9c977be4e0107933c0723",
        citation=CITATION,
    ),
    ratings="u.data",
    users="u.user",
    movies="u.item",
    read=read_100k,
    published={"ratings": 100_000, "users": 943, "movies": 1_682, "movies with a rating": 1_682},
)
ML_1M = Edition(
    name="movielens-1m",
    official=Official(
        archive="ml-1m.zip",
        page="https://grouplens.org/datasets/movielens/1m/",
        licence=LICENCE,
        members=("ratings.dat", "users.dat", "movies.dat"),
        root="ml-1m",
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        size=5_917_549,
        md5="c4d9eecfca2ab87c1945afe126590906",
        citation=CITATION,
    ),
    ratings="ratings.dat",
    users="users.dat",
    movies="movies.dat",
    read=read_1m,
    published={"ratings": 1_000_209, "users": 6_040, "movies": 3_883, "movies with a rating": 3_706},
)


def _source(edition: Edition, title: str) -> Source:
    return Source(
        name=edition.name,
        description=f"{title}: a share of the ratings is the log, the truth is completed from the others; by genres",
        folder=edition.name,
        official=(edition.official,),
        read=edition.load,
        options=("features", "log_share"),
        published=edition.published,
        completion=CompletionConfig(whole=False),
    )


SOURCE_100K, SOURCE_1M = _source(ML_100K, "MovieLens 100K"), _source(ML_1M, "MovieLens 1M")
