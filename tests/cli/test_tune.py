"""`darlr tune`: what it prints and leaves, its exit codes, and what it refuses."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from darlr.cli.tune import tell
from darlr.errors import RunError
from darlr.tuning.trials import Trial
from tests.cli.conftest import Command

SPACE = "a2c.learning_rate: [0.001, 0.01]\n"


def test_the_best_settings_train_a_run_and_a_sweep(darlr: Command, small: list[str]) -> None:
    Path("space.yaml").write_text(SPACE)
    options = ["--method", "mbpo", "--space", "space.yaml", "--trials", 5, "--epochs", 2, "--workers", 2]
    small = [word for pair in zip(small[::2], small[1::2], strict=True) if "epochs=3" not in pair[1] for word in pair]
    small += ["--set", "synthetic.seed=3"]  # the name of a key that a grid has elsewhere, too
    ended = darlr("tune", *options, *small)
    assert ended.code == 0, ended.err
    assert "mbpo on synthetic: 2 trials" in ended.out
    assert "referee/sampled/r_tra" in ended.out
    assert ended.out.count("(best)") == 1
    assert "[2/5] trial 2: " in ended.err
    assert "nx_0" not in ended.out + ended.err
    [study] = Path("tuning/synthetic/mbpo").glob("study-*")
    assert f"all trials: {study}/study.json" in ended.out

    before = ended.out
    again = darlr("tune", *options, *small)
    assert (again.code, again.out) == (0, before)
    assert "starts" not in again.err

    trained = darlr("train", "--config", study / "best.yaml", "--epochs", 1)
    assert trained.code == 0, trained.err
    [run] = Path("runs/synthetic/mbpo").glob("*/config.yaml")
    best = yaml.safe_load((study / "best.yaml").read_text())
    config = yaml.safe_load(run.read_text())
    assert config["a2c"]["learning_rate"] == best["a2c"]["learning_rate"]
    assert config["evaluation"]["referee"] is False
    planned = darlr("sweep", study / "sweep.yaml", "--dry-run")
    assert planned.code == 0
    assert "5 cells, 0 finished, 5 to do" in planned.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--judge", "snipps"], "unknown judge 'snipps'; did you mean 'snips'?"),
        (["--judge", "validation.json"], "validation.json: "),
        (["--trials", "0"], "--trials is 0; expected from 1 to 100,000"),
        (["--seeds", "0"], "--seeds is 0; expected from 1 to 1,000"),
        (["--workers", "0"], "--workers is 0; expected from 1 to 1,024"),
        (["--method", "drol"], "unknown method 'drol'"),
        (["--method", "gt"], "method 'gt' learns from the truth, which must not tune settings; expected another"),
        (["--dataset", "nowhere"], "unknown data set 'nowhere'"),
        (["--space", "space.yaml"], "space.yaml: unknown config key 'a2c.x'"),
        (["--space", "none.yaml"], "none.yaml: "),
        (["--out", "space.yaml"], "space.yaml: cannot be used for results (space.yaml is a file; expected a folder)"),
        (["--space", "world-model", "--epochs", "3"], "the epochs of learning are given, but a space of the world model alone"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(darlr: Command, options: list[str], message: str) -> None:
    Path("space.yaml").write_text("a2c.x: [1, 2]\n")
    ended = darlr("tune", *options)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"darlr: {message}")
    assert ended.err.count("\n") == 1
    assert [file.name for file in Path().iterdir()] == ["space.yaml"]


def test_without_optuna_one_line_says_how_to_get_it(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    ended = darlr("tune")
    assert (ended.code, ended.err) == (2, "darlr: `darlr tune` needs Optuna; install it with: pip install 'darlr[tune]'\n")
    assert list(Path().iterdir()) == []


def test_a_trial_that_has_not_ended_is_told_with_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    finished = Trial(1, {}, "finished", 2.0, 3, 1.0, (), None)
    died = Trial(2, {}, "begun", None, 0, 0.0, (), "its process was killed by SIGKILL; the same command goes on")
    with pytest.raises(RunError, match=r"^1 of 2 trials have not ended: trial 2: its process was killed by SIGKILL; the same"):
        tell(Path("study"), [finished, died])
    assert "best settings: study/best.yaml" in capsys.readouterr().out


def test_where_every_trial_fails_the_exit_code_says_so(darlr: Command, small: list[str]) -> None:
    Path("space.yaml").write_text("a2c.learning_rate: [1e30, 1e31]\n")
    ended = darlr("tune", "--method", "mbpo", "--space", "space.yaml", "--trials", 1, *small)
    assert ended.code == 3
    assert "best settings" not in ended.out
    assert ended.err.splitlines()[-1].startswith("darlr: no trial has finished (trial 1: tuning/synthetic/mbpo/")


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    settings = ["synthetic={users: 40, items: 50}", "world_model={members: 1, hidden_sizes: [8], max_epochs: 1}"]
    settings += ["training={steps_per_epoch: 60, environments: 10}", "evaluation.episodes=10"]
    command = [
        sys.executable,
        "-m",
        "darlr.cli.main",
        "tune",
        "--method",
        "mbpo",
        "--space",
        "space.yaml",
        "--epochs",
        "1000000",
    ]
    command += [word for setting in settings for word in ("--set", setting)]
    process = subprocess.Popen([*command, "--workers", "1"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    with process:
        while not list(tmp_path.rglob("checkpoint.safetensors")):
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        lines = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert lines[-1].startswith("darlr: interrupted; the same command goes on from the last finished epoch, or within a")
    assert not any("Traceback" in line for line in lines)
