"""A run that was killed and resumed ends like an undisturbed one, bit for bit."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from darlr.errors import InputError
from tests.runs import Listener, TrainedOnce, output_of, results, train_small

# The file whose writing is cut short, and for the how many-th time: its bytes may be on disk, but not under its name.
WRITES = [
    (".environment.json", 1),
    (".config.yaml", 1),
    (".world_model.safetensors", 1),
    ("metrics.jsonl", 1),
    (".policy.safetensors", 1),
    (".checkpoint.safetensors", 1),
    ("metrics.jsonl", 2),
    (".checkpoint.safetensors", 3),
    (".learning_curve.png", 1),
    (".summary.json", 1),
]
DURING_THE_FIT, AFTER_AN_EPOCH, UNDISTURBED = "fit", "epoch", "undisturbed"
MOMENTS = [f"{name} {count}" for name, count in WRITES] + [DURING_THE_FIT, AFTER_AN_EPOCH]


def test_a_fit_that_was_killed_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from pathlib import Path
        import torch
        from darlr.run import fit_checkpoints, training
        from tests.runs import Listener, save_blank, train_small

        torch.set_num_threads(1)
        training.save_figure = save_blank
        fit_checkpoints.SECONDS_BETWEEN = 0.0
        listener = Listener()
        told = []

        def fitted(epoch, *_):
            told.append(epoch)
            if epoch == {{die_after}}:
                os.kill(os.getpid(), signal.SIGKILL)

        listener.fitted = fitted
        train_small(Path({str(tmp_path / "stopped")!r}), {{{{"world_model": {{{{"max_epochs": 4}}}}}}}}, listener=listener)
        print(told)
        """
    with pytest.raises(CalledProcessError) as killed:
        output_of(program.format(die_after=2))
    assert killed.value.returncode == -signal.SIGKILL
    [checkpoint] = tmp_path.rglob("*.checkpoint")
    assert output_of(program.format(die_after=0)).strip() == "[3, 4]"
    assert not checkpoint.exists()
    undisturbed = train_small(tmp_path / "undisturbed", {"world_model": {"max_epochs": 4}})
    resumed = {file.name: file.read_bytes() for file in (tmp_path / "stopped").rglob("world-models/*.safetensors")}
    assert resumed == {file.name: file.read_bytes() for file in (tmp_path / "undisturbed").rglob("world-models/*.safetensors")}
    [summary] = (tmp_path / "stopped").rglob("summary.json")
    assert results(summary.parent) == results(undisturbed.path)


class StoppedError(Exception):
    """The run was stopped from outside."""


