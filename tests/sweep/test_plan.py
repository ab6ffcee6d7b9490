"""The runs that a grid asks for, and their progress."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darlr.artifacts.sealing import CHECKSUM, sealed
from darlr.errors import InputError
from tests.runs import SMALL, TrainedOnce, train_small, write_planted_world
from tests.sweep.grids import named, small_cells


def test_a_cell_is_the_run_that_train_would_make(trained_once: TrainedOnce, tmp_path: Path) -> None:
    finished = trained_once(tmp_path, {"method": "dorl", "seed": 1})
    mbpo, dorl = small_cells(tmp_path, tmp_path, seeds=[1])
    assert dorl.run == finished.path
    assert (dorl.finished, dorl.begun, dorl.epochs) == (True, True, 3)
    assert dorl.config == finished.config
    assert (mbpo.finished, mbpo.begun, mbpo.epochs) == (False, False, 0)
    assert mbpo.world_model == dorl.world_model
    assert mbpo.world_model.is_file()
    assert not mbpo.needs_fit()
    assert (mbpo.size.users, mbpo.size.items) == (40, 50)


def test_a_run_that_was_stopped_is_not_finished(trained_once: TrainedOnce, tmp_path: Path) -> None:
    path = trained_once(tmp_path).path
    (path / "summary.json").unlink()
    lines = (path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (path / "metrics.jsonl").write_text(lines[0])
    _, dorl = small_cells(tmp_path, tmp_path)
    assert (dorl.run, dorl.finished, dorl.begun, dorl.epochs) == (path, False, True, 1)
    dorl.world_model.unlink()
    assert not dorl.needs_fit()  # it goes on with its own copy
    assert replace(dorl, begun=False).needs_fit()


def test_a_run_whose_policy_was_deleted_is_not_finished(trained_once: TrainedOnce, tmp_path: Path) -> None:
    (trained_once(tmp_path).path / "policy.safetensors").unlink()
    _, dorl = small_cells(tmp_path, tmp_path)
    assert not dorl.finished
    train_small(tmp_path)
    assert dorl.is_finished()


def test_cells_share_a_world_model_unless_seed_or_settings_differ(tmp_path: Path) -> None:
    cells = small_cells(
        tmp_path, tmp_path, seeds=[0, 1], vary={"a2c.discount": [0.5, 0.8], "world_model.learning_rate": [0.01]}
    )
    assert len(cells) == 12
    assert len({cell.run for cell in cells}) == 12
    assert len({cell.world_model for cell in cells}) == 4
    for cell in cells:
        assert (cell.world_model == cells[0].world_model) == ("seed 0" in cell.label and "discount" in cell.label)


def test_two_ways_to_write_a_value_are_the_same_run_and_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"^synthetic mbpo seed 0 a2c.discount=0.9: is the same run as 'synthetic mbpo seed 0 a2c.discount=0.9'",
    ):
        small_cells(tmp_path, tmp_path, methods="mbpo", set={"a2c.discount": [0.9, "0.9"]})


def test_two_varied_keys_may_meet_in_one_cell(tmp_path: Path) -> None:
    cells = small_cells(tmp_path, tmp_path, methods="mbpo", vary={"a2c.discount": [0.5, 0.9], "a2c.value_weight": [0.5, 1.0]})
    assert named(cells) == [
        "synthetic mbpo seed 0 a2c.discount=0.5",
        "synthetic mbpo seed 0 a2c.discount=0.9",  # the default, and that of the other key's first value
        "synthetic mbpo seed 0 a2c.value_weight=1.0",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ["mbpo", "drol"]}, "synthetic drol seed 0: unknown method 'drol'; did you mean 'dorl'?"),
        ({"datasets": "synthetik"}, "synthetik mbpo seed 0: unknown data set 'synthetik'; did you mean 'synthetic'?"),
        ({"seeds": [0, -1]}, "synthetic mbpo seed -1: config key 'seed' is -1; expected 0 or more"),
        ({"vary": {"a2c.discount": [0.5, 2]}}, "a2c.discount=2: config key 'a2c.discount' is 2.0; expected from 0 to 1"),
        ({"vary": {"a2c.discount": ["x"]}}, "config key 'a2c.discount' is 'x'; expected a finite number"),
        ({"vary": {"neighbours.users": [5]}}, "config key 'neighbours.users' is 5, but method 'mbpo' is defined by 0"),
    ],
)
def test_cells_that_cannot_be_run_are_named_before_anything_is_written(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        small_cells(tmp_path, tmp_path / "runs", **changes)
    assert message in str(refused.value)
    assert not (tmp_path / "runs").exists()


def rewrite(environment: Path, changes: Mapping[str, Any]) -> None:
    """Change a run's environment as if darlr had written it so."""
    known = {key: value for key, value in json.loads(environment.read_text()).items() if key != CHECKSUM}
    environment.write_text(json.dumps(sealed({**known, **changes})))


def test_a_finished_run_on_other_data_is_refused(trained_once: TrainedOnce, tmp_path: Path) -> None:
    environment = trained_once(tmp_path).path / "environment.json"
    rewrite(environment, {"data": {"synthetic": "0"}})
    with pytest.raises(InputError, match=r"dorl seed 0: .*this run was started on other data \('synthetic' has changed\)"):
        small_cells(tmp_path, tmp_path)


def test_a_run_of_another_version_is_refused(trained_once: TrainedOnce, tmp_path: Path) -> None:
    environment = trained_once(tmp_path).path / "environment.json"
    rewrite(environment, {"darlr": "0.0.9"})
    with pytest.raises(InputError, match=r"dorl seed 0: .*holds a run of darlr 0\.0\.9, and this is .*; choose another"):
        small_cells(tmp_path, tmp_path)


def test_world_models_without_truth_belong_to_the_rows_that_are_learned_from(tmp_path: Path) -> None:
    folder = write_planted_world(tmp_path / "own", truth=False)
    finished = train_small(tmp_path / "runs", {"dataset": str(folder)})
    settings = {key: value for key, value in SMALL.items() if key != "method"}
    [cell] = [
        cell
        for cell in small_cells(tmp_path, tmp_path / "runs", datasets=str(folder), set=settings | {"synthetic": {}})
        if cell.config.method == "dorl"
    ]
    assert cell.finished
    assert cell.run == finished.path
    assert cell.world_model.is_file()
