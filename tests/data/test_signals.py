"""Rewards that are weighted sums of several signals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import darlr
from darlr.data.readers.folder import read_folder
from darlr.data.repeats import without_repeats
from darlr.data.signals import weighted_sum, weights_of
from darlr.errors import InputError
from tests.worlds import log_of

ROWS = "user_id,item_id,click,hate\n" + "\n".join(f"{u},{i},{(u + i) % 2},{int(u == i)}" for u in range(6) for i in range(6))
REWARD = "{feedback: ratings, minimum: -3, maximum: 2, signals: [click=2, hate=-3]}"


def folder(path: Path, reward: str = REWARD, rows: str = ROWS, more: str = "") -> Path:
    path.mkdir()
    (path / "log.csv").write_text(rows + "\n")
    (path / "dataset.yaml").write_text(f"files: {{interactions: log.csv}}\nreward: {reward}\n{more}")
    return path


def test_the_reward_is_the_weighted_sum() -> None:
    weights = weights_of(["click=2", " hate =-0.5"], "signals")
    assert weights == {"click": 2.0, "hate": -0.5}
    signals = {"click": np.array([1, 0, 1], np.float32), "hate": np.array([0, 1, 1], np.float32)}
    assert weighted_sum(signals, weights).tolist() == [2.0, -0.5, 1.5]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["click"], r"key 'signals' has 'click'; expected SIGNAL=WEIGHT"),
        (["click=much"], "expected SIGNAL=WEIGHT"),
        (["=2"], "expected SIGNAL=WEIGHT"),
        (["click=0"], "a weight other than 0"),
        (["click=nan"], "a weight other than 0"),
        (["click=1e9"], "at most 1e"),
        (["click=1", "click =2"], "names the signal 'click' twice"),
    ],
)
def test_refuses_weights(said: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        weights_of(said, "signals")


def test_a_folder_has_signals_instead_of_a_reward(tmp_path: Path) -> None:
    log = read_folder(folder(tmp_path / "own")).dataset.log
    clicks, hates = ((log.users + log.items) % 2, log.users == log.items)
    np.testing.assert_array_equal(log.rewards, 2 * clicks - 3 * hates)
    assert list(log.signals) == ["click", "hate"]
    np.testing.assert_array_equal(log.signals["hate"], hates)
    part = log.rows(np.array([5, 1]))
    np.testing.assert_array_equal(part.signals["click"], log.signals["click"][[5, 1]])


def test_frames_have_them_too() -> None:
    frame = pl.read_csv(ROWS.encode())
    signals = {"click": 2.0, "hate": -3.0}
    shop = darlr.Dataset.from_frames(frame, feedback="ratings", minimum=-3, maximum=2, signals=signals)
    log = shop.loaded.dataset.log
    np.testing.assert_array_equal(log.rewards, 2 * log.signals["click"] - 3 * log.signals["hate"])
    plain = frame.with_columns(reward=pl.lit(1.0))
    nothing: tuple[dict[str, float] | None, ...] = ({}, None)
    one, other = (darlr.Dataset.from_frames(plain, feedback="ratings", minimum=0, maximum=2, signals=by) for by in nothing)
    assert one.loaded.dataset.hashes == other.loaded.dataset.hashes


@pytest.mark.parametrize(
    ("reward", "rows", "message"),
    [
        (REWARD.replace("hate=-3", "likes=1"), ROWS, "column 'likes' is missing"),
        (REWARD.replace("click=2", "item_id=2"), ROWS, "names 'item_id', which is not a signal"),
        (
            REWARD.replace("maximum: 2", "maximum: 1"),
            ROWS,
            r"line 3 has signals with the weighted sum 2; expected a reward in -3..1",
        ),
        (REWARD, ROWS.replace("5,5,0,1", "5,5,0,often"), "line 37, column 'hate' holds 'often'"),
        (REWARD, ROWS.replace("5,5,0,1", "5,5,0,"), "line 37, column 'hate' is blank"),
    ],
)
def test_refuses_rows(tmp_path: Path, reward: str, rows: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_folder(folder(tmp_path / "own", reward, rows))


def test_repeats_are_kept_or_read_as_the_last() -> None:
    log = replace(log_of([(0, 0, 1.0), (0, 0, 2.0)], 1, 1), signals={"click": np.array([1, 2], np.float32)})
    assert without_repeats(log, "last").signals["click"].tolist() == [2.0]
    with pytest.raises(InputError, match=r"repeats are merged \('mean'\); expected 'keep' or 'last'"):
        without_repeats(log, "mean")


def test_a_log_refuses_signals_of_another_length() -> None:
    with pytest.raises(InputError, match="click"):
        replace(log_of([(0, 0, 1.0)], 1, 1), signals={"click": np.zeros(2, np.float32)})
