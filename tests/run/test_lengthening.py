"""A longer run continues a shorter one, and ends with the same results as if it had not."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.run import training as run
from tests.runs import Listener, results, train_small

ENVIRONMENT = {"darlr": "1", "git_revision": "abc", "device": "cpu"}


@pytest.fixture(scope="module")
def of_one_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a finished run of one epoch, made by a checkout without local changes; tests copy them."""
    out = tmp_path_factory.mktemp("short")
    with pytest.MonkeyPatch.context() as monkeypatch:
        surrounded(monkeypatch)
        train_small(out, epochs(1))
    return out


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make runs as in a checkout without local changes."""
    surrounded(monkeypatch)


def surrounded(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    def environment(device: object) -> dict[str, str]:
        return {**ENVIRONMENT, **changes}

    monkeypatch.setattr(run, "environment", environment)


def epochs(number: int, **others: Any) -> dict[str, Any]:
    return {"training": {"epochs": number}, **others}


class Stopping(Listener):
    """Stops the run after the first epoch that it learns."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        super().trained(record, epochs)
        raise KeyboardInterrupt


def first_epoch(out: Path, values: Mapping[str, Any]) -> int:
    """Return the epoch that a run of `values` learns first, given the files in `out`."""
    listener = Stopping()
    with pytest.raises(KeyboardInterrupt):
        train_small(out, values, listener=listener)
    [epoch] = listener.epochs
    return epoch


@pytest.mark.parametrize("method", [pytest.param("dorl", marks=pytest.mark.slow), "darlr", "sqn"])  # darlr learns as dorl, too
def test_it_ends_with_the_numbers_that_it_would_have_had(tmp_path: Path, method: str) -> None:
    settings = {"method": method, "offline": {"updates_per_epoch": 5, "batch_size": 32}}
    for number in (1, 2):
        shorter = train_small(tmp_path / "a", epochs(number, **settings))
    before = {file.name: file.read_bytes() for file in shorter.path.iterdir()}
    listener = Listener()
    longer = train_small(tmp_path / "a", epochs(4, **settings), listener=listener)
    assert listener.epochs == [3, 4]
    assert f"goes on from {shorter.path}, the same run with fewer epochs" in listener.notices
    assert results(longer.path) == results(train_small(tmp_path / "b", epochs(4, **settings)).path)
    assert {file.name: file.read_bytes() for file in shorter.path.iterdir()} == before


@pytest.mark.parametrize("changes", [{"git_revision": "def"}, {"device": "cuda"}, {"darlr": "2"}])
def test_other_code_or_devices_are_not_gone_on_from(
    of_one_epoch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    shutil.copytree(of_one_epoch, tmp_path, dirs_exist_ok=True)
    surrounded(monkeypatch, **changes)
    assert first_epoch(tmp_path, epochs(2)) == 1


def test_changed_sources_are_not_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surrounded(monkeypatch, git_revision="abc-dirty")
    train_small(tmp_path, epochs(1))
    assert first_epoch(tmp_path, epochs(2)) == 1


def test_other_settings_longer_and_unfinished_runs_are_not_gone_on_from(of_one_epoch: Path, tmp_path: Path) -> None:
    shutil.copytree(of_one_epoch, tmp_path, dirs_exist_ok=True)
    [summary] = tmp_path.rglob("summary.json")
    summary.unlink()
    train_small(tmp_path, epochs(1, a2c={"discount": 0.5}))
    train_small(tmp_path, epochs(1, seed=1))
    train_small(tmp_path, epochs(3))
    assert first_epoch(tmp_path, epochs(2)) == 1


@pytest.mark.parametrize("files", [{}, {"config.yaml": "a: ["}, {"config.yaml": "a: 1", "environment.json": "{}"}])
def test_what_is_no_run_beside_it_is_passed_over(of_one_epoch: Path, tmp_path: Path, files: dict[str, str]) -> None:
    shutil.copytree(of_one_epoch, tmp_path, dirs_exist_ok=True)
    [summary] = tmp_path.rglob("summary.json")
    stray = summary.parent.with_name("x-s0")
    stray.mkdir()
    for name, text in {"summary.json": "{}", **files}.items():
        (stray / name).write_text(text)
    assert first_epoch(tmp_path, epochs(2)) == 2
