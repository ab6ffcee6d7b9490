import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from darlr.config.loading import from_mapping
from darlr.data.origin.cache import Cache
from darlr.data.readers.kuai import USER_CODES, USER_NUMBERS
from darlr.data.readers.kuairec import BIG, CATEGORIES, OFFICIAL, SMALL, USERS, read_kuairec
from darlr.data.registry import SOURCES
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.metrics import dominant_categories
from darlr.methods.experiment import experiment_config
from darlr.run.notices import notices
from tests.data.spoiling import Spoil, change, cut, edit, empty, halve, latin, lengthen, lose, shorten, swap
from tests.official_files.archives import pack_zip
from tests.official_files.kuairec import KuaiRec, write_kuairec


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KuaiRec:
    return write_kuairec(tmp_path_factory.mktemp("kuairec"))


@pytest.fixture
def folder(made: KuaiRec, tmp_path: Path) -> Path:
    """A copy of the files, which a test may damage."""
    return Path(shutil.copytree(made.folder, tmp_path / "data"))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def choose(**options: str) -> DataConfig:
    return from_mapping(DataConfig, options)


def read(made: KuaiRec, cache: Cache, **options: str) -> LoadedDataset:
    return read_kuairec(made.folder, choose(**options), cache)


def item_scores(made: KuaiRec, both: bool) -> np.ndarray:
    """Return z-scores of the big matrix' rows by video, one video after the other; 0 for a constant video."""
    items, ratios = made.big.items, made.big.ratios
    scores = np.zeros(len(items))
    for item in range(made.size.items):
        seen = ratios[items == item]
        known = np.concatenate([seen, made.small.ratios[made.small.items == item]]) if both else seen
        if len(known) > 1 and (spread := known.std(ddof=1)) > 0:
            scores[items == item] = (seen - known.mean()) / spread
    return np.minimum(scores, 10)


def test_reads_what_was_planted(made: KuaiRec, cache: Cache) -> None:
    loaded = read(made, cache)
    dataset, log, truth = loaded.dataset, loaded.dataset.log, loaded.truth
    assert truth is not None
    np.testing.assert_array_equal(log.users, made.big.users)
    np.testing.assert_array_equal(log.items, made.big.items)
    np.testing.assert_array_equal(log.rewards, np.minimum(made.big.ratios, 5).astype(np.float32))
    assert log.times is not None
    np.testing.assert_allclose(log.times, made.big.times / 1000, rtol=0, atol=1e-6)
    assert (log.reward_range, dataset.paid_range) == ((0.0, 5.0), (0.0, 5.0))
    np.testing.assert_array_equal(dataset.world.users, made.world_users)
    np.testing.assert_array_equal(dataset.world.items, made.world_items)
    np.testing.assert_array_equal(truth.rewards, made.truth.astype(np.float32))
    assert truth.known is None
    names = dataset.items.category_names
    assert {
        item: tuple(int(names[code]) for code in codes if code >= 0) for item, codes in enumerate(dataset.items.categories)
    } == made.tags
    assert dataset.items.categories.shape[1] == 4
    assert dataset.hashes.keys() == {BIG, SMALL, CATEGORIES, USERS}
    assert loaded.counts[f"{SMALL}: cells without a row"] == made.size.missing
    assert loaded.counts[f"{SMALL}: rows without a time"] == made.size.untimed
    assert loaded.counts[f"{SMALL}: rows with a watch ratio above 5"] == made.size.above
    assert loaded.test_rows == len(made.small)


@pytest.mark.parametrize("reward", ["raw", "normalised"])
def test_dominant_categories_do_not_depend_on_the_reward_that_is_learned(made: KuaiRec, cache: Cache, reward: str) -> None:
    dataset = read(made, cache, reward=reward).dataset
    dominant = dominant_categories(dataset.log, dataset.items)
    assert {int(name) for name, chosen in zip(dataset.items.category_names, dominant, strict=True) if chosen} == set(
        made.dominant
    )
    counted = np.bincount(dataset.items.categories[dataset.log.items[dataset.log.liked]].ravel() + 1)[1:]
    assert dict(zip(map(int, dataset.items.category_names), counted.tolist(), strict=True)) == {
        tag: made.liked.get(tag, 0) for tag in map(int, dataset.items.category_names)
    }


