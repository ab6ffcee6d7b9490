from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darlr.data.origin.cache import Cache
from darlr.data.readers.coat import (
    ITEM_FEATURES,
    ITEM_GROUPS,
    ITEMS,
    PROPENSITIES,
    SOURCE,
    TEST,
    TRAIN,
    TRUTH,
    USER_FEATURES,
    USER_GROUPS,
    USERS,
    read_coat,
)
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError


def write_matrix(path: Path, matrix: np.ndarray, ending: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ending.join(" ".join(map(str, row)) for row in matrix.tolist()) + ending, newline="")


def one_hot(rows: int, groups: dict[str, int]) -> np.ndarray:
    """Every entity e has bit e modulo the group's width set."""
    return np.concatenate([np.eye(width, dtype=int)[np.arange(rows) % width] for width in groups.values()], axis=1)


def read(folder: Path) -> LoadedDataset:
    return read_coat(DataConfig(), folder, Cache(folder / "cache"))


@pytest.fixture(params=["\n", "\r\n"], ids=["LF", "CRLF"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    random = np.random.default_rng(0)
    train = np.zeros((USERS, ITEMS), int)
    train[3, 4], train[1, 299] = 5, 2
    write_matrix(tmp_path / TRAIN, train, request.param)
    write_matrix(tmp_path / TRUTH, random.integers(1, 6, (USERS, ITEMS)), request.param)
    write_matrix(tmp_path / USER_FEATURES, one_hot(USERS, USER_GROUPS), request.param)
    write_matrix(tmp_path / ITEM_FEATURES, one_hot(ITEMS, ITEM_GROUPS), request.param)
    return tmp_path


def test_reads_the_official_layout(folder: Path) -> None:
    loaded = read(folder)
    log = loaded.dataset.log
    assert (log.users.tolist(), log.items.tolist(), log.rewards.tolist()) == ([1, 3], [299, 4], [2.0, 5.0])
    assert log.times is None
    assert loaded.truth is not None
    assert loaded.truth.rewards.shape == (USERS, ITEMS)
    assert loaded.dataset.user_features.codes[7].tolist() == [1, 1, 1, 1]
    assert loaded.dataset.items.features.codes[18].tolist() == [0, 2, 5, 0]
    assert loaded.dataset.items.features.code_sizes == (2, 16, 13, 2)
    assert set(loaded.dataset.hashes) == {TRAIN, TRUTH, USER_FEATURES, ITEM_FEATURES}


def test_says_where_the_truth_comes_from(folder: Path) -> None:
    (folder / TRUTH).unlink()
    with pytest.raises(InputError, match=r"^coat_pseudoGT_ratingM.ascii missing in .*https://github.com/BetsyHJ/RL4Rec"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "cell", "value", "message"),
    [
        (TRAIN, (2, 5), 6, "line 3, column 6 holds '6'; expected an integer in 0..5"),
        (TRUTH, (0, 0), 0, "line 1, column 1 holds '0'; expected an integer in 1..5"),
        (USER_FEATURES, (4, 8), 1, "line 5, columns 9..11 (location) have 2 bits set; expected exactly one"),
        (ITEM_FEATURES, (0, 0), 0, "line 1, columns 1..2 (gender) have 0 bits set; expected exactly one"),
    ],
)
def test_refuses_cells_out_of_range(folder: Path, name: str, cell: tuple[int, int], value: int, message: str) -> None:
    matrix = np.loadtxt(folder / name, dtype=int)
    matrix[cell] = value
    write_matrix(folder / name, matrix, "\n")
    with pytest.raises(InputError) as error:
        read(folder)
    assert str(error.value) == f"{folder / name}: {message}"


def test_refuses_an_empty_log_and_a_cut_file(folder: Path) -> None:
    write_matrix(folder / TRAIN, np.zeros((USERS, ITEMS), int), "\n")
    with pytest.raises(InputError, match="the interaction log is empty"):
        read(folder)
    write_matrix(folder / TRAIN, np.zeros((USERS - 1, ITEMS), int), "\n")
    with pytest.raises(InputError, match=r"train.ascii: 289 lines; expected 290"):
        read(folder)


def drawn(per_user: int) -> np.ndarray:
    """(290, 300) `per_user` ratings of every user, in the first columns."""
    matrix = np.zeros((USERS, ITEMS), int)
    matrix[:, :per_user] = 1 + np.arange(per_user) % 5
    return matrix


def test_counts_the_test_ratings_and_validates_the_propensities(folder: Path) -> None:
    assert not any(label.startswith("test") for label in read(folder).counts)
    test = drawn(16)
    test[3, 4], test[1, 299] = 5, 3
    write_matrix(folder / TRAIN, np.where(np.arange(ITEMS) == 299, 2, drawn(5)), "\n")
    write_matrix(folder / TEST, test, "\n")
    write_matrix(folder / PROPENSITIES, np.full((USERS, ITEMS), 0.25), "\n")
    assert read(folder).counts == {
        "train.ascii: ratings": 6 * USERS,
        "train.ascii: fewest of a user": 6,
        "train.ascii: most of a user": 6,
        "test.ascii: ratings": 16 * USERS + 1,
        "test.ascii: fewest of a user": 16,
        "test.ascii: most of a user": 17,
        "cells in both": 5 * USERS + 1,
        "cells in both with another rating": 1,
    }
    assert SOURCE.deviations(read(folder))[0] == "train.ascii: ratings: 1,740; the published data set has 6,960"
    write_matrix(folder / PROPENSITIES, np.full((USERS, ITEMS), 1.5), "\n")
    with pytest.raises(InputError, match=r"propensities.ascii: line 1, column 1 holds '1.5'; expected a number in 0..1$"):
        read(folder)


def test_a_fixed_tenth_of_the_test_ratings_tells_of_selection(folder: Path) -> None:
    test = drawn(16)
    test[:, :16] = 1 + (np.arange(USERS)[:, None] + np.arange(16)) % 5
    write_matrix(folder / TEST, test, "\n")
    assert read(folder).dataset.randomised is None
    data = DataConfig(randomised="tenth")
    one, other = (read_coat(data, folder, Cache(folder / "cache")).dataset for _ in range(2))
    shown, again = one.randomised, other.randomised
    assert shown is not None
    assert again is not None
    assert len(shown) == 16 * USERS // 10
    assert shown.users.tolist() == again.users.tolist()
    assert len(np.unique(shown.users * ITEMS + shown.items)) == len(shown)
    assert shown.rewards.tolist() == test[shown.users, shown.items].tolist()
    assert one.log.rewards.tolist() == read(folder).dataset.log.rewards.tolist()
    assert TEST in one.hashes
    assert SOURCE.deviations(read_coat(data, folder, Cache(folder / "cache")))


def test_refuses_a_tenth_of_what_is_missing_or_makes_the_truth(folder: Path) -> None:
    with pytest.raises(InputError, match=r"test.ascii missing in .*; 'data.randomised' reads a tenth of it"):
        read_coat(DataConfig(randomised="tenth"), folder, Cache(folder / "cache"))
    with pytest.raises(
        InputError, match=r"'data.randomised' is 'tenth', but with 'data.truth' completed the same ratings make"
    ):
        read_coat(DataConfig(randomised="tenth", truth="completed"), folder, Cache(folder / "cache"))


def test_refuses_swapped_files(folder: Path) -> None:
    write_matrix(folder / TRAIN, drawn(16), "\n")
    write_matrix(folder / TEST, drawn(24), "\n")
    with pytest.raises(InputError, match=r"train.ascii: every user has 16 ratings; expected 24 \(it seems to be test.ascii\)$"):
        read(folder)


def test_refuses_text_that_is_not_utf_8(folder: Path) -> None:
    (folder / TRAIN).write_bytes(b"0 1\n\xff\n")
    with pytest.raises(InputError, match=r"train.ascii: line 2 is not UTF-8 text$"):
        read(folder)


def test_real_coat_has_the_published_figures(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    loaded = read_coat(DataConfig(), real_data("coat"), Cache(tmp_path))
    log = loaded.dataset.log
    assert set(loaded.counts) == set(SOURCE.published)
    assert SOURCE.deviations(loaded) == ()
    assert len(log) == 6960
    assert (np.bincount(log.users) == 24).all()
    assert np.bincount(log.rewards.astype(int)).tolist() == [0, 1901, 1437, 1717, 1275, 630]
    assert loaded.truth is not None
    assert loaded.truth.rewards.mean(dtype=float) == pytest.approx(2.2337, abs=5e-5)
