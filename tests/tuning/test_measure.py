"""The measures of trials, worked out by hand."""

import json
from pathlib import Path

import pytest

from darlr.errors import InputError
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.tuning.measure import JUDGES, RETURN, judge_named, measured


def test_the_measure_is_the_mean_of_the_last_fifth_of_the_epochs_so_far() -> None:
    records = [{"referee/sampled/r_tra": value, "nx_0/sampled/r_tra": 99.0} for value in (3.0, 1.0, 2.0, 4.0, 6.0, 10.0)]
    assert measured(records, RETURN) == [3.0, 1.0, 2.0, 4.0, 6.0, 8.0]  # of six epochs the last two


def test_nothing_is_measured_before_the_first_epoch() -> None:
    assert measured([], RETURN) == pytest.approx([])


def test_an_epoch_without_a_number_is_never_the_best() -> None:
    assert measured([{"judge/snips": 2.0}, {"judge/snips": None}], "judge/snips") == [2.0, -float("inf")]


def test_every_judge_of_validate_can_decide() -> None:
    assert set(JUDGES) == {"referee", "simulator", "ndcg_10", *ESTIMATORS}
    assert judge_named(None) == "referee"
    assert judge_named("dr") == "dr"
    with pytest.raises(InputError, match="unknown judge 'truth'"):
        judge_named("truth")


def test_the_best_judge_of_a_validation_decides(tmp_path: Path) -> None:
    file = tmp_path / "validation.json"
    taus = {"simulator": 0.7, "dr": 0.8, "dr/estimated": 0.9, "snips": None}
    file.write_text(json.dumps({"judges": {judge: {"tau": tau} for judge, tau in taus.items()}}))
    assert judge_named(str(file)) == "dr"  # a study has no other propensities than the log's
    file.write_text(json.dumps({"judges": {"snips": {"tau": None}}}))
    with pytest.raises(InputError, match=r"validation\.json: no judge has a tau"):
        judge_named(str(file))
    file.write_text(json.dumps({"true_returns": {}}))
    with pytest.raises(InputError, match=r"validation\.json: 'judges' is missing"):
        judge_named(str(file))
