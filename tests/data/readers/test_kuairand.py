import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from darlr.config.loading import from_mapping
from darlr.data.origin.cache import Cache
from darlr.data.readers.kuai import USER_CODES, USER_NUMBERS
from darlr.data.readers.kuairand import (
    FIRST,
    LOGS,
    OFFICIAL,
    RANDOM,
    SECOND,
    USERS,
    VIDEO_CODES,
    VIDEO_NUMBERS,
    VIDEOS,
    read_kuairand,
)
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.metrics import dominant_categories
from darlr.world_model.inputs import PADDING, Inputs
from tests.data.spoiling import Spoil, change, cut, edit, latin, lengthen, lose, shorten, swap
from tests.official_files.archives import pack_tar
from tests.official_files.kuairand import KuaiRand, Views, write_kuairand


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KuaiRand:
    return write_kuairand(tmp_path_factory.mktemp("kuairand"))


@pytest.fixture
def folder(made: KuaiRand, tmp_path: Path) -> Path:
    """A copy of the files, which a test may damage."""
    return Path(shutil.copytree(made.folder, tmp_path / "data"))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def read(made: KuaiRand, cache: Cache, **options: str) -> LoadedDataset:
    return read_kuairand(made.folder, from_mapping(DataConfig, options), cache)


def test_reads_what_was_planted(made: KuaiRand, cache: Cache) -> None:
    loaded = read(made, cache)
    dataset, log = loaded.dataset, loaded.dataset.log
    np.testing.assert_array_equal(log.users, made.first.users)
    np.testing.assert_array_equal(log.items, made.first.items)
    np.testing.assert_array_equal(log.rewards, made.first.clicks)
    assert log.times is not None
    np.testing.assert_allclose(log.times, made.first.times / 1000, rtol=0, atol=1e-6)
    assert (log.n_users, log.n_items) == (made.size.users, made.size.items)
    assert (dataset.world.n_users, dataset.world.n_items) == (made.size.users, made.size.items)
    np.testing.assert_array_equal(np.setdiff1d(np.arange(log.n_users), log.users), made.absent_users)
    assert np.isin(made.unseen_items, log.items, invert=True).all()
    names = dataset.items.category_names
    assert {
        item: tuple(int(names[code]) for code in codes if code >= 0) for item, codes in enumerate(dataset.items.categories)
    } == made.tags
    assert dataset.hashes.keys() == {*LOGS, USERS, VIDEOS}
    assert loaded.test_rows == len(made.random)


