"""`darlr train`: what it prints and leaves, and what it refuses."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from darlr import __version__ as darlr_version
from darlr.cli.main import COMMANDS
from tests.cli.conftest import Command


def written(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.mark.usefixtures("drawn_pictures")
def test_prints_tables_and_leaves_a_run_folder(darlr: Command, small: list[str]) -> None:
    ended = darlr("train", "--method", "mbpo", "--seed", 3, *small)
    assert ended.code == 0
    for text in ("mbpo on synthetic, NX_0", "R_tra", "all epochs", "mbpo and static policies", "truth oracle", "steps/s"):
        assert text in ended.out
    assert "policy: epoch 3/3" in ended.err
    [config] = Path("runs").rglob("config.yaml")
    run = config.parent
    assert str(run) in ended.out
    assert run.parent == Path("runs/synthetic/mbpo")
    assert run.name.endswith("-s3")
    assert written(run) == [
        ".lock",
        "checkpoint.safetensors",
        "config.yaml",
        "environment.json",
        "history.safetensors",
        "learning_curve.png",
        "metrics.jsonl",
        "policy.safetensors",
        "summary.json",
        "user_returns.parquet",
        "world_model.safetensors",
    ]
    assert (run / "learning_curve.png").stat().st_size > 10_000  # curves, not a blank


@pytest.mark.parametrize("method", ["ucb", "epsilon-greedy"])
def test_a_method_that_learns_nothing_has_tables_and_no_speed(darlr: Command, small: list[str], method: str) -> None:
    ended = darlr("train", "--method", method, *small)
    assert ended.code == 0
    assert "policy: epoch 3/3, sampled " in ended.err
    assert f"{method} on synthetic, NX_0" in ended.out
    assert "\npeak memory " in ended.out
    assert "steps/s" not in ended.out + ended.err


def test_options_go_before_the_file(darlr: Command, small: list[str]) -> None:
    Path("mine.yaml").write_text("method: mopo\ntraining: {epochs: 9}\na2c: {discount: 0.5}\n")
    options = [word for word in small if not word.startswith("training.epochs")]
    del options[options.index("--set", options.index("policy.hidden_sizes=[8]"))]
    ended = darlr("train", "--config", "mine.yaml", "--epochs", 1, "--out", "there", *options)
    assert ended.code == 0
    [config] = Path("there").rglob("config.yaml")
    text = config.read_text()
    assert "method: mopo" in text
    assert "epochs: 1\n" in text
    assert "discount: 0.5" in text


def test_without_settings_it_is_the_quick_start(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("quick.yaml").write_text(
        "method: mbpo\nsynthetic: {users: 40, items: 50}\nworld_model: {members: 2, hidden_sizes: [8], max_epochs: 2}\n"
        "training: {epochs: 9, steps_per_epoch: 60, environments: 10}\nevaluation: {episodes: 10}\n"
    )
    monkeypatch.setattr("darlr.run.presets.FIRST", Path("quick.yaml"))
    ended = darlr("train", "--epochs", 1, "--seed", 2)
    assert ended.code == 0
    assert ended.err.startswith("note: this is the quick start, a small world and a short schedule, as with --config first\n")
    assert "mbpo on synthetic" in ended.out
    again = darlr("train", "--epochs", 1, "--seed", 2, "--config", "quick.yaml")  # the same run, found finished
    assert (again.code, again.err) == (0, "")


def test_the_quick_start_has_a_name(darlr: Command, small: list[str]) -> None:
    options = [word for pair in zip(small[::2], small[1::2], strict=True) if "synthetic" not in pair[1] for word in pair]
    assert darlr("train", "--config", "first", "--method", "mbpo", *options).code == 0
    [config] = Path("runs").rglob("config.yaml")
    assert "users: 300" in config.read_text()


def test_a_log_without_truth_is_judged_on_held_out_rows_and_says_so(darlr: Command, planted: Path) -> None:
    folder = Path("own")
    folder.mkdir()
    for name in ("log.csv", "items.csv", "dataset.yaml"):
        (folder / name).write_text((planted / "planted" / name).read_text().replace(", truth: truth.csv", ""))
    small = ["--set", "training.steps_per_epoch=50", "--set", "world_model.max_epochs=1"]
    ended = darlr("train", "--dataset", "./own", "--method", "mbpo", "--epochs", 2, *small)
    assert ended.code == 0
    assert "note: the data set has no truth, so the policy is judged on held-out log rows only" in ended.err
    assert "mbpo on own, held-out log rows (no truth)" in ended.out
    assert "NDCG@10" in ended.out
    assert "popular" in ended.out


def test_a_path_to_the_data_means_the_same_everywhere(
    darlr: Command, planted: Path, small: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop = shutil.copytree(planted / "planted", tmp_path / "shop")
    options = [word for pair in zip(small[::2], small[1::2], strict=True) if "synthetic" not in pair[1] for word in pair]
    runs = tmp_path / "runs"
    assert darlr("train", "--dataset", "../shop", "--method", "mbpo", "--out", runs, *options).code == 0
    monkeypatch.chdir(shop)
    again = darlr("train", "--dataset", ".", "--method", "mbpo", "--out", runs, *options)
    assert again.code == 0
    assert all(line.startswith("note: ") for line in again.err.splitlines())  # finished: nothing is fitted or learned
    [config] = runs.rglob("config.yaml")
    assert darlr("evaluate", config.parent, "--mode", "nx_10").code == 0


REFUSED = [
    (["--dataset", "synthetik"], "unknown data set 'synthetik'; did you mean 'synthetic'?"),
    (["--dataset", "coat"], "data set 'coat' is not complete: train.ascii"),
    (["--dataset", "./nowhere"], "nowhere: no such folder"),
    (["--data-dir", "nowhere", "--dataset", "mine"], "unknown data set 'mine'"),
    (["--method", "drol"], "unknown method 'drol'; did you mean 'dorl'?"),
    (["--set", "a2c.discout=0.5"], "unknown config key 'a2c.discout'; did you mean 'a2c.discount'?"),
    (["--set", "a2c.discount=2"], "config key 'a2c.discount' is 2.0; expected from 0 to 1"),
    (["--set", "a2c.discount"], "override 'a2c.discount': expected KEY=VALUE"),
    (["--seed", "-1"], "config key 'seed' is -1; expected 0 or more"),
    (["--epochs", "0"], "config key 'training.epochs' is 0; expected from 1 to 1,000,000"),
    (["--threads", "0"], "--threads is 0; expected from 1 to 1,024"),
    (["--config", "nowhere.yaml"], "nowhere.yaml: no such file"),
    (["--seed", "1", "--set", "seed=2"], "'seed' is given both by --seed and by --set; expected it once"),
    (["--set", "training=5", "--epochs", "3"], "config key 'training' is 5; expected a mapping of keys to values"),
    (["--epochs", "1", "--set", "training.epochs=2"], "'training.epochs' is given both by --epochs and by --set"),
    (
        ["--method", "mbpo", "--set", "reward.entropy_weight=1"],
        "config key 'reward.entropy_weight' is 1.0, but method 'mbpo' is defined by 0.0",
    ),
    (["--set", "leave.max_steps=501"], "recommends up to 501 items, but the test world has 500"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_input_is_one_line_and_leaves_nothing(darlr: Command, options: list[str], message: str) -> None:
    ended = darlr("train", *options)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("darlr: ")
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["train", "--tread", "2"], ["Unrecognized options: --tread", "--threads"]),
        (["train", "--seed", "two"], ["--seed: 'two' is no whole number"]),
        (["train", "--device", "tpu"], ["invalid choice 'tpu'", "'auto', 'cpu', 'cuda'"]),
        (["train", "--dataset"], ["Missing value for argument '--dataset'"]),
        (["trian"], ["trian", "train"]),
        (
            [],
            [f"Expected one of {{{', '.join(COMMANDS)}}}"],
        ),
        (["evaluate"], ["Missing from darlr evaluate", "RUN"]),
    ],
)
def test_wrong_options_are_named(darlr: Command, arguments: list[str], texts: list[str]) -> None:
    ended = darlr(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    flat = " ".join(ended.err.replace("│", " ").split())
    for text in texts:
        assert text in flat


@pytest.mark.parametrize("command", ["train", "sweep", "evaluate", "recommend", "datasets", "check"])
def test_every_command_explains_itself(darlr: Command, command: str) -> None:
    assert command in darlr("--help").out
    ended = darlr(command, "--help")
    assert ended.code == 0
    assert "--data-dir" in ended.out or command == "recommend"  # a run holds all that it takes to serve
    assert "None" not in ended.out
    assert "(default: )" not in ended.out


def test_a_file_that_has_no_keys_below_training_is_refused_with_epochs_too(darlr: Command) -> None:
    Path("mine.yaml").write_text("training: 5")
    ended = darlr("train", "--config", "mine.yaml", "--epochs", 3)
    assert (ended.code, ended.err) == (2, "darlr: config key 'training' is 5; expected a mapping of keys to values\n")


def test_a_place_that_cannot_be_written_is_refused(darlr: Command, small: list[str]) -> None:
    Path("results").write_text("mine")
    ended = darlr("train", "--out", "results", *small)
    assert ended.code == 2
    assert "is a file; expected a folder)" in ended.err
    assert Path("results").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc, where nothing can be made")
def test_a_place_where_nothing_can_be_made_is_told_as_such(darlr: Command, small: list[str]) -> None:
    ended = darlr("train", "--out", "/proc/here/runs", *small)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("cannot be used as a run folder (nothing can be made in /proc)\n")


OTHER_DATA = f'{{"darlr": "{darlr_version}", "data": {{"synthetic": "0"}}}}'


def test_a_foreign_or_changed_run_folder_is_refused_and_left_alone(darlr: Command, small: list[str]) -> None:
    assert darlr("train", *small).code == 0
    [config] = Path("runs").rglob("config.yaml")
    for name, text, message in (
        (
            "config.yaml",
            config.read_text().replace("discount: 0.9", "discount: 0.8"),
            "was edited since the run began",
        ),
        ("environment.json", OTHER_DATA, "started on other data ('synthetic' has changed)"),
        ("environment.json", '{"darlr": "0.0.9"}', f"holds a run of darlr 0.0.9, and this is {darlr_version}; choose another"),
        ("environment.json", "{}", "is no darlr run; choose a new or empty folder"),
        ("checkpoint.safetensors", "", "checkpoint.safetensors: cannot be used, it is cut short"),
        ("metrics.jsonl", "", "expected one for each of the epochs 1 to 3"),
    ):
        file = config.with_name(name)
        whole = file.read_bytes()
        file.write_text(text)
        ended = darlr("train", *small)
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err.splitlines()[-1]
        assert file.read_text() == text
        file.write_bytes(whole)
    assert darlr("train", *small).code == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("a2c.learning_rate=1e30", "-s0, epoch 1: the policy loss is nan; stopped"),
        ("world_model.learning_rate=1e20", "world model, epoch 1: the held-out loss is"),
    ],
)
def test_a_loss_that_is_no_number_stops_the_run(darlr: Command, small: list[str], setting: str, message: str) -> None:
    ended = darlr("train", *small, "--set", setting)
    assert ended.code == 3
    assert ended.out == ""
    assert ended.err.splitlines()[-1].startswith("darlr: ")
    assert message in ended.err.splitlines()[-1]
    assert not list(Path("runs").rglob("policy.safetensors"))


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path, small: list[str]) -> None:
    endless = [option.replace("training.epochs=3", "training.epochs=100000") for option in small]
    command = [sys.executable, "-m", "darlr.cli.main", "train", *endless, "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("world model: epoch 1 of at most ") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        lines = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert lines[-1].startswith("darlr: interrupted; the same command goes on from the last finished epoch, or within a")
    assert not any("Traceback" in line for line in lines)


def test_a_closed_pipe_ends_a_command_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "darlr.cli.main", "datasets", "--data-dir", str(tmp_path)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (-signal.SIGPIPE, b"")


def test_without_tensorboard_one_line_says_how_to_get_it(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    ended = darlr("train", "--tensorboard")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "darlr: --tensorboard needs TensorBoard; install it with: pip install 'darlr[tb]'\n"
    assert list(Path().iterdir()) == []


def test_event_files_are_written_where_they_are_asked_for(darlr: Command, small: list[str]) -> None:
    assert darlr("train", "--method", "mbpo", "--tensorboard", *small).code == 0
    [run] = Path("runs/synthetic/mbpo").iterdir()
    assert len(list((run / "tensorboard").glob("events.out.tfevents.*"))) == 1
    assert "tensorboard" not in (run / "config.yaml").read_text()
