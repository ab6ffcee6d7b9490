"""Open Bandit's campaign "men"."""

from pathlib import Path

import numpy as np
import pytest

from darlr.data.origin.cache import Cache
from darlr.data.readers.open_bandit import SOURCE_BTS
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from tests.official_files.open_bandit import ITEMS, OpenBandit, root_of, write_open_bandit


def read(root: Path, scratch: Path) -> LoadedDataset:
    return SOURCE_BTS.load(experiment_config({"dataset": "open-bandit-bts"}), root, Cache(scratch, lambda text: None))


@pytest.fixture
def made(tmp_path: Path) -> OpenBandit:
    return write_open_bandit(tmp_path / "files", "bts", 300)


def test_reads_impressions(made: OpenBandit, tmp_path: Path) -> None:
    dataset = read(tmp_path / "files", tmp_path / "cache").dataset
    log = dataset.log
    assert (len(log), log.n_items, dataset.items.n_categories) == (300, ITEMS, 2)
    assert log.items.tolist() == made.items.tolist()
    assert log.rewards.tolist() == made.clicks.tolist()
    assert log.exposure is not None
    assert log.exposure.propensities is not None
    assert log.exposure.propensities == pytest.approx(made.propensities)
    assert log.exposure.positions is not None
    assert log.exposure.positions.tolist() == made.positions.tolist()
    assert log.times is not None
    assert np.diff(log.times) == pytest.approx(np.ones(299))
    # Kinds 0 to 5 by their remainders of 2, 3, 4 and 5 are six users.
    assert log.n_users == 6
    assert len(np.unique(np.stack([made.kinds, log.users]), axis=1).T) == 6


@pytest.mark.parametrize(
    ("cell", "bad", "message"),
    [
        (5, "0.0", r"line 2, column 'propensity_score' holds '0.0'; expected a probability above 0"),
        (4, "2", r"line 2, column 'click' holds '2'; expected a number in 0..1"),
        (2, "34", r"line 2, column 'item_id' holds '34'; expected a number in 0..33"),
        (1, "yesterday", r"line 2, column 'timestamp' holds 'yesterday'; expected a date and time"),
    ],
)
def test_refuses_bad_cells(made: OpenBandit, tmp_path: Path, cell: int, bad: str, message: str) -> None:
    file = tmp_path / "files" / root_of("bts") / "men.csv"
    header, first, *others = file.read_text().splitlines()
    cells = first.split(",")
    cells[cell] = bad
    file.write_text("\n".join([header, ",".join(cells), *others]) + "\n")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "files", tmp_path / "cache")