@pytest.mark.parametrize("normalisation", ["train", "all"])
def test_normalised_rewards_are_scores_by_video(made: KuaiRec, cache: Cache, normalisation: str) -> None:
    dataset = read(made, cache, reward="normalised", normalisation=normalisation).dataset
    expected = item_scores(made, normalisation == "all")
    np.testing.assert_allclose(dataset.log.rewards, expected, rtol=1e-5, atol=1e-6)
    assert dataset.log.rewards.max() <= dataset.log.reward_range[1] == 10
    assert dataset.log.reward_range[0] == dataset.log.rewards.min() < 0
    assert dataset.paid_range == (0.0, 5.0)


def test_normalisation_does_not_read_the_test_world_unless_asked(made: KuaiRec, cache: Cache, folder: Path) -> None:
    small = pl.read_csv(folder / SMALL, infer_schema=False)
    small.with_columns(watch_ratio=pl.lit("4.5"), video_duration=pl.lit("9999")).write_csv(folder / SMALL)
    for normalisation, same in (("train", True), ("all", False)):
        ours, theirs = (
            read_kuairec(place, choose(reward="normalised", normalisation=normalisation), cache).dataset
            for place in (made.folder, folder)
        )
        assert np.array_equal(ours.log.rewards, theirs.log.rewards) is same
        assert np.array_equal(ours.items.features.numeric, theirs.items.features.numeric) is same


def test_durations_are_means_over_rows(made: KuaiRec, cache: Cache) -> None:
    features = read(made, cache).dataset.items.features
    means = np.array([made.big.durations[made.big.items == item].mean() for item in range(made.size.items)])
    np.testing.assert_allclose(features.numeric[:, 0], (means - means.mean()) / means.std(), rtol=1e-4, atol=1e-5)
    assert features.numeric_names == ("duration",)


def test_features_of_users_are_an_option(made: KuaiRec, cache: Cache) -> None:
    assert read(made, cache).dataset.user_features.code_names == ()
    features = read(made, cache, features="all").dataset.user_features
    assert features.code_names == USER_CODES
    assert features.numeric_names == USER_NUMBERS
    table = pl.read_csv(made.folder / USERS, infer_schema=False)
    column = table["onehot_feat0"].fill_null("").to_list()
    codes = features.codes[:, USER_CODES.index("onehot_feat0")]
    assert codes.tolist() == [sorted(set(column)).index(cell) for cell in column]


def test_repeats_are_read_as_asked(made: KuaiRec, cache: Cache) -> None:
    pairs, first = np.unique(made.big.users * 1000 + made.big.items, return_inverse=True)
    logs = {reading: read(made, cache, repeats=reading).dataset.log for reading in ("keep", "last", "mean", "sum")}
    assert {reading: len(log) for reading, log in logs.items()} == {
        "keep": len(made.big),
        "last": len(pairs),
        "mean": len(pairs),
        "sum": len(pairs),
    }
    ratios = np.minimum(made.big.ratios, 5)
    sums = np.bincount(first, ratios)
    for reading, expected in (("sum", sums), ("mean", sums / np.bincount(first))):
        log = logs[reading]
        order = np.searchsorted(pairs, log.users.astype(np.int64) * 1000 + log.items)
        np.testing.assert_allclose(log.rewards, expected[order], rtol=1e-5)
    assert logs["sum"].reward_range[1] == logs["sum"].rewards.max() > 5
    newest: dict[tuple[int, int], tuple[int, float]] = {}
    for user, item, time, ratio in zip(made.big.users, made.big.items, made.big.times, ratios, strict=True):
        if time >= newest.get((user, item), (-1, 0))[0]:
            newest[user, item] = (time, ratio)
    log = logs["last"]
    read_back = dict(zip(zip(log.users, log.items, strict=True), log.rewards, strict=True))
    assert read_back == {pair: np.float32(ratio) for pair, (_, ratio) in newest.items()}


