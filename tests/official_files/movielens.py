"""MovieLens 100K (`ml-100k/u.*`) and 1M (`ml-1m/*.dat`): Latin-1, no headers, different separators."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.official_files.tables import Integers, deal
from tests.official_files.tastes import Tastes, choose_items

ROOT_100K, ROOT_1M = "ml-100k", "ml-1m"
GENRES = (
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
MOST_GENRES = 6
LEAST = 20  # ratings a user
AGES = (1, 18, 25, 35, 45, 50, 56)
OCCUPATIONS = (
    "administrator",
    "artist",
    "doctor",
    "educator",
    "engineer",
    "entertainment",
    "executive",
    "healthcare",
    "homemaker",
    "lawyer",
    "librarian",
    "marketing",
    "none",
    "other",
    "programmer",
    "retired",
    "salesman",
    "scientist",
    "student",
    "technician",
    "writer",
)
TITLES = ("Misérables, Les", "Night: Part 2", "Heat", "Señor | Señora")
START, SPAN = 956_703_932, 30_000_000


@dataclass(frozen=True)
class Size:
    """Number of users, numbered from 1; of movies; of ratings; the highest movie id, and the number of movies without
    ratings.
    """

    users: int
    movies: int
    rows: int
    last_movie: int
    unrated: int


TINY = Size(60, 80, 2_400, 80, 0)
FULL_100K = Size(943, 1_682, 100_000, 1_682, 0)
TINY_1M = Size(60, 80, 2_400, 85, 4)
FULL_1M = Size(6_040, 3_883, 1_000_209, 3_952, 177)


@dataclass(frozen=True)
class MovieLens:
    """The written content.

    Attributes:
        folder: the folder of the files.
        users, movies: (n,) raw ids of the ratings, in the file's order.
        ratings, seconds: (n,) 1..5, and since 1970.
        movie_ids: of all movies, ascending.
        genres: movie id -> its genres; none for one movie of 100K.
        years: movie id -> year of its release, None if unknown.
        genders, ages, occupations: of the users, by id.
        tastes: the tastes behind the ratings, for positions of users and movies.
    """

    folder: Path
    users: Integers
    movies: Integers
    ratings: Integers
    seconds: Integers
    movie_ids: Integers
    genres: dict[int, tuple[str, ...]]
    years: dict[int, int | None]
    genders: tuple[str, ...]
    ages: tuple[int, ...]
    occupations: tuple[str, ...]
    tastes: Tastes


def write_100k(root: Path, size: Size = TINY, seed: int = 0) -> MovieLens:
    """Write `ml-100k` into the folder `root`; ratings are unordered, and one movie is unknown except for its ratings."""
    random = np.random.default_rng(seed)
    made = _draw(root / ROOT_100K, size, tuple(range(7, 74)), random, blank_movie=True)
    rows = zip(made.users, made.movies, made.ratings, made.seconds, strict=True)
    _write(made.folder / "u.data", (f"{user}\t{movie}\t{rating}\t{second}" for user, movie, rating, second in rows))
    people = enumerate(zip(made.ages, made.genders, made.occupations, strict=True), start=1)
    _write(made.folder / "u.user", (f"{user}|{age}|{gender}|{work}|{_zip(user)}" for user, (age, gender, work) in people))
    _write(made.folder / "u.item", (_movie_100k(made, movie) for movie in made.movie_ids.tolist()))
    _write(made.folder / "u.genre", [*(f"{name}|{place}" for place, name in enumerate(("unknown", *GENRES))), ""])
    _write(made.folder / "u.occupation", OCCUPATIONS)
    return made


def write_1m(root: Path, size: Size = TINY_1M, seed: int = 0) -> MovieLens:
    """Write `ml-1m` into the folder `root`; ratings are by user, movie ids have gaps; occupations are numbers."""
    random = np.random.default_rng(seed)
    made = _draw(root / ROOT_1M, size, AGES, random, blank_movie=False)
    rows = zip(made.users, made.movies, made.ratings, made.seconds, strict=True)
    _write(made.folder / "ratings.dat", (f"{user}::{movie}::{rating}::{second}" for user, movie, rating, second in rows))
    people = enumerate(zip(made.genders, made.ages, made.occupations, strict=True), start=1)
    _write(
        made.folder / "users.dat",
        (f"{user}::{gender}::{age}::{OCCUPATIONS.index(work)}::{_zip(user)}" for user, (gender, age, work) in people),
    )
    movies = made.movie_ids.tolist()
    _write(made.folder / "movies.dat", (f"{movie}::{_title(made, movie)}::{'|'.join(made.genres[movie])}" for movie in movies))
    return made


def _draw(folder: Path, size: Size, ages: tuple[int, ...], random: np.random.Generator, blank_movie: bool) -> MovieLens:
    tastes = Tastes(size.users, size.movies, random)
    gaps = 1 + random.choice(size.last_movie - 2, size.last_movie - size.movies, replace=False)
    movie_ids = np.setdiff1d(np.arange(1, size.last_movie + 1), 1 + gaps)
    rated = np.sort(random.permutation(size.movies)[size.unrated :])
    counts = LEAST + deal(size.rows - LEAST * size.users, random.lognormal(0, 0.8, size.users), random, len(rated) - LEAST)
    owners = np.arange(len(rated)) % size.users
    users, places = choose_items(counts, random.normal(0, 1.5, len(rated)), owners, random)
    if blank_movie:
        order = random.permutation(len(users))
        users, places = users[order], places[order]
    movies = rated[places]
    genres = _draw_genres(movie_ids, random)
    years: dict[int, int | None] = dict(zip(movie_ids.tolist(), random.integers(1919, 2001, size.movies).tolist(), strict=True))
    if blank_movie:
        unknown = int(movie_ids[size.movies // 2])
        genres[unknown], years[unknown] = (), None
    folder.mkdir(parents=True)
    return MovieLens(
        folder,
        users + 1,
        movie_ids[movies],
        tastes.rate(users, movies, random),
        START + random.integers(SPAN, size=len(users)),
        movie_ids,
        genres,
        years,
        tuple(random.choice(["F", "M"], size.users).tolist()),
        tuple(random.choice(ages, size.users).tolist()),
        tuple(random.choice(OCCUPATIONS, size.users).tolist()),
        tastes,
    )


def _draw_genres(movie_ids: Integers, random: np.random.Generator) -> dict[int, tuple[str, ...]]:
    """One to six each; the first movies have six and one, and go through all genres."""
    counts = np.clip(random.geometric(0.6, len(movie_ids)), 1, MOST_GENRES)
    counts[:2] = MOST_GENRES, 1
    first = np.arange(len(movie_ids)) % len(GENRES)
    drawn = np.argsort(random.random((len(movie_ids), len(GENRES))), axis=1)
    genres = {}
    for movie, count, own, row in zip(movie_ids.tolist(), counts, first, drawn, strict=True):
        chosen = [own, *(place for place in row if place != own)][:count]
        genres[movie] = tuple(GENRES[place] for place in sorted(chosen))
    return genres


def _movie_100k(made: MovieLens, movie: int) -> str:
    year = made.years[movie]
    bits = "|".join(str(int(genre in made.genres[movie])) for genre in GENRES)
    if year is None:
        return f"{movie}|unknown||||1|{bits}"
    title = _title(made, movie).replace("|", "/")
    return f"{movie}|{title}|01-Jan-{year}||http://us.imdb.com/M/title-exact?{movie}|0|{bits}"


def _title(made: MovieLens, movie: int) -> str:
    return f"{TITLES[movie % len(TITLES)]} ({made.years[movie]})"


def _zip(user: int) -> str:
    return f"{10_000 + 7 * user}" if user % 9 else f"V{user}N4K"


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="latin-1")
