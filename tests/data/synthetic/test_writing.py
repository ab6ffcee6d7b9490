"""Worlds of a few thousand rows, written in blocks much smaller than they are."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from darlr.data.parsing.parquet import hash_table
from darlr.data.readers.folder import read_folder
from darlr.data.source import LoadedDataset
from darlr.data.synthetic.settings import Selection, WorldSettings
from darlr.data.synthetic.writing import write_world
from darlr.errors import InputError

SETTINGS = WorldSettings(users=600, items=400, rows=30_000, test_users=50, test_items=40, randomised=500, seed=3)


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("darlr.data.synthetic.writing.PART_ROWS", 7_000)
        patch.setattr("darlr.data.synthetic.showing.STEPS_AT_ONCE", 1_000)
        yield


@pytest.fixture(scope="module")
def folder(small_blocks: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("worlds") / "world", SETTINGS)


def written(folder: Path, settings: WorldSettings) -> Path:
    write_world(settings, folder)
    return folder


def slope(counts: NDArray[np.int64], first: int, last: int) -> float:
    """Return how fast the counts fall with their rank, between two ranks, both as logarithms."""
    falling = np.sort(counts)[::-1][first:last]
    return float(np.polyfit(np.log(np.arange(first, last) + 1), np.log(falling), 1)[0])


def test_is_read_as_it_was_asked_for(folder: Path) -> None:
    loaded = read_folder(folder)
    data, log = loaded.dataset, loaded.dataset.log
    assert (log.n_users, log.n_items, len(log), data.name) == (600, 400, 30_000, "world")
    assert len(log.cells()) == 30_000
    assert np.bincount(log.users, minlength=600).min() >= 1
    assert np.bincount(log.users).max() <= 200
    assert (data.items.n_categories, (data.items.categories >= 0).sum(axis=1).min()) == (31, 1)
    assert data.user_features.code_names == ("active_degree", "follow_range", "fans_range")
    assert data.items.features.numeric_names == ("duration", "upload_age")
    assert data.randomised is not None
    assert len(data.randomised) == 500
    assert loaded.truth is not None
    assert loaded.truth.rewards.shape == (50, 40)
    assert data.leave.by == "category"


def test_every_user_sees_its_items_in_order_of_time(folder: Path) -> None:
    log = read_folder(folder).dataset.log
    assert log.times is not None
    assert (np.diff(log.users) >= 0).all()
    assert (np.diff(log.times)[np.diff(log.users) == 0] >= 0).all()


def test_the_truth_is_what_logged_rewards_scatter_around(folder: Path) -> None:
    shutil.copytree(folder, whole := folder.with_name("whole"))
    text = (whole / "dataset.yaml").read_text()
    (whole / "dataset.yaml").write_text(
        "".join(line for line in text.splitlines(True) if "s: truth_" not in line or "factors" in line)
    )
    loaded = read_folder(whole)
    assert loaded.truth is not None
    truth, log = loaded.truth.rewards, loaded.dataset.log
    assert truth.shape == (600, 400)
    assert truth.mean() == pytest.approx(0.85, abs=0.02)
    expected = truth[log.users, log.items]
    assert (log.rewards - expected).mean() == pytest.approx(0, abs=0.01)
    assert (np.log(log.rewards) - np.log(expected))[expected < 2].std() == pytest.approx(0.4, abs=0.01)
    part = read_folder(folder)
    assert part.truth is not None
    np.testing.assert_allclose(part.truth.rewards, truth[np.ix_(part.truth.world.users, part.truth.world.items)], rtol=1e-6)


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = written(tmp_path / "world", SETTINGS)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len([file for file in files if file.parent.name == "interactions"]) == 5
    for file in files:
        assert (again / file).read_bytes() == (folder / file).read_bytes(), file
    other = written(tmp_path / "other", replace(SETTINGS, seed=4))
    assert hash_table(other / "interactions") != hash_table(folder / "interactions")


@pytest.mark.parametrize("skew", [0.3, 0.6])
def test_users_follow_a_power_law(tmp_path: Path, skew: float) -> None:
    log = read_folder(written(tmp_path / "world", WorldSettings(2_000, 3_000, 40_000, user_skew=skew))).dataset.log
    assert slope(np.bincount(log.users), 10, 1_000) == pytest.approx(-skew, abs=0.03)


@pytest.mark.parametrize("skew", [0.4, 1.0])
def test_items_follow_a_power_law_as_far_as_users_have_them_once(tmp_path: Path, skew: float) -> None:
    settings = WorldSettings(20_000, 3_000, 40_000, user_skew=0.0, item_skew=skew, selection="popularity")
    log = read_folder(written(tmp_path / "world", settings)).dataset.log
    assert slope(np.bincount(log.items), 20, 300) == pytest.approx(-skew, abs=0.06)


class Shown(NamedTuple):
    """How far the taste for logged items and their truth are above the user's mean, in deviations; how unequal counts are."""

    taste: float
    reward: float
    popularity: float