def test_cells_that_the_truth_lacks_can_be_masked(made: KuaiRec, cache: Cache) -> None:
    truth = read(made, cache, missing_truth="masked").truth
    assert truth is not None
    assert truth.known is not None
    np.testing.assert_array_equal(truth.known, ~made.missing)


def test_is_read_from_the_archive(made: KuaiRec, cache: Cache, tmp_path: Path) -> None:
    place = tmp_path / "packed"
    place.mkdir()
    pack_zip(made.folder.parent, place / "KuaiRec.zip")
    official = replace(OFFICIAL, size=None, md5="")
    loaded = read_kuairec(place, DataConfig(), cache, official)
    assert loaded.dataset.hashes == read(made, cache).dataset.hashes
    with pytest.raises(InputError, match=r"KuaiRec.zip: [0-9,]+ bytes; expected 431,964,858: it is cut short"):
        read_kuairec(place, DataConfig(), cache)


def test_what_is_not_as_published_is_told(made: KuaiRec, cache: Cache) -> None:
    loaded = read(made, cache, reward="normalised")
    texts = notices(experiment_config({"dataset": "kuairec"}), loaded)
    assert "not as published: big_matrix.csv: rows: 4,000; the published data set has 12,530,806" in texts
    assert any(text.startswith("rewards are on two scales (-") and "0..5 in the test world" in text for text in texts)
    assert SOURCES["kuairec"].deviations(replace(loaded, counts={f"{BIG}: rows": 12_530_806})) == ()


def first_version(folder: Path) -> None:
    """Return ids as in KuaiRec 1.0: number 5 is missing, and later ones are higher by one."""
    for file in (BIG, SMALL, CATEGORIES):
        table = pl.read_csv(folder / file, infer_schema=False)
        number = pl.col("video_id").cast(pl.Int64)
        table.with_columns(video_id=number + (number >= 5).cast(pl.Int64)).write_csv(folder / file)


def repeat_cell(folder: Path) -> None:
    lines = (folder / SMALL).read_text().splitlines()
    (folder / SMALL).write_text("\n".join([*lines, lines[3]]) + "\n")


