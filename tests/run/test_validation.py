"""Judges of policies compared with the truth, in the planted world."""

from pathlib import Path
from typing import Any

import pytest

from darlr.config.loading import merge
from darlr.errors import InputError
from darlr.evaluation.agreement import Validation, tau_of
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.report.analysis.validation import validation_table
from darlr.report.rendering.table import to_markdown
from darlr.run.candidates import LEARNED
from darlr.run.validation import validate
from tests.runs import SMALL, Listener, write_planted_world, write_truth
from tests.worlds import CPU

VALUES: dict[str, Any] = {
    **merge(SMALL, {"dataset": "planted", "training": {"epochs": 1}, "evaluation": {"held_out": 0.3}}),
    "world_model": {"members": 1, "hidden_sizes": [8], "max_epochs": 5, "learning_rate": 0.01},
}
del VALUES["method"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    return validated(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def reversed_truth(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    """Make the same log in a world where all users like the items that the log says they dislike."""
    return validated(tmp_path_factory.mktemp("reversed"), best=1, worst=5)


def validated(folder: Path, best: int = 5, worst: int = 1) -> Validation:
    world = write_planted_world(folder / "planted")
    write_truth(world / "truth.csv", range(20), best, worst)
    return validate(VALUES, folder, folder / "runs", CPU, Listener())


def test_a_dozen_policies_of_every_quality_are_ranked_by_every_judge(planted: Validation) -> None:
    assert len(planted.truth) >= 12
    assert {"uniform_random", "popular", "mbpo", "mbpo, far too fast", "bayes-adaptive"} <= planted.truth.keys()
    assert set(planted.values) == {"simulator", "referee", "ndcg_10", *ESTIMATORS}
    assert planted.agreements.keys() == planted.values.keys()
    assert all(values.keys() == planted.truth.keys() for values in planted.values.values())
    # Ten items of 5 are the best, ten of 1 the worst; half of the items are liked.
    assert planted.truth["item_mean"] == 50
    assert planted.truth["uniform_random"] == pytest.approx(30, abs=4)


def test_judges_that_know_what_is_liked_agree_with_the_truth(planted: Validation) -> None:
    for judge in ("simulator", "referee", "ndcg_10"):
        assert planted.agreements[judge].tau > 0.3
        assert planted.agreements[judge].regret <= 5


def test_no_judge_sees_the_truth(planted: Validation, reversed_truth: Validation) -> None:
    for judge, values in planted.values.items():
        assert values == pytest.approx(reversed_truth.values[judge], nan_ok=True)
    assert planted.truth["item_mean"] + reversed_truth.truth["item_mean"] == 60
    assert reversed_truth.agreements["referee"].tau < -0.3
    assert reversed_truth.agreements["referee"].regret > 10


def test_the_truth_of_a_step_is_the_mean_reward_of_a_recommendation(planted: Validation) -> None:
    assert planted.step_truth["item_mean"] == 5
    assert planted.step_truth["uniform_random"] == pytest.approx(3, abs=0.5)  # about half of what users have not had is liked
    assert planted.step_taus["dm"] == pytest.approx(tau_of(planted.values["dm"], planted.step_truth))
    assert planted.step_taus["dm"] > 0.3


def test_eighty_rows_are_doubted_by_what_stands_on_weights(planted: Validation) -> None:
    assert "item_mean" in planted.doubted["dr"]
    assert planted.doubted["dm"] == ()


def test_a_data_set_without_a_truth_and_a_method_are_refused(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "planted", truth=False)
    with pytest.raises(InputError, match="data set 'planted' has no truth to compare judges with"):
        validate(VALUES, tmp_path, tmp_path / "runs", CPU, Listener())
    with pytest.raises(InputError, match="config key 'method' is given, but the policies that are judged"):
        validate({**VALUES, "method": "dorl"}, tmp_path, tmp_path / "runs", CPU, Listener())
    assert not (tmp_path / "runs").exists()


def test_a_log_with_propensities_is_judged_by_estimated_ones_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.run.validation.LEARNED", {"mbpo": LEARNED["mbpo"]})  # others would only take time
    world = write_planted_world(tmp_path / "planted")
    head, *rows = (world / "log.csv").read_text().splitlines()
    # Every liked item is shown three times as often as the others.
    shown = [f"{row},{0.0375 if int(row.split(',')[1][1:]) % 2 else 0.0125}" for row in rows]
    (world / "log.csv").write_text("\n".join([f"{head},propensity", *shown]) + "\n")
    found = validate(VALUES, tmp_path, tmp_path / "runs", CPU, Listener())
    assert {f"{name}{way}" for name in ESTIMATORS for way in ("", "/estimated")} <= found.values.keys()
    assert found.values["ips"]["uniform_random"] != found.values["ips/estimated"]["uniform_random"]
    assert found.values["dm"] == pytest.approx(found.values["dm/estimated"])  # which reads none
    assert any("as logged" in note for note in found.notes)
    assert any("estimated from the log" in note for note in found.notes)


def test_models_alone_judge_where_the_log_has_no_row_of_the_test_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.run.validation.LEARNED", {"mbpo": LEARNED["mbpo"]})  # others would only take time
    world = write_planted_world(tmp_path / "planted")
    head, *rows = (world / "log.csv").read_text().splitlines()
    write_truth(world / "truth.csv", range(20), 5, 1, items=range(16))
    cells = [row.split(",") for row in rows]
    kept = [",".join(cell) for cell in cells if int(cell[0][1:]) >= 20 or int(cell[1][1:]) >= 16]
    (world / "log.csv").write_text("\n".join([head, *kept]) + "\n")
    found = validate(VALUES, tmp_path, tmp_path / "runs", CPU, Listener())
    assert found.values.keys() == found.agreements.keys() == {"simulator", "referee"}
    assert found.agreements["referee"].policies == len(found.truth)
    assert found.step_truth == {}
    assert [note for note in found.notes if "held-out ranking and estimators have nothing to judge by" in note]
    plain = found.to_dict()
    assert plain["judges"]["referee"]["step_tau"] is None
    assert "nothing to judge by" in to_markdown(validation_table(found))
