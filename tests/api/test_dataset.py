from pathlib import Path

import pytest

from darlr.api.dataset import Dataset
from darlr.errors import InputError
from tests.api.data import interactions, planted
from tests.runs import write_planted_world


def test_tells_what_it_is() -> None:
    dataset = planted()
    assert repr(dataset) == "Dataset(planted: 800 interactions of 40 users with 40 items, with a truth)"
    assert (len(dataset), dataset.name, dataset.has_truth, dataset.in_memory) == (800, "planted", True, True)
    assert len(dataset.test_user_ids) == 20
    assert set(dataset.test_item_ids) == set(dataset.item_ids)
    assert dataset.describe()["log: rows"] == "800"
    assert not planted(with_truth=False).has_truth


def test_other_rows_are_another_data_set() -> None:
    assert planted().settings == planted().settings
    assert planted(interactions().head(799)).settings != planted().settings


def test_the_name_of_a_known_data_set_is_refused() -> None:
    with pytest.raises(InputError, match=r"^from_frames: 'name' is 'coat', a data set that darlr knows; expected another"):
        Dataset.from_frames(interactions(), name="coat", feedback="ratings", minimum=1, maximum=5)


def test_loads_a_folder_and_a_name(tmp_path: Path) -> None:
    folder = write_planted_world(tmp_path / "mine")
    by_path, by_name = Dataset.load(folder), Dataset.load("mine", data_dir=tmp_path)
    assert (by_path.name, by_path.in_memory) == ("mine", False)
    assert by_path.settings == {"dataset": str(folder.resolve())}
    assert by_name.settings == {"dataset": "mine"}


def test_loads_with_options() -> None:
    assert len(Dataset.load("synthetic", users=30, items=20).user_ids) == 30
    with pytest.raises(InputError, match=r"unknown config key 'synthetic\.people'"):
        Dataset.load("synthetic", people=30)
    with pytest.raises(InputError, match="unknown data set 'coats'"):
        Dataset.load("coats")