class Stopping(Listener):
    """Stops the run after so many epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._last = epochs

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        if record["epoch"] == self._last:
            raise StoppedError


def stopped_after(epochs: int, out: Path) -> Path:
    """The folder of a small run that was stopped after so many epochs."""
    with pytest.raises(StoppedError):
        train_small(out, listener=Stopping(epochs))
    [checkpoint] = out.rglob("checkpoint.safetensors")
    return checkpoint.parent


def folder_of(root: Path, moment: str) -> Path:
    return root / moment.replace(" ", "-")


def die_in_children(root: Path) -> None:
    """Let a run end undisturbed, then start one for each of `MOMENTS` that kills its process then; all below `root`."""
    program = f"""
        import os, signal
        from pathlib import Path
        from darlr.run import training
        from tests.chaos.killing import warm_up
        from tests.run.test_resuming import AFTER_AN_EPOCH, DURING_THE_FIT, MOMENTS, UNDISTURBED, folder_of
        from tests.runs import Listener, save_blank, train_small

        training.save_figure = save_blank
        warm_up(Path({str(root)!r}) / "warm")

        def die(*_):
            os.kill(os.getpid(), signal.SIGKILL)

        def die_while_writing(name, count):
            sync, seen = os.fsync, 0
            def counted(descriptor):
                nonlocal seen
                seen += Path(os.readlink(f"/dev/fd/{{descriptor}}")).name.startswith(name)
                die() if seen == count else sync(descriptor)
            os.fsync = counted

        def run_and_die(moment):
            listener = Listener()
            if moment == DURING_THE_FIT:
                listener.fitted = die
            elif moment == AFTER_AN_EPOCH:
                listener.trained = die
            else:
                name, count = moment.split()
                die_while_writing(name, int(count))
            train_small(folder_of(Path({str(root)!r}), moment), listener=listener)

        for moment in [UNDISTURBED, *MOMENTS]:
            child = os.fork()
            if child == 0:
                if moment == UNDISTURBED:
                    train_small(folder_of(Path({str(root)!r}), UNDISTURBED))
                else:
                    run_and_die(moment)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if moment == UNDISTURBED:
                assert status == 0
                continue
            assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"{{moment}}: not killed"
        """
    output_of(program)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    die_in_children(root)
    return root


@pytest.fixture(scope="module")
def undisturbed(killed: Path) -> dict[str, Any]:
    [summary] = folder_of(killed, UNDISTURBED).rglob("summary.json")
    return results(summary.parent)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_ends_with_the_numbers_it_would_have_had(undisturbed: dict[str, Any], killed: Path, moment: str) -> None:
    out = folder_of(killed, moment)
    assert not list(out.glob("*/*/*/summary.json"))
    assert results(train_small(out).path) == undisturbed


def test_a_finished_run_is_not_trained_again(undisturbed: dict[str, Any], trained_once: TrainedOnce, tmp_path: Path) -> None:
    trained_once(tmp_path)
    listener = Listener()
    assert results(train_small(tmp_path, listener=listener).path) == undisturbed
    assert (listener.fits, listener.epochs) == (0, [])


def test_another_seed_gives_other_numbers(undisturbed: dict[str, Any], trained_once: TrainedOnce, tmp_path: Path) -> None:
    other = results(trained_once(tmp_path, {"seed": 1}).path)
    assert [record["simulator/sampled/r_tra"] for record in other["metrics"]] != [
        record["simulator/sampled/r_tra"] for record in undisturbed["metrics"]
    ]
    assert other["world_model.safetensors"] != undisturbed["world_model.safetensors"]


@pytest.mark.parametrize("name", ["checkpoint", "world_model"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_file_is_named_and_the_run_left_alone(
    trained_once: TrainedOnce, tmp_path: Path, name: str, damage: str
) -> None:
    finished = trained_once(tmp_path, {"training": {"epochs": 1}})
    file = finished.path / f"{name}.safetensors"
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[-7:]
    else:
        content[-7] ^= 1
    file.write_bytes(content)
    before = {entry.name: entry.read_bytes() for entry in finished.path.iterdir()}
    with pytest.raises(
        InputError, match=rf"{file.name}: cannot be used, .*; delete it and run the command that makes it again"
    ):
        train_small(tmp_path, {"training": {"epochs": 1}})
    assert {entry.name: entry.read_bytes() for entry in finished.path.iterdir()} == before


def test_a_checkpoint_of_another_config_is_refused(trained_once: TrainedOnce, tmp_path: Path) -> None:
    one = trained_once(tmp_path, {"training": {"epochs": 1}}).path
    other = train_small(tmp_path, {"training": {"epochs": 1}, "a2c": {"discount": 0.5}}).path
    shutil.copy(one / "checkpoint.safetensors", other)
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: made by a run of another config"):
        train_small(tmp_path, {"training": {"epochs": 1}, "a2c": {"discount": 0.5}})


def test_a_deleted_checkpoint_starts_the_learning_afresh(
    undisturbed: dict[str, Any], trained_once: TrainedOnce, tmp_path: Path
) -> None:
    finished = trained_once(tmp_path)
    (finished.path / "checkpoint.safetensors").unlink()
    listener = Listener()
    assert results(train_small(tmp_path, listener=listener).path) == undisturbed
    assert listener.epochs == [1, 2, 3]


@pytest.mark.parametrize("epochs", [2, 3])
def test_a_deleted_policy_starts_the_learning_afresh(undisturbed: dict[str, Any], tmp_path: Path, epochs: int) -> None:
    run = stopped_after(epochs, tmp_path)
    if epochs == 3:
        train_small(tmp_path)
    (run / "policy.safetensors").unlink()
    listener = Listener()
    assert results(train_small(tmp_path, listener=listener).path) == undisturbed
    assert listener.epochs == [1, 2, 3]
    assert f"{run}: policy.safetensors is missing beside the checkpoint, so learning begins again" in listener.notices


def test_learning_that_began_again_may_be_stopped_too(
    undisturbed: dict[str, Any], trained_once: TrainedOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained_once(tmp_path).path
    (run / "policy.safetensors").unlink()

    def stop(*_: object) -> None:
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr("darlr.run.training.save_learned", stop)  # the first policy is there, its checkpoint is not
        with pytest.raises(StoppedError):
            train_small(tmp_path)
    assert (run / "policy.safetensors").exists()
    assert not (run / "summary.json").exists()
    assert results(train_small(tmp_path).path) == undisturbed


def test_the_world_model_is_shared_by_runs_of_the_same_data(trained_once: TrainedOnce, tmp_path: Path) -> None:
    trained_once(tmp_path, {"training": {"epochs": 1}})
    listener = Listener()
    train_small(tmp_path, {"training": {"epochs": 1}, "method": "mbpo"}, listener=listener)
    assert listener.fits == 0
    train_small(tmp_path, {"training": {"epochs": 1}, "world_model": {"hidden_sizes": [9]}}, listener=listener)
    assert listener.fits > 0


def test_a_resumed_run_goes_on_with_its_own_world_model(trained_once: TrainedOnce, tmp_path: Path) -> None:
    finished = trained_once(tmp_path)
    undisturbed = results(finished.path)
    (finished.path / "checkpoint.safetensors").unlink()
    own, _ = shared_models(finished.path)
    own.write_bytes(b"another fit")
    assert results(train_small(tmp_path).path) == undisturbed


def test_a_damaged_factor_model_of_the_lists_is_named(trained_once: TrainedOnce, tmp_path: Path) -> None:
    finished = trained_once(tmp_path)
    (finished.path / "summary.json").unlink()
    _, of_lists = shared_models(finished.path)
    of_lists.write_bytes(b"another fit")
    with pytest.raises(InputError, match=rf"{of_lists.name}: cannot be used"):
        train_small(tmp_path)
    assert not (finished.path / "summary.json").exists()


def shared_models(run: Path) -> tuple[Path, Path]:
    """Return the files shared with other runs: the world model that `run` has a copy of, and that of its lists."""
    copy = (run / "world_model.safetensors").read_bytes()
    shared = sorted((run.parents[1] / "world-models").glob("*.safetensors"), key=lambda file: file.read_bytes() != copy)
    own, of_lists = shared
    return own, of_lists