def leak(folder: Path) -> None:
    cell = (folder / SMALL).read_text().splitlines()[1]
    user, video, played, length = cell.split(",")[:4]
    with (folder / BIG).open("a") as file:
        file.write(f"{user},{video},{played},{length},2020-07-05 00:00:00.1,20200705,1593878400.1,0.5\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            change(BIG, 7, "watch_ratio", "-0.1"),
            r"big_matrix.csv: line 7, column 'watch_ratio' holds '-0.1'; expected a number of at least 0$",
        ),
        (change(BIG, 7, "watch_ratio", "nan"), r"big_matrix.csv: line 7, column 'watch_ratio' holds 'nan'; expected a number"),
        (change(SMALL, 9, "watch_ratio", ""), r"small_matrix.csv: line 9, column 'watch_ratio' is blank; expected a number"),
        (
            change(BIG, 3, "user_id", "x7"),
            r"big_matrix.csv: line 3, column 'user_id' holds 'x7'; expected a whole number of at least 0$",
        ),
        (
            change(BIG, 3, "user_id", "60"),
            r"big_matrix.csv: line 3, column 'user_id' holds 60; expected an id of user_features.csv, which has 0..59 \(or",
        ),
        (change(BIG, 3, "video_id", "90"), r"big_matrix.csv: line 3, column 'video_id' holds 90; .*the ids of KuaiRec 1.0\?"),
        (
            halve(CATEGORIES),
            r"line \d+, column 'video_id' holds \d+; expected an id of item_categories.csv, which has .* short",
        ),
        (halve(BIG), r"small_matrix.csv: line \d+, column '.*_id' holds \d+, which big_matrix.csv does not have; .* cut short"),
        (lengthen(BIG, 10), r"big_matrix.csv: line 10 has 9 cells; expected 8 like its header$"),
        (lengthen(SMALL, 793), r"small_matrix.csv: line 793 has 9 cells; expected 8 like its header$"),
        (shorten(USERS, 7), r"user_features.csv: line 7 has 30 cells; expected 31 like its header$"),
        (change(CATEGORIES, 5, "feat", "[" * 5000), r"line 5, column 'feat' holds .*; expected a list of distinct tags"),
        (
            change(BIG, 4, "video_duration", "0"),
            r"line 4, column 'video_duration' holds '0'; expected a whole number of at least 1$",
        ),
        (
            change(BIG, 8, "timestamp", ""),
            r"line 8, column 'timestamp' is blank; expected seconds \(only small_matrix.csv has blanks\)$",
        ),
        (
            edit(BIG, "video_id", "photo_id"),
            r"column 'video_id' is missing; expected it beside .*photo_id.*; are these the ids of KuaiRec 1.0\?",
        ),
        (
            first_version,
            r"item_categories.csv: column 'video_id' has 90 ids up to 90 without 5; expected 0..89 without gaps; are these",
        ),
        (
            swap(BIG, SMALL),
            r"big_matrix.csv: \d+ values of 'user_id', but \d+ in small_matrix.csv; expected more: are the two files sw",
        ),
        (cut(BIG), r"big_matrix.csv: line \d+ has \d+ cells; expected 8 like its header$"),
        (latin(BIG, 6), r"big_matrix.csv: line 6 is not UTF-8 text$"),
        (repeat_cell, r"small_matrix.csv: line 794 repeats user \d+, video \d+ of line 4; expected each pair once$"),
        (
            leak,
            r"big_matrix.csv: line 4002 has user \d+, video \d+, which small_matrix.csv has, too \(1 such rows\); expected",
        ),
        (
            change(CATEGORIES, 5, "feat", "[1, 2, 3, 4, 5]"),
            r"item_categories.csv: line 5, column 'feat' holds .*; expected 1 to 4 tags, found 5$",
        ),
        (change(CATEGORIES, 5, "feat", "[]"), r"line 5, column 'feat' holds '\[\]'; expected 1 to 4 tags, found 0$"),
        (
            change(CATEGORIES, 5, "feat", "__import__('os')"),
            r"line 5, column 'feat' holds .*; expected a list of distinct tags",
        ),
        (change(CATEGORIES, 5, "feat", "[8, 8]"), r"line 5, column 'feat' holds '\[8, 8\]'; expected a list of distinct tags"),
        (change(CATEGORIES, 5, "feat", "[1.5]"), r"line 5, column 'feat' holds '\[1.5\]'; expected a list of distinct tags"),
        (
            change(CATEGORIES, 5, "video_id", "0"),
            r"item_categories.csv: line 5 repeats video_id 0 of line 2; expected each once$",
        ),
        (empty(USERS), r"user_features.csv: the file is empty$"),
        (
            lose(SMALL),
            r"^small_matrix.csv missing in .*; get KuaiRec.zip from https://zenodo.org/.* and put",
        ),
    ],
)
def test_refuses_bad_input(folder: Path, cache: Cache, spoil: Spoil, message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read_kuairec(folder, DataConfig(), cache)
    assert not list(cache.folder.rglob("*.parquet"))


def test_a_changed_file_is_noticed(folder: Path, cache: Cache) -> None:
    before = read_kuairec(folder, DataConfig(), cache).dataset
    change(BIG, 2, "watch_ratio", "3.25")(folder)
    after = read_kuairec(folder, DataConfig(), cache).dataset
    assert after.hashes[BIG] != before.hashes[BIG]
    assert after.log.rewards[0] == 3.25
