"""The generated files hold what their descriptions say: counts, quirks and planted facts, read back by other means."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.official_files import kuairand, kuairec
from tests.official_files.stories import HISTORIES


@pytest.fixture(scope="module")
def rec(tmp_path_factory: pytest.TempPathFactory) -> kuairec.KuaiRec:
    return kuairec.write_kuairec(tmp_path_factory.mktemp("rec"))


@pytest.fixture(scope="module")
def rand(tmp_path_factory: pytest.TempPathFactory) -> kuairand.KuaiRand:
    return kuairand.write_kuairand(tmp_path_factory.mktemp("rand"))


def texts(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def test_same_seed_same_bytes(rec: kuairec.KuaiRec, rand: kuairand.KuaiRand, tmp_path: Path) -> None:
    again = kuairec.write_kuairec(tmp_path).folder, kuairand.write_kuairand(tmp_path).folder
    for first, second in zip((rec.folder, rand.folder), again, strict=True):
        assert sorted(path.name for path in first.iterdir()) == sorted(path.name for path in second.iterdir())
        assert all(path.read_bytes() == (second / path.name).read_bytes() for path in first.iterdir())
    other = kuairec.write_kuairec(tmp_path / "other", seed=1).folder
    assert (other / "big_matrix.csv").read_bytes() != (rec.folder / "big_matrix.csv").read_bytes()


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