def test_signals_are_summed_on_a_scale_from_0_to_1(made: KuaiRand, cache: Cache) -> None:
    """With the weights 1, 2 and -1, the sum of no marks lies at a quarter of the scale."""
    options = {"signals": ("is_click=1", "long_view=2", "is_hate=-1")}
    loaded = read_kuairand(made.folder, from_mapping(DataConfig, options), cache)
    log, plain = loaded.dataset.log, read(made, cache)
    np.testing.assert_array_equal(log.signals["is_click"], made.first.clicks)
    np.testing.assert_array_equal(log.signals["long_view"], made.first.played > 0.7 * made.first.durations)
    sums = log.signals["is_click"] + 2 * log.signals["long_view"] - log.signals["is_hate"]
    np.testing.assert_allclose(log.rewards, (sums + 1) / 4, atol=1e-6)
    np.testing.assert_array_equal(log.liked, sums > 0)
    assert loaded.exposed is not None
    assert plain.exposed is not None
    assert loaded.exposed.inputs.keys() - plain.exposed.inputs.keys() == {"signals"}
    assert 0.2 < loaded.exposed.rewards.mean() < 1.0
    assert not plain.dataset.log.signals


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (("is_clicked=1",), "unknown signal in config key 'data.signals': 'is_clicked'; did you mean 'is_click'"),
        (("is_click",), "key 'data.signals' has 'is_click'; expected SIGNAL=WEIGHT"),
    ],
)
def test_refuses_signals(made: KuaiRand, cache: Cache, signals: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_kuairand(made.folder, from_mapping(DataConfig, {"signals": signals}), cache)


def test_videos_without_tags_are_alike_for_leaving_and_nothing_else(made: KuaiRand, cache: Cache) -> None:
    dataset = read(made, cache).dataset
    untagged = np.array([not tags for tags in made.tags.values()])
    member = dataset.items.membership()
    assert member.shape[1] == dataset.items.n_categories + 1
    np.testing.assert_array_equal(member[:, -1], untagged)
    assert member[untagged].sum() == untagged.sum() == made.size.untagged
    assert (Inputs.of(dataset).item_codes[untagged, 1:] == PADDING).all()
    dominant = dominant_categories(dataset.log, dataset.items)
    assert {int(name) for name, chosen in zip(dataset.items.category_names, dominant, strict=True) if chosen} == set(
        made.dominant
    )


def test_both_standard_logs_can_be_read(made: KuaiRand, cache: Cache) -> None:
    log = read(made, cache, logs="both").dataset.log
    np.testing.assert_array_equal(log.users, np.concatenate([made.first.users, made.second.users]))
    np.testing.assert_array_equal(log.rewards, np.concatenate([made.first.clicks, made.second.clicks]))


@pytest.mark.parametrize("normalisation", ["train", "all"])
@pytest.mark.parametrize("logs", ["first", "both"])
def test_durations_are_means_over_the_rows_that_are_read(made: KuaiRand, cache: Cache, normalisation: str, logs: str) -> None:
    views: list[Views] = [made.first]
    views += [made.second] if logs == "both" else []
    views += [made.random] if normalisation == "all" else []
    items, durations = (np.concatenate([getattr(part, name) for part in views]) for name in ("items", "durations"))
    means = np.array([durations[items == item].mean() if (items == item).any() else np.nan for item in range(made.size.items)])
    expected = np.nan_to_num((means - np.nanmean(means)) / np.nanstd(means))
    features = read(made, cache, normalisation=normalisation, logs=logs).dataset.items.features
    assert features.numeric_names == ("duration",)
    np.testing.assert_allclose(features.numeric[:, 0], expected, rtol=1e-4, atol=1e-5)
    if normalisation == "train":
        assert (features.numeric[made.unseen_items, 0] == 0).all()


def test_features_are_an_option(made: KuaiRand, cache: Cache) -> None:
    plain, rich = read(made, cache).dataset, read(made, cache, features="all").dataset
    assert (plain.user_features.code_names, plain.items.features.code_names) == ((), ())
    assert (rich.user_features.code_names, rich.user_features.numeric_names) == (USER_CODES, USER_NUMBERS)
    assert rich.items.features.code_names == VIDEO_CODES
    assert rich.items.features.numeric_names == ("duration", *VIDEO_NUMBERS)
    table = pl.read_csv(made.folder / VIDEOS, infer_schema=False)
    types = dict(zip(table["video_id"].cast(pl.Int64), table["upload_type"], strict=True))
    codes = rich.items.features.codes[:, VIDEO_CODES.index("upload_type")]
    assert codes.tolist() == [sorted(set(types.values())).index(types[item]) for item in range(made.size.items)]


@pytest.mark.parametrize(("repeats", "merged"), [("mean", np.mean), ("sum", np.sum), ("last", None)])
def test_repeated_pairs(made: KuaiRand, cache: Cache, repeats: str, merged: Callable[[list[float]], float] | None) -> None:
    dataset = read(made, cache, repeats=repeats).dataset
    log = dataset.log
    views: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for row in zip(made.first.users, made.first.items, made.first.times, made.first.clicks, strict=True):
        user, item, moment, click = map(int, row)
        views.setdefault((user, item), []).append((moment, click))
    assert any(len({click for _, click in seen}) == 2 for seen in views.values())  # clicked once, and once not
    clicks = {pair: [click for _, click in sorted(seen, key=lambda view: view[0])] for pair, seen in views.items()}
    expected = {pair: seen[-1] if merged is None else merged(seen) for pair, seen in clicks.items()}
    found = dict(zip(zip(log.users.tolist(), log.items.tolist(), strict=True), log.rewards.tolist(), strict=True))
    assert found == pytest.approx(expected)
    liked = {pair: (seen[-1] if merged is None else max(seen)) > 0 for pair, seen in clicks.items()}
    assert dict(zip(found, log.liked.tolist(), strict=True)) == liked
    assert dataset.paid_range == (0.0, 1.0)


def test_is_read_from_the_archive(made: KuaiRand, cache: Cache, tmp_path: Path) -> None:
    place = tmp_path / "packed"
    place.mkdir()
    archive = pack_tar(made.folder.parent, place / "KuaiRand-Pure.tar.gz")
    loaded = read_kuairand(place, DataConfig(), cache, replace(OFFICIAL, md5=""))
    assert loaded.dataset.hashes == read(made, cache).dataset.hashes
    with pytest.raises(InputError, match=r"KuaiRand-Pure.tar.gz: MD5 is .*; expected 0820.*: it is damaged or another version"):
        read_kuairand(place, DataConfig(), cache)
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"KuaiRand-Pure.tar.gz: cut short, damaged"):
        read_kuairand(place, DataConfig(), cache, replace(OFFICIAL, md5=""))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (swap(FIRST, RANDOM), r"4_21_pure.csv: line 2, column 'is_rand' holds '1'; expected 0: are the files swapped\?$"),
        (swap(FIRST, SECOND), r"4_21_pure.csv: begins later than .*; expected the earlier log: are the two swapped\?$"),
        (change(FIRST, 6, "is_click", "2"), r"line 6, column 'is_click' holds '2'; expected a whole number in 0..1$"),
        (change(RANDOM, 6, "user_id", ""), r"log_random.*: line 6, column 'user_id' is blank; expected a whole number"),
        (change(FIRST, 6, "time_ms", "1649.5"), r"line 6, column 'time_ms' holds '1649.5'; expected a whole number"),
        (change(FIRST, 6, "video_id", "90"), r"line 6, column 'video_id' holds 90; expected an id of video_features_basic_pu"),
        (lengthen(FIRST, 9), r"4_21_pure.csv: line 9 has 20 cells; expected 19 like its header$"),
        (shorten(RANDOM, 9), r"log_random.*: line 9 has 18 cells; expected 19 like its header$"),
        (shorten(VIDEOS, 91), r"basic_pure.csv: line 91 (has 11 cells; expected 12 like its header|is not CSV .*)$"),
        (change(VIDEOS, 6, "tag", "1,2,3,4"), r"basic_pure.csv: line 6, column 'tag' holds .*; expected 0 to 3 tags, found 4$"),
        (change(VIDEOS, 6, "tag", "1;2"), r"line 6, column 'tag' holds '1;2'; expected a list of distinct tags, whole num"),
        (change(VIDEOS, 6, "tag", "-1"), r"line 6, column 'tag' holds '-1'; expected a list of distinct tags"),
        (change(VIDEOS, 6, "video_id", "200"), r"'video_id' has 90 ids up to 200 without 85; expected 0..89 without gaps$"),
        (edit(FIRST, "is_click", "clicked"), r"4_21_pure.csv: column 'is_click' is missing; expected it beside user_id"),
        (edit(USERS, "onehot_feat3", "feat3"), r"user_features_pure.csv: column 'onehot_feat3' is missing"),
        (cut(SECOND), r"5_08_pure.csv: line \d+ has \d+ cells; expected 19 like its header$"),
        (latin(RANDOM, 9), r"log_random.*: line 9 is not UTF-8 text$"),
        (lose(SECOND), r"^log_standard_4_22.* missing in .*; get KuaiRand-Pure.tar.gz from https://zenodo.org/.* and put"),
    ],
)
def test_refuses_bad_input(folder: Path, cache: Cache, spoil: Spoil, message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read_kuairand(folder, DataConfig(), cache)
    assert not list(cache.folder.rglob("*.parquet"))
