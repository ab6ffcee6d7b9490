from collections.abc import Callable
from pathlib import Path

import pytest

from darlr.data.readers.movielens_rows import GENRES, MovieLensRows, read_1m, read_100k
from darlr.errors import InputError

Reader = Callable[[Path, Path, Path], MovieLensRows]


def bits(*genres: str) -> str:
    return "|".join(str(int(genre in genres)) for genre in ("unknown", *GENRES))


FILES: dict[str, dict[str, str]] = {
    "100k": {
        "u.data": "2\t1\t5\t874965758\n1\t3\t1\t876893171\n",
        "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
        "u.item": (
            f"1|Toy Story (1995)|01-Jan-1995||http://x/?a|{bits('Animation', 'Comedy')}\n"
            f"2|unknown||||{bits('unknown')}\n"
            f"3|Misérables, Les (1995)|4-Feb-1995||http://x/?b|{bits('Drama')}\n"
        ),
    },
    "1m": {
        "ratings.dat": "2::1::5::874965758\n1::3952::1::876893171\n",
        "users.dat": "1::M::1::10::48067\n2::F::56::16::70072-1234\n",
        "movies.dat": (
            "1::Toy Story (1995)::Animation|Comedy\n"
            "3952::Contender: A, The (2000)::Drama\n"
            "5::Misérables, Les (1995) ::Children's\n"
        ),
    },
}
READERS: dict[str, Reader] = {"100k": read_100k, "1m": read_1m}


def read(folder: Path, edition: str, ending: str = "\n", changed: dict[str, str | bytes] | None = None) -> MovieLensRows:
    """Read the edition's example files, some of them changed."""
    for name, text in FILES[edition].items():
        content = (changed or {}).get(name, text)
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.replace("\n", ending).encode("latin-1"))
    ratings, users, movies = (folder / name for name in FILES[edition])
    return READERS[edition](ratings, users, movies)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_reads_100k(tmp_path: Path, ending: str) -> None:
    rows = read(tmp_path, "100k", ending)
    assert rows.ratings.values.tolist() == [[2, 1, 5, 874965758], [1, 3, 1, 876893171]]
    assert rows.users.rows() == [(1, "M", 24, "technician"), (2, "F", 53, "other")]
    assert rows.movies.rows() == [(1, ["Animation", "Comedy"], 1995), (2, [], None), (3, ["Drama"], 1995)]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_reads_1m(tmp_path: Path, ending: str) -> None:
    rows = read(tmp_path, "1m", ending)
    assert rows.ratings.values.tolist() == [[2, 1, 5, 874965758], [1, 3952, 1, 876893171]]
    assert rows.users.rows() == [(1, "M", 1, "10"), (2, "F", 56, "16")]
    assert rows.movies.rows() == [(1, ["Animation", "Comedy"], 1995), (3952, ["Drama"], 2000), (5, ["Children's"], 1995)]


@pytest.mark.parametrize(
    ("edition", "name", "text", "message"),
    [
        ("100k", "u.data", "1\t1\t5\n", "line 1 has 3 columns; expected 4 (user, movie, rating, seconds)"),
        ("100k", "u.data", "1\t1\t5\t9\n3\t1\t5\t9\n", "line 2, column 1 (user) holds '3'; expected an id of {folder}/u.user"),
        ("100k", "u.data", "1\t1\t5\t9\n1\t4\t5\t9\n", "line 2, column 2 (movie) holds '4'; expected an id of {folder}/u.item"),
        ("100k", "u.data", "0\t1\t5\t9\n", "line 1, column 1 (user) holds '0'; expected an id of {folder}/u.user"),
        ("100k", "u.data", "1\t1\t6\t9\n", "line 1, column 3 (rating) holds '6'; expected a whole number in 1..5"),
        ("100k", "u.data", "1\t1\t5\t9\n1\t1\t4\t9\n", "line 2 repeats user 1, movie 1 of line 1; expected each once"),
        ("100k", "u.data", b"1\t1\t5\t9\n1\t\xe9\t5\t9\n", "line 2 is not UTF-8 text"),
        ("100k", "u.data", "", "the file is empty"),
        ("100k", "u.user", "1|24|M|technician\n", "line 1 has 4 columns; expected 5 (user, age, gender, occupation, zip)"),
        ("100k", "u.user", "1|24|X|technician|1\n", "line 1, column 3 (gender) holds 'X'; expected one of F, M"),
        ("100k", "u.user", "1|x|M|technician|1\n", "line 1, column 2 (age) holds 'x'; expected a whole number in 1..120"),
        ("100k", "u.user", "1|24|M||1\n", "line 1, column 4 (occupation) holds ''; expected text"),
        ("100k", "u.user", "1|24|M|a|1\n1|25|M|a|1\n", "line 2 repeats user 1 of line 1; expected each once"),
        (
            "100k",
            "u.item",
            "1|A|||u|1|0\n",
            "line 1 has 7 columns; expected 24 (movie, title, release date, video date, address, ...)",
        ),
        (
            "100k",
            "u.item",
            f"1|A|1995||u|{bits()}\n",
            "line 1, column 3 (release date) holds '1995'; expected a date like 01-Jan-1995",
        ),
        (
            "100k",
            "u.item",
            f"1|A|||u|{bits()[:-1]}2\n",
            "line 1, column 24 (Western) holds '2'; expected a whole number in 0..1",
        ),
        ("1m", "ratings.dat", "1:1:5:9\n", "line 1 has 1 columns; expected 4 (user, movie, rating, seconds)"),
        (
            "1m",
            "ratings.dat",
            "1::1::5::9\n1::2::5::9\n",
            "line 2, column 2 (movie) holds '2'; expected an id of {folder}/movies.dat",
        ),
        ("1m", "ratings.dat", "1::1::0::9\n", "line 1, column 3 (rating) holds '0'; expected a whole number in 1..5"),
        (
            "1m",
            "users.dat",
            "1::M::24::10::48067\n",
            "line 1, column 3 (age) holds '24'; expected one of 1, 18, 25, 35, 45, 50, 56",
        ),
        (
            "1m",
            "users.dat",
            "1::M::25::21::48067\n",
            "line 1, column 4 (occupation) holds '21'; expected a whole number in 0..20",
        ),
        ("1m", "users.dat", FILES["1m"]["movies.dat"], "line 1 has 3 columns; expected 5 (user, gender, age, occupation, zip)"),
        (
            "1m",
            "movies.dat",
            "1::Toy Story::Comedy\n",
            "line 1, column 2 (title) holds 'Toy Story'; expected a title with its year, like Heat (1995)",
        ),
        (
            "1m",
            "movies.dat",
            "x::A (1995)::Comedy\n",
            "line 1, column 1 (movie) holds 'x'; expected a whole number in 1..999999999",
        ),
    ],
)
def test_refuses_other_files(tmp_path: Path, edition: str, name: str, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, edition, changed={name: text})
    assert str(error.value) == f"{tmp_path / name}: {message.format(folder=tmp_path)}"


@pytest.mark.parametrize("genres", ["Comedy|Thrills", "Comedy|Comedy", ""])
def test_refuses_unknown_genres(tmp_path: Path, genres: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "1m", changed={"movies.dat": f"1::A (1995)::{genres}\n"})
    assert str(error.value).startswith(
        f"{tmp_path / 'movies.dat'}: line 1, column 3 (genres) holds '{genres}'; "
        "expected names of genres joined by '|', each once, of Action, Adventure"
    )