def shown(tmp_path: Path, selection: Selection, strength: float | None = None) -> Shown:
    name = f"{selection}{strength}"
    settings = WorldSettings(500, 400, 15_000, selection=selection, selection_strength=strength, test_users=500, test_items=400)
    loaded: LoadedDataset = read_folder(written(tmp_path / name, settings))
    assert loaded.truth is not None
    log, truth = loaded.dataset.log, loaded.truth.rewards.astype(float)
    factors = [
        pl.read_parquet(tmp_path / name / f"truth_{key}_factors.parquet").drop(f"{key}_id").to_numpy()
        for key in ("user", "item")
    ]
    tastes, counts = factors[0][:, :8] @ factors[1][:, :8].T, np.bincount(log.items, minlength=400)
    values = [(table[log.users, log.items] - table.mean(axis=1)[log.users]).mean() / table.std() for table in (tastes, truth)]
    return Shown(values[0], values[1], counts.std() / counts.mean())


def test_users_take_as_they_are_told_to(tmp_path: Path) -> None:
    forced, popular = shown(tmp_path, "forced"), shown(tmp_path, "popularity")
    assert max(abs(forced.taste), abs(forced.reward)) < 0.05
    assert abs(popular.taste) < 0.1
    assert popular.popularity > 3 * forced.popularity
    usual, strong = shown(tmp_path, "shown"), shown(tmp_path, "shown", 3.0)
    assert popular.taste + 0.2 < usual.taste < strong.taste - 0.3
    assert usual.popularity > 2 * forced.popularity
    weak, free = shown(tmp_path, "free", 0.3), shown(tmp_path, "free", 2.0)
    assert 0.1 < weak.reward < free.reward - 0.3
    none = shown(tmp_path, "free", 0.0)
    assert abs(none.reward) < 0.05


@pytest.mark.parametrize("selection", ["shown", "free"])
def test_the_strongest_selection_and_the_fullest_log_end(tmp_path: Path, selection: Selection) -> None:
    settings = WorldSettings(8, 30, 8 * 15, 1.5, 1.5, selection, 100.0)
    log = read_folder(written(tmp_path / "world", settings)).dataset.log
    assert len(log.cells()) == 8 * 15


def test_the_smallest_world(tmp_path: Path) -> None:
    loaded = read_folder(written(tmp_path / "world", WorldSettings(2, 2, 2)))
    assert (loaded.dataset.log.n_users, loaded.dataset.log.n_items) == (2, 2)


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match=r"mine: is there already; expected the name of a new folder"):
        write_world(SETTINGS, tmp_path / "mine")
    (tmp_path / "other.partial").mkdir()
    with pytest.raises(InputError, match=r"other.partial: is left from a world that was not finished; delete it first"):
        write_world(SETTINGS, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "other.partial"}


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=1_000))
    with pytest.raises(
        InputError, match=r"--rows is 30,000, which takes about 0.0 GiB; expected at most the 0.0 GiB that are free"
    ):
        write_world(SETTINGS, tmp_path / "world")
    assert not list(tmp_path.iterdir())


def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    seen: list[str] = []

    def stop(rows: int) -> None:
        seen.extend(path.name for path in (tmp_path / "world.partial").iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_world(SETTINGS, tmp_path / "world", stop)
    assert seen == ["interactions"]  # and no dataset.yaml, had it been killed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"users": 1}, r"--users is 1; expected from 2 to 100,000,000"),
        ({"rows": 599}, r"--rows is 599; expected from 600 to 120,000"),
        ({"rows": 120_001}, r"--rows is 120001; expected from 600 to 120,000"),
        ({"test_users": 601}, r"--test-users is 601; expected from 1 to 600"),
        ({"item_skew": 1.6}, r"--item-skew is 1.6; expected from 0 to 1.5"),
        ({"user_skew": float("nan")}, r"--user-skew is nan; expected from 0 to 1.5"),
        ({"selection": "odd"}, r"--selection is 'odd'; expected one of shown, free, popularity, forced"),
        (
            {"selection": "forced", "selection_strength": 2.0},
            r"--selection-strength is 2, but the selection 'forced' has none; expected 'shown' or 'free'",
        ),
    ],
)
def test_settings_out_of_their_limits(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SETTINGS, **changes)  # type: ignore[arg-type]
