"""Studies from end to end: the same trials every time, however they were stopped, and no use of the truth."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from darlr.artifacts import RunFolder, files
from darlr.artifacts.files import publish
from darlr.data.registry import load
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from darlr.run.specification import SpecifiedRun
from darlr.sweep.grid import Grid
from darlr.tuning import tuner
from darlr.tuning.design import Design
from darlr.tuning.measure import RETURN, measured
from darlr.tuning.trials import Trial, best_of
from tests.runs import write_planted_world, write_truth
from tests.tuning.studies import Notes, StoppedError, run_here, study


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Runs are trained in this process; two trials are proposed at a time."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tuner, "run_cells", run_here)
        monkeypatch.setattr(tuner, "TOGETHER", 2)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Design, list[Trial]]:
    """A study of two undisturbed trials, for tests that only read it: its folder, its design, its trials."""
    out = tmp_path_factory.mktemp("undisturbed")
    return out, *study(out, 2)


def told(trials: Sequence[Trial]) -> list[Any]:
    """Return everything that must not change from one time to the next."""
    return [(trial.number, trial.settings, trial.state, trial.value, trial.error) for trial in trials]


def test_a_study_is_the_same_every_time_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    design, trials = study(tmp_path / "once", 4)
    assert [trial.number for trial in trials] == [1, 2, 3, 4]
    assert trials[0].settings == {"a2c.learning_rate": 0.001, "a2c.discount": 0.9}  # the method's own
    assert len({str(trial.settings) for trial in trials}) == 4
    for trial in trials:
        [run] = trial.runs
        assert trial.value == measured(RunFolder.open(Path(run)).metrics(), RETURN)[-1]
        assert RunFolder.open(Path(run)).config()["a2c"]["learning_rate"] == trial.settings["a2c.learning_rate"]

    with pytest.raises(StoppedError):
        study(tmp_path / "stopped", 4, Notes(stop_after=8))  # after the second of three epochs of trial 3
    notes = Notes()
    _, resumed = study(tmp_path / "stopped", 4, notes)
    assert told(resumed) == told(trials)
    assert notes.epochs == [("trial 3 seed 0", 3), *(("trial 4 seed 0", epoch) for epoch in (1, 2, 3))]

    notes = Notes()
    _, again = study(tmp_path / "once", 4, notes)
    assert told(again) == told(trials)
    assert notes.epochs == []
    assert [trial.number for trial in notes.tried_trials] == [1, 2, 3, 4]
    _, fewer = study(tmp_path / "once", 2, notes)
    assert told(fewer) == told(trials[:2])
    assert json.loads((design.folder(tmp_path / "once") / "study.json").read_text())["budget"]["trials"] == 2


def test_what_is_written(undisturbed: tuple[Path, Design, list[Trial]]) -> None:
    out, design, trials = undisturbed
    folder = design.folder(out)
    best = best_of(trials)
    assert best is not None
    assert best.value == max(trial.value or 0 for trial in trials)
    written = yaml.safe_load((folder / "best.yaml").read_text())
    config = experiment_config(written)
    assert (config.a2c.learning_rate, config.a2c.discount) == tuple(best.settings.values())
    assert config.training.steps_per_epoch == 60
    assert "epochs" not in written["training"]
    assert "evaluation" in written  # as given, without the referee
    assert "referee" not in written["evaluation"]
    points = Grid.read(folder / "sweep.yaml").points()
    assert [point.values["seed"] for point in points] == [0, 1, 2, 3, 4]
    assert experiment_config(points[0].values) == config
    results = json.loads((folder / "study.json").read_text())
    assert results["budget"] == {
        "trials": 2,
        "seeds": [0],
        "epochs_a_run": 3,
        "pruning": True,
        "epochs_learned": 6,
        "seconds": results["budget"]["seconds"],
    }
    assert results["space"] == {
        "a2c.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        "a2c.discount": [0.5, 0.9, 0.99],
    }
    assert results["best"] == best.number
    assert [trial["value"] for trial in results["trials"]] == [trial.value for trial in trials]


def test_the_truth_has_no_part_in_it(tmp_path: Path) -> None:
    chosen = []
    for name, best, worst in (("right", 5, 1), ("wrong", 1, 5)):
        folder = write_planted_world(tmp_path / name / "planted")
        write_truth(folder / "truth.csv", range(20), best, worst)
        _, trials = study(tmp_path / name / "out", 2, dataset="planted", data_dir=tmp_path / name)
        chosen.append(told(trials))
        [first] = trials[0].runs
        chosen[-1].append(len(RunFolder.open(Path(first)).metrics()))
    assert chosen[0] == chosen[1]
    truths = [RunFolder.open(run.parent).metrics()[-1]["nx_0/sampled/r_tra"] for run in tmp_path.rglob("metrics.jsonl")]
    assert len(set(truths)) > 2  # the tests did see another truth


def test_the_log_can_be_the_judge_and_learning_never_sees_the_rows_that_judge(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "planted")
    design, trials = study(tmp_path / "out", 1, dataset="planted", data_dir=tmp_path, judge="dm", world_model={"max_epochs": 1})
    [trial] = trials
    records = RunFolder.open(Path(trial.runs[0])).metrics()
    assert (trial.state, trial.value) == ("finished", records[-1]["judge/dm"])  # the last of three epochs
    assert 1 <= records[-1]["judge/dm"] <= 5
    assert records[-1]["judge/told"] == 1
    assert not any(name.startswith("referee/") for name in records[-1])
    results = json.loads((design.folder(tmp_path / "out") / "study.json").read_text())
    assert results["measure"]["name"] == "judge/dm"
    assert "mean reward of a recommendation on held-out log rows by direct method" in results["measure"]["what"]
    blind = load(experiment_config({"dataset": "planted"}), tmp_path)
    specified = SpecifiedRun.of(design.trial(trial.settings, 0), blind)
    assert specified.held_out is not None
    assert (len(specified.dataset.log), len(specified.held_out)) == (720, 80)


def test_a_trial_whose_value_the_log_cannot_tell_fails(tmp_path: Path) -> None:
    write_planted_world(tmp_path / "planted")
    changes: dict[str, Any] = {"dataset": "planted", "world_model": {"max_epochs": 1}, "training": {"epochs": 1}}
    _, [trial] = study(tmp_path / "out", 1, judge="dr", data_dir=tmp_path, **changes)
    assert (trial.state, trial.value) == ("failed", None)
    assert "value cannot be told from this log by judge/dr in 1 of the last 1 epochs" in (trial.error or "")  # of 80 rows


@pytest.mark.parametrize(
    ("judge", "space", "message"),
    [
        ("dr", "world_model.learning_rate: [1e-6, 0.01]", "judge 'dr' is given, but a space of the world model alone"),
        ("mips", "a2c.discount: [0.5, 0.9]", "judge 'mips' weights categories of items, but the items have none"),
        ("snips", "a2c.discount: [0.5, 0.9]", "judge 'snips' needs a log whose policy left something to chance"),
        (
            "ndcg_10",
            "a2c.discount: [0.5, 0.9]",
            "judge 'ndcg_10' is not possible here: no held-out row has a reward",
        ),
    ],
)
def test_a_judge_that_the_log_cannot_give_is_refused_before_anything_runs(
    tmp_path: Path, judge: str, space: str, message: str
) -> None:
    folder = write_planted_world(tmp_path / "planted")
    head, *rows = (folder / "log.csv").read_text().splitlines()
    (folder / "log.csv").write_text("\n".join([f"{head},propensity", *(f"{row},1" for row in rows)]) + "\n")
    settings = (folder / "dataset.yaml").read_text()
    settings = settings.replace("items: items.csv, ", "").replace("maximum: 5}", "maximum: 9, positive_threshold: 9}")
    (folder / "dataset.yaml").write_text(settings)
    with pytest.raises(InputError, match=message):
        study(tmp_path / "out", 1, space=space, dataset="planted", data_dir=tmp_path, judge=judge, epochs=False)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["space.yaml"]


def test_a_trial_that_does_worse_than_the_median_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.tuning.search.RANDOM_TRIALS", 2)
    monkeypatch.setattr("darlr.tuning.search.WARM_UP", 0.0)
    _, trials = study(tmp_path / "a", 5)
    stopped = [trial for trial in trials if trial.state == "pruned"]
    assert stopped
    reached = max(trial.value for trial in trials if trial.value is not None)
    for trial in stopped:
        assert trial.number > 2
        assert trial.value is None
        [run] = trial.runs
        assert not (Path(run) / "summary.json").exists()
        assert 1 <= trial.epochs < 3
        assert max(measured(RunFolder.open(Path(run)).metrics(), RETURN)) < reached
    with pytest.raises(StoppedError):
        study(tmp_path / "b", 5, Notes(stop_after=9))
    assert told(study(tmp_path / "b", 5)[1]) == told(trials)


def test_a_trial_that_fails_stops_no_other(tmp_path: Path) -> None:
    _, [own, diverged] = study(tmp_path, 8, space="a2c.learning_rate: [0.001, 1e30]")  # no more points than these
    assert own.state == "finished"
    assert diverged.state == "failed"
    assert "epoch 1: the policy loss is nan; stopped" in (diverged.error or "")
    assert best_of([own, diverged]) is own


def test_a_trial_whose_process_died_is_run_again_by_the_same_call(tmp_path: Path) -> None:
    _, [first, died] = study(tmp_path, 2, dying="trial 2 seed 0")
    assert (first.state, died.state, died.value, died.error) == ("finished", "begun", None, "its process was killed")
    _, again = study(tmp_path, 2)
    assert told(again) == told([first, replace(died, state="finished", value=again[1].value, error=None)])
    assert again[1].value is not None


def test_a_trial_that_found_the_disk_full_is_run_again_by_the_same_call(
    undisturbed: tuple[Path, Design, list[Trial]], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as disk:

        def full(partial: Path, path: Path) -> None:
            if path.name == "policy.safetensors":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            publish(partial, path)

        disk.setattr(files, "publish", full)
        _, trials = study(tmp_path / "full", 2)
    assert [trial.state for trial in trials] == ["begun", "begun"]
    assert (trials[0].error or "").endswith("policy.safetensors: cannot be written (No space left on device)")
    assert told(study(tmp_path / "full", 2)[1]) == told(undisturbed[2])


def test_a_run_folder_that_is_refused_ends_the_call_and_fails_no_trial(
    undisturbed: tuple[Path, Design, list[Trial]], tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        study(tmp_path / "stopped", 2, Notes(stop_after=5))  # after the second of three epochs of trial 2
    [run] = [file.parent for file in tmp_path.rglob("config.yaml") if not (file.parent / "summary.json").exists()]
    environment = run / "environment.json"
    environment.write_text(json.dumps(json.loads(environment.read_text()) | {"darlr": "0.0.1"}))
    for _ in range(2):
        with pytest.raises(InputError, match=rf"{environment}: does not match its checksum"):
            study(tmp_path / "stopped", 2)
    shutil.rmtree(run)
    assert told(study(tmp_path / "stopped", 2)[1]) == told(undisturbed[2])


def test_a_measured_run_that_cannot_be_read_ends_the_call_and_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(run: Path, measure: str) -> float:
        raise InputError(f"{run / 'metrics.jsonl'}: cannot be read")

    with monkeypatch.context() as disk:
        disk.setattr(tuner, "final_measure", unreadable)
        with pytest.raises(InputError, match=r"metrics\.jsonl: cannot be read"):
            study(tmp_path, 1)
    [trial] = study(tmp_path, 1)[1]
    assert (trial.state, trial.error) == ("finished", None)


def test_a_world_model_with_nothing_to_rank_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unranked(RunFolder):
        def load_tensors(self, name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
            return {}, {"fit": {"held_out_ranking": None}}

    monkeypatch.setattr("darlr.tuning.measure.RunFolder", Unranked)
    _, trials = study(tmp_path, 1, space="world_model.learning_rate: [1e-6, 0.01]", epochs=False)
    assert [trial.state for trial in trials] == ["failed"]
    assert "its world model held out no two rows of one user" in (trials[0].error or "")


def test_settings_that_contradict_each_other_fail(tmp_path: Path) -> None:
    space = "tracker.heads: [1, 4]\ntracker.width: [48, 9]\n"
    _, trials = study(tmp_path, 4, space=space, tracker={"kind": "transformer"})
    failed = {tuple(trial.settings.values()): trial.error for trial in trials if trial.state == "failed"}
    assert failed.keys() == {(4, 9)}
    assert failed[(4, 9)] == "config key 'tracker.width' is 9; expected a positive multiple of tracker.heads (4)"
    assert sum(trial.state == "finished" for trial in trials) == 3


def test_every_seed_of_a_trial_counts(tmp_path: Path) -> None:
    _, trials = study(tmp_path, 2, seeds=(3, 4))
    for trial in trials:
        curves = [measured(RunFolder.open(Path(run)).metrics(), RETURN) for run in trial.runs]
        assert [RunFolder.open(Path(run)).config()["seed"] for run in trial.runs] == [3, 4]
        assert trial.value == pytest.approx(sum(curve[-1] for curve in curves) / 2)
        assert trial.epochs == 6


def test_world_models_are_measured_by_their_ranking_of_held_out_rows(tmp_path: Path) -> None:
    space = "world_model.learning_rate: [1e-6, 0.01]"
    with pytest.raises(InputError, match="the epochs of learning are given, but a space of the world model alone"):
        study(tmp_path, 2, space=space)
    design, trials = study(tmp_path, 2, space=space, epochs=False)
    assert design.measure == "held_out_ranking"
    by_rate = {trial.settings["world_model.learning_rate"]: trial for trial in trials}
    for rate, trial in by_rate.items():
        run = RunFolder.open(Path(trial.runs[0]))
        assert run.config()["world_model"]["learning_rate"] == rate
        _, state = run.load_tensors("world_model")
        assert trial.value == state["fit"]["held_out_ranking"]
    assert best_of(trials) is by_rate[0.01]
    written = yaml.safe_load((design.folder(tmp_path) / "best.yaml").read_text())
    assert written["training"] == {"steps_per_epoch": 60, "environments": 10}  # as given, not as measured
