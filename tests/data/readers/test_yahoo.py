from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.data.readers.yahoo import SOURCE, TEST, TRAIN
from darlr.data.registry import load
from darlr.errors import InputError
from tests.official_files.yahoo import COMMA_TEST, COMMA_TRAIN, write_yahoo

CONFIG = ExperimentConfig(dataset="yahoo")


def test_has_neither_times_nor_categories_nor_features(tmp_path: Path) -> None:
    write_yahoo(tmp_path / "yahoo")
    dataset = load(CONFIG, tmp_path).dataset
    assert dataset.log.times is None
    assert dataset.log.reward_range == (1.0, 5.0)
    assert dataset.items.n_categories == 0
    assert dataset.items.features.code_names == dataset.user_features.numeric_names == ()
    assert (dataset.leave.by, dataset.leave.tolerance) == ("distance", 0.0)


def test_counts_are_compared_with_the_published_ones(tmp_path: Path) -> None:
    write_yahoo(tmp_path / "yahoo")
    loaded = load(CONFIG, tmp_path)
    counts = loaded.counts
    assert loaded.test_rows == 200
    assert counts == {
        "train: rows": 900,
        "train: users": 60,
        "train: songs": 45,
        "test: rows": 200,
        "test: users": 20,
        "test: songs": 45,
    }
    assert set(counts) == set(SOURCE.published)
    assert SOURCE.deviations(loaded)[0] == "train: rows: 900; the published data set has 311,704"


def test_says_what_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"by asking Yahoo Webscope \(https://webscope.*'R3 - Yahoo! Music ratings for User"):
        load(CONFIG, tmp_path)


def test_refuses_swapped_files(tmp_path: Path) -> None:
    folder = write_yahoo(tmp_path / "yahoo", commas=True).folder
    (folder / COMMA_TRAIN).rename(folder / "aside")
    (folder / COMMA_TEST).rename(folder / COMMA_TRAIN)
    (folder / "aside").rename(folder / COMMA_TEST)
    with pytest.raises(InputError, match=r"user.txt: every user has 10 rows, .*seem to be swapped"):
        load(CONFIG, tmp_path)


def test_refuses_a_train_file_of_one_variant_and_a_test_file_of_the_other(tmp_path: Path) -> None:
    official, commas = write_yahoo(tmp_path / "official"), write_yahoo(tmp_path / "yahoo", commas=True)
    (commas.folder / COMMA_TEST).unlink()
    (official.folder / TEST).rename(commas.folder / TEST)
    with pytest.raises(InputError, match=r"user ids count from 1, those of .*user.txt from 0; expected both alike"):
        load(CONFIG, tmp_path)


def test_has_no_choices(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'data.features' is 'all', but data set 'yahoo' has no such choice"):
        load(replace(CONFIG, data=replace(CONFIG.data, features="all")), tmp_path)


def test_a_changed_file_has_another_hash(tmp_path: Path) -> None:
    made = write_yahoo(tmp_path / "yahoo")
    before = load(CONFIG, tmp_path).dataset.hashes
    file = made.folder / TRAIN
    file.write_text(file.read_text().replace("\n", "\r\n"), newline="")
    after = load(CONFIG, tmp_path)
    assert np.array_equal(after.dataset.log.rewards, made.train.ratings)
    assert after.dataset.hashes[TRAIN] != before[TRAIN]
    assert after.dataset.hashes[TEST] == before[TEST]
