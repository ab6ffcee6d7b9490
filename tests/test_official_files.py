"""The generated files contain what their descriptions say: counts, quirks and planted facts, read back in another way."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.official_files import coat, kuairand, kuairec, movielens, yahoo
from tests.official_files.__main__ import FORMATS, main
from tests.official_files.stories import HISTORIES


@pytest.fixture(scope="module")
def rec(tmp_path_factory: pytest.TempPathFactory) -> kuairec.KuaiRec:
    return kuairec.write_kuairec(tmp_path_factory.mktemp("rec"))


@pytest.fixture(scope="module")
def rand(tmp_path_factory: pytest.TempPathFactory) -> kuairand.KuaiRand:
    return kuairand.write_kuairand(tmp_path_factory.mktemp("rand"))


def texts(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


@pytest.mark.parametrize("name", FORMATS)
def test_same_seed_same_bytes(name: str, tmp_path: Path) -> None:
    written = []
    for place, seed in (("first", 3), ("again", 3), ("other", 4)):
        (tmp_path / place).mkdir()
        FORMATS[name].write(tmp_path / place, False, seed)
        root = tmp_path / place / FORMATS[name].root
        written.append({str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()})
    first, again, other = written
    assert first == again
    assert first.keys() == other.keys()
    assert first != other


@pytest.mark.parametrize("name", FORMATS)
def test_command_packs_the_archive_with_its_root(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["official_files", name, str(tmp_path / "new"), "--archive"])
    main()
    made = FORMATS[name]
    shutil.unpack_archive(tmp_path / "new" / made.archive, tmp_path / "out", "zip" if made.archive.endswith("zip") else "gztar")
    root = tmp_path / "new" / made.root
    for path in (path for path in root.rglob("*") if path.is_file()):
        assert (tmp_path / "out" / made.root / path.relative_to(root)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["big", "small"])
def test_kuairec_matrices_hold_the_planted_rows(rec: kuairec.KuaiRec, name: str) -> None:
    table, views = texts(rec.folder / f"{name}_matrix.csv"), getattr(rec, name)
    assert table.columns == [
        *("user_id", "video_id", "play_duration", "video_duration", "time", "date", "timestamp", "watch_ratio"),
    ]
    timed = views.times >= 0
    assert (table["user_id"].cast(int).to_numpy() == views.users).all()
    assert (table["video_id"].cast(int).to_numpy() == views.items).all()
    assert (table["watch_ratio"].cast(float).to_numpy() == views.played / views.durations).all()
    for column in ("time", "date", "timestamp"):
        assert (table[column].is_not_null().to_numpy() == timed).all()
    seconds = table["timestamp"].cast(float).fill_null(-0.001).to_numpy()
    assert (np.rint(seconds * 1000) == views.times).all()
    clocks = table["time"].drop_nulls()
    assert {len(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.(\d+)", clock)[1]) for clock in clocks} == {1, 2, 3}  # type: ignore[index]
    local = clocks.str.to_datetime("%Y-%m-%d %H:%M:%S%.f").dt.timestamp("ms").to_numpy()
    assert (local == views.times[timed] + 8 * 3_600_000).all()
    assert (clocks.str.slice(0, 10).str.replace_all("-", "").to_list()) == [
        date.removesuffix(".0") for date in table["date"].drop_nulls()
    ]


def test_kuairec_keeps_its_size(rec: kuairec.KuaiRec) -> None:
    size, big, small = rec.size, rec.big, rec.small
    assert len(big) == size.rows
    assert set(big.users.tolist()) == set(range(size.users))
    assert set(big.items.tolist()) == set(range(size.items))
    assert len(small) == size.world_users * size.world_items - size.missing
    assert (small.times < 0).sum() == size.untimed
    assert (small.ratios > 5).sum() == size.above
    assert rec.world_users[0] == 14
    assert rec.truth.shape == (size.world_users, size.world_items)
    assert rec.truth.max() == 5
    assert (rec.truth[rec.missing] == 0).all()
    for row, user in enumerate(rec.world_users[:3]):
        own = small.rows(np.flatnonzero(small.users == user))
        found = dict(zip(own.items.tolist(), np.minimum(own.ratios, 5).tolist(), strict=True))
        assert rec.truth[row].tolist() == [found.get(item, 0) for item in rec.world_items.tolist()]


def test_kuairec_pairs(rec: kuairec.KuaiRec) -> None:
    big = pl.DataFrame({"user": rec.big.users, "item": rec.big.items, "time": rec.big.times, "played": rec.big.played})
    small = pl.DataFrame({"user": rec.small.users, "item": rec.small.items})
    assert not small.is_duplicated().any()
    assert big.join(small, on=("user", "item"), how="semi").is_empty()
    story_duplicates = sum(history.count("FF") + history.count("FFF") for history in HISTORIES)
    assert len(big) - len(big.unique()) == rec.size.duplicates + story_duplicates
    views = big.group_by("user", "item").len()["len"]
    assert rec.size.favourite in views
    assert (views > 1).mean() > 0.1  # type: ignore[operator]


def test_kuairec_tags_and_what_dominates(rec: kuairec.KuaiRec) -> None:
    table = texts(rec.folder / "item_categories.csv")
    found = {int(item): tuple(json.loads(tags)) for item, tags in table.iter_rows()}
    assert found == rec.tags
    assert {tag for own in found.values() for tag in own} == set(range(31))
    assert {len(own) for own in found.values()} == {1, 2, 4}
    # Liked by the raw ratio, and by a z-score of at least 0.6 within each item's rows.
    items, ratios = rec.big.items, rec.big.ratios
    scores = np.zeros(len(ratios))
    for item in np.unique(items):
        own = ratios[items == item]
        if own.std() > 0:
            scores[items == item] = (own - own.mean()) / own.std(ddof=1)
    for liked in (ratios > 1, scores >= 0.6):
        counts = dict.fromkeys(range(31), 0)
        for item in items[liked].tolist():
            for tag in rec.tags[item]:
                counts[tag] += 1
        assert {tag: count for tag, count in counts.items() if count} == rec.liked
    shares = np.array([rec.liked[tag] for tag in (*rec.dominant, 12)]) / sum(rec.liked.values())
    assert rec.dominant == (29, 9)
    assert shares[:-1].sum() < 0.75
    assert shares.sum() > 0.85
    assert scores.max() > 10


def test_kuairand_logs_hold_the_planted_rows(rand: kuairand.KuaiRand) -> None:
    size = rand.size
    for name, views, rows, is_random in (
        (kuairand.FIRST, rand.first, size.first, "0"),
        (kuairand.SECOND, rand.second, size.second, "0"),
        (kuairand.RANDOM, rand.random, size.random, "1"),
    ):
        table = texts(rand.folder / name)
        assert table.width == 19
        assert len(table) == len(views) == rows
        for column, planted in (
            ("user_id", views.users),
            ("video_id", views.items),
            ("time_ms", views.times),
            ("is_click", views.clicks),
            ("duration_ms", views.durations),
        ):
            assert (table[column].cast(int).to_numpy() == planted).all()
        assert set(table["is_rand"]) == {is_random}
        assert {"0", "1"} == set(table["is_click"])
        assert "0" in set(table["duration_ms"])
    assert set(rand.random.users.tolist()) == set(range(size.users))
    assert set(rand.random.items.tolist()) == set(range(size.items))
    assert set(range(size.users)) - set(rand.first.users.tolist()) == set(rand.absent_users.tolist())
    standard = {*rand.first.items.tolist(), *rand.second.items.tolist()}
    assert set(range(size.items)) - standard == set(rand.unseen_items.tolist())
    assert len(set(zip(rand.first.users.tolist(), rand.first.items.tolist(), strict=True))) < size.first


def test_kuairand_videos_and_what_dominates(rand: kuairand.KuaiRand) -> None:
    table = texts(rand.folder / "video_features_basic_pure.csv")
    assert table.width == 12
    assert table["video_id"].cast(int).to_list() == list(reversed(range(rand.size.items)))
    tags = {int(row["video_id"]): tuple(map(int, row["tag"].split(","))) if row["tag"] else () for row in table.to_dicts()}
    assert tags == rand.tags
    assert sum(not own for own in tags.values()) == rand.size.untagged
    assert {len(own) for own in tags.values()} == {0, 1, 2, 3}
    assert all(len(set(own)) == len(own) for own in tags.values())
    lengths = {int(row["video_id"]): row["video_duration"] for row in table.to_dicts()}
    assert None in lengths.values()
    assert {item: None if length is None else int(float(length)) for item, length in lengths.items()} == rand.lengths
    counts: dict[int, int] = {}
    for item in rand.first.items[rand.first.clicks == 1].tolist():
        for tag in tags[item]:
            counts[tag] = counts.get(tag, 0) + 1
    assert counts == rand.liked
    shares = np.array([counts[tag] for tag in (39, 9, 3)]) / sum(counts.values())
    assert rand.dominant == (39, 9)
    assert shares[:2].sum() < 0.75
    assert shares.sum() > 0.85


def test_clicks_follow_the_planted_probabilities(rand: kuairand.KuaiRand) -> None:
    views = rand.random
    expected = rand.truth.probabilities(views.users, views.items)
    error = np.sqrt((expected * (1 - expected)).mean() / len(views))
    assert abs(expected.mean() - views.clicks.mean()) < 4 * error
    assert np.corrcoef(expected, views.clicks)[0, 1] > 0.3


@pytest.mark.parametrize("name", ["user_features.csv", "user_features_pure.csv"])
def test_user_features(rec: kuairec.KuaiRec, rand: kuairand.KuaiRand, name: str) -> None:
    folder, size = (rec.folder, rec.size.users) if name == "user_features.csv" else (rand.folder, rand.size.users)
    table = texts(folder / name)
    assert table.shape == (size, 31)
    assert table["user_id"].cast(int).to_list() == list(range(size))
    assert "UNKNOWN" in table["user_active_degree"]
    assert table["onehot_feat17"].null_count() > 0
    assert any("," in text for text in table["fans_user_num_range"])


@pytest.mark.parametrize("commas", [False, True])
def test_yahoo(commas: bool, tmp_path: Path) -> None:
    made = yahoo.write_yahoo(tmp_path, commas=commas)
    size = yahoo.TINY
    seen: set[tuple[int, ...]] = set()
    for name, part in zip(
        (yahoo.COMMA_TRAIN, yahoo.COMMA_TEST) if commas else (yahoo.TRAIN, yahoo.TEST), (made.train, made.test), strict=True
    ):
        lines = (made.folder / name).read_text().splitlines()
        rows = [tuple(map(int, line.split("," if commas else "\t"))) for line in lines]
        shift = 0 if commas else 1
        assert rows == list(zip(part.users + shift, part.items + shift, part.ratings, strict=True))
        assert rows == sorted(rows, key=lambda row: row[0])
        pairs = [row[:2] for row in rows]
        assert not seen & set(pairs)
        seen.update(pairs)
        assert {song for _, song in pairs} == set(range(shift, size.songs + shift))
        assert {row[2] for row in rows} == {1, 2, 3, 4, 5}
    assert len(seen) == size.rows + size.test_users * 10
    assert np.bincount(made.test.users).tolist() == [10] * size.test_users
    assert np.bincount(made.train.users).min() >= 10
    stars = made.tastes.stars(made.train.users, made.train.items)
    assert np.corrcoef(stars, made.train.ratings)[0, 1] > 0.8


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_coat(newline: str, tmp_path: Path) -> None:
    made = coat.write_coat(tmp_path, newline=newline)
    size = 174_000 + 290 * (len(newline) - 1)  # as of the published files
    own = made.folder
    for file, matrix in (
        (own / "train.ascii", made.train),
        (own / "test.ascii", made.test),
        (tmp_path / coat.TRUTH, made.truth),
    ):
        content = file.read_bytes()
        assert len(content) == size
        assert [list(map(int, line.split())) for line in content.decode().split(newline)[:-1]] == matrix.tolist()
    assert (made.folder / "propensities.ascii").stat().st_size == 2_175_000 + 290 * (len(newline) - 1)
    train, test = made.train > 0, made.test > 0
    assert (train.sum(axis=1) == 24).all()
    assert (test.sum(axis=1) == 16).all()
    assert train.any(axis=0).all()
    assert test.any(axis=0).all()
    assert (made.train[train & test] == made.test[train & test]).all()
    assert 300 < (train & test).sum() < 450
    for name, codes, widths in (("user", made.user_codes, [2, 6, 3, 3]), ("item", made.item_codes, [2, 16, 13, 2])):
        lines = (made.folder / "user_item_features" / f"{name}_features.ascii").read_text().splitlines()
        labels = (made.folder / "user_item_features" / f"{name}_features_map.txt").read_text().splitlines()
        assert len(labels) == sum(widths)
        for line, own in zip(lines, codes.tolist(), strict=True):
            bits = list(map(int, line.split()))
            groups = np.split(np.array(bits), np.cumsum(widths)[:-1])
            assert [group.argmax() for group in groups] == own
            assert sum(bits) == 4


def latin(path: Path, separator: str) -> list[list[str]]:
    return [line.split(separator) for line in path.read_bytes().decode("latin-1").splitlines()]


def test_movielens_100k(tmp_path: Path) -> None:
    made = movielens.write_100k(tmp_path)
    rows = [list(map(int, row)) for row in latin(made.folder / "u.data", "\t")]
    assert rows == np.stack([made.users, made.movies, made.ratings, made.seconds], axis=1).tolist()
    assert rows != sorted(rows)
    assert len({(user, movie) for user, movie, *_ in rows}) == len(rows) == movielens.TINY.rows
    assert np.bincount(made.users)[1:].min() >= 20
    assert set(made.movies.tolist()) == set(made.movie_ids.tolist()) == set(range(1, movielens.TINY.movies + 1))
    movies = {int(row[0]): row for row in latin(made.folder / "u.item", "|")}
    assert {len(row) for row in movies.values()} == {24}
    for movie, genres in made.genres.items():
        assert tuple(genre for genre, bit in zip(movielens.GENRES, movies[movie][6:], strict=True) if bit == "1") == genres
        assert (movies[movie][1] == "unknown") == (made.years[movie] is None)
    assert any("é" in row[1] for row in movies.values())
    users = latin(made.folder / "u.user", "|")
    assert [(int(age), gender, work) for _, age, gender, work, _ in users] == list(
        zip(made.ages, made.genders, made.occupations, strict=True)
    )


def test_movielens_1m(tmp_path: Path) -> None:
    made = movielens.write_1m(tmp_path)
    size = movielens.TINY_1M
    rows = [list(map(int, row)) for row in latin(made.folder / "ratings.dat", "::")]
    assert rows == np.stack([made.users, made.movies, made.ratings, made.seconds], axis=1).tolist()
    assert len({(user, movie) for user, movie, *_ in rows}) == len(rows) == size.rows
    assert len(made.movie_ids) == size.movies < made.movie_ids[-1] == size.last_movie
    assert len(np.unique(made.movies)) == size.movies - size.unrated
    movies = latin(made.folder / "movies.dat", "::")
    assert {int(movie): tuple(genres.split("|")) for movie, _, genres in movies} == made.genres
    assert {len(genres) for genres in made.genres.values()} >= {1, 6}
    assert all(title.endswith(f"({made.years[int(movie)]})") for movie, title, _ in movies)
    assert {int(age) for _, _, age, _, _ in latin(made.folder / "users.dat", "::")} <= set(movielens.AGES)
