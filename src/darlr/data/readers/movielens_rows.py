"""The files of MovieLens 100K and 1M (https://grouplens.org/datasets/movielens/): ratings, movies and users, validated.

The editions have different separators; the results have the same form.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.parsing.files import require_file
from darlr.data.parsing.number_rows import DOUBLE_COLONS, NumberRows, read_number_rows, refuse_cell
from darlr.errors import InputError

# In the order of the bits of 100K's u.item, which begin with one for movies of unknown genre.
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
AGES = (1, 18, 25, 35, 45, 50, 56)
"""1M's codes of age groups, the youngest age of each (1: under 18)."""

RATING_COLUMNS = ("user", "movie", "rating", "seconds")
USERS_100K = ("user", "age", "gender", "occupation", "zip")
USERS_1M = ("user", "gender", "age", "occupation", "zip")
MOVIES_100K = ("movie", "title", "release date", "video date", "address", "unknown", *GENRES)
MOVIES_1M = ("movie", "title", "genres")


@dataclass(frozen=True)
class MovieLensRows:
    """The contents of an edition's three files.

    Attributes:
        ratings: columns user, movie, rating (1..5), seconds (since 1970); in the file's order.
        users: columns user (int64), gender ("F" or "M"), age (int64, years or 1M's code), occupation (text).
        movies: columns movie (int64), genres (list of text, empty if unknown), year (int64, null if unknown).
    """

    ratings: NumberRows
    users: pl.DataFrame
    movies: pl.DataFrame


def read_100k(ratings: Path, users: Path, movies: Path) -> MovieLensRows:
    """Read `u.data`, `u.user` and `u.item`.

    Raises:
        InputError: naming the file, the line and the column at fault.
    """
    people = _read_fields(users, USERS_100K, "|")
    user_table = pl.DataFrame(
        {
            "user": people.distinct_ids("user"),
            "gender": people.choices("gender", ("F", "M")),
            "age": people.whole("age", 1, 120),
            "occupation": people.choices("occupation", None),
        }
    )
    films = _read_fields(movies, MOVIES_100K, "|")
    has = np.stack([films.whole(genre, 0, 1) for genre in GENRES], axis=1) == 1
    films.whole("unknown", 0, 1)
    genres = [[genre for genre, bit in zip(GENRES, bits, strict=True) if bit] for bits in has.tolist()]
    movie_table = _movie_table(films, genres, films.years("release date", r"-(\d{4})$", "a date like 01-Jan-1995"))
    return _together(read_number_rows(ratings, RATING_COLUMNS, r"\s+"), user_table, movie_table, users, movies)


def read_1m(ratings: Path, users: Path, movies: Path) -> MovieLensRows:
    """Read `ratings.dat`, `users.dat` and `movies.dat`.

    Raises:
        InputError: naming the file, the line and the column at fault.
    """
    people = _read_fields(users, USERS_1M, DOUBLE_COLONS)
    ages = people.whole("age", AGES[0], AGES[-1])
    if not np.isin(ages, AGES).all():
        raise people.refuse(int(np.argmin(np.isin(ages, AGES))), "age", f"one of {', '.join(map(str, AGES))}")
    user_table = pl.DataFrame(
        {
            "user": people.distinct_ids("user"),
            "gender": people.choices("gender", ("F", "M")),
            "age": ages,
            "occupation": people.whole("occupation", 0, 20).astype(np.str_).tolist(),
        }
    )
    films = _read_fields(movies, MOVIES_1M, DOUBLE_COLONS)
    genres = [cell.split("|") for cell in films.column("genres")]
    for row, named in enumerate(genres):
        if any(genre not in GENRES for genre in named) or len(set(named)) < len(named):
            raise films.refuse(row, "genres", f"names of genres joined by '|', each once, of {', '.join(GENRES)}")
    movie_table = _movie_table(
        films, genres, films.years("title", r"\((\d{4})\)\s*$", "a title with its year, like Heat (1995)")
    )
    return _together(read_number_rows(ratings, RATING_COLUMNS, DOUBLE_COLONS), user_table, movie_table, users, movies)


def _movie_table(films: "_Fields", genres: list[list[str]], years: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"movie": films.distinct_ids("movie"), "genres": genres, "year": years},
        schema={"movie": pl.Int64, "genres": pl.List(pl.String), "year": pl.Int64},
    )


def _together(
    ratings: NumberRows, users: pl.DataFrame, movies: pl.DataFrame, user_file: Path, movie_file: Path
) -> MovieLensRows:
    ratings.require_between("rating", 1, 5)
    for column, table, file in (("user", users, user_file), ("movie", movies, movie_file)):
        known = np.isin(ratings.column(column), table[column].to_numpy())
        if not known.all():
            raise ratings.refuse(int(np.argmin(known)), column, f"an id of {file}")
    ratings.require_distinct("user", "movie")
    return MovieLensRows(ratings, users, movies)


@dataclass(frozen=True)
class _Fields:
    """Lines of named fields, as text; row r is line r + 1."""

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]

    def column(self, name: str) -> list[str]:
        place = self.names.index(name)
        return [fields[place] for fields in self.rows]

    def refuse(self, row: int, name: str, expected: str) -> InputError:
        place = self.names.index(name)
        return refuse_cell(self.path, row, place, name, self.rows[row][place], expected)

    def whole(self, name: str, low: int, high: int) -> NDArray[np.int64]:
        cells = self.column(name)
        for row, cell in enumerate(cells):
            if not re.fullmatch("[0-9]{1,9}", cell) or not low <= int(cell) <= high:
                raise self.refuse(row, name, f"a whole number in {low}..{high}")
        return np.array(cells, dtype=np.int64)

    def choices(self, name: str, allowed: Collection[str] | None) -> list[str]:
        """Return the column; each cell has to be one of `allowed`, or any text that is not blank."""
        cells = self.column(name)
        for row, cell in enumerate(cells):
            if not cell or (allowed is not None and cell not in allowed):
                raise self.refuse(row, name, "text" if allowed is None else f"one of {', '.join(allowed)}")
        return cells

    def distinct_ids(self, name: str) -> NDArray[np.int64]:
        ids = self.whole(name, 1, 999_999_999)
        values, first = np.unique(ids, return_index=True)
        if len(values) < len(ids):
            row = int(np.setdiff1d(np.arange(len(ids)), first)[0])
            earlier = int(np.argmax(ids == ids[row]))
            raise InputError(f"{self.path}: line {row + 1} repeats {name} {ids[row]} of line {earlier + 1}; expected each once")
        return ids

    def years(self, name: str, pattern: str, expected: str) -> list[int | None]:
        """Return the year that `pattern` finds in each cell, None if the cell is blank."""
        found = [re.search(pattern, cell) for cell in self.column(name)]
        for row, (cell, match) in enumerate(zip(self.column(name), found, strict=True)):
            if cell and match is None:
                raise self.refuse(row, name, expected)
        return [int(match[1]) if match else None for match in found]


def _read_fields(path: Path, names: tuple[str, ...], separator: str) -> _Fields:
    """Read lines with one field for each of `names`, Latin-1, LF or CRLF; blank lines at the end are ignored."""
    text = require_file(path).read_bytes().decode("latin-1")
    rows = [line.rstrip("\r").split(separator) for line in text.rstrip().split("\n")]
    for row, fields in enumerate(rows):
        if len(fields) != len(names):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise InputError(f"{path}: line {row + 1} has {len(fields)} columns; expected {len(names)} ({shown})")
    return _Fields(path, names, rows)
