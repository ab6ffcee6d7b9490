"""A named pipe in a file's place is refused without waiting."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from darlr.artifacts.locks import is_locked
from darlr.data.origin.cache import Cache
from darlr.data.origin.fetching import fetch_file
from darlr.data.origin.official import Official
from darlr.data.origin.partial import PartialFile
from darlr.data.parsing.files import require_file
from darlr.data.readers.folder import read_folder
from darlr.errors import DarlrError
from darlr.report.analysis.runs import collect
from darlr.serving.requests import read_requests
from tests.serving.test_requests import NUMBERS

OFFICIAL = Official("log.csv", "https://data.example", "free", ("log.csv",), url="http://localhost:9/log.csv")


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Interrupt a command that waits for the pipe."""

    def give_up(*_: object) -> None:
        raise TimeoutError("waited for a pipe")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def run_of(folder: Path, name: str) -> Path:
    RunFolder.create(folder, {"a": 1}, {"darlr": "1", "data": {}}).close()
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    return folder


def data_of(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv}\nreward: {feedback: ratings, minimum: 1, maximum: 5}\n"
    )
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    return folder


class Nobody:
    def received(self, done: int, total: int | None) -> None: ...
    def notice(self, text: str) -> None: ...


def fetched(folder: Path, name: str) -> None:
    folder.mkdir()
    os.mkfifo(folder / name)
    fetch_file(OFFICIAL, folder, Cache(folder / "cache"), Nobody())


def kept(folder: Path) -> None:
    folder.mkdir()
    partial = PartialFile(folder / "log.csv")
    os.mkfifo(partial.path)
    with partial:
        pass


def piped(folder: Path) -> Path:
    folder.mkdir()
    os.mkfifo(folder / "a.csv")
    return folder / "a.csv"


PLACES: dict[str, Callable[[Path], object]] = {
    "a run's config": lambda folder: RunFolder.open(run_of(folder, "config.yaml")),
    "a run's environment": lambda folder: RunFolder.open(run_of(folder, "environment.json")),
    "a run's metrics": lambda folder: RunFolder.open(run_of(folder, "metrics.jsonl")).metrics(),
    "a run's lock": lambda folder: RunFolder.create(run_of(folder, ".lock"), {"a": 1}, {"darlr": "1", "data": {}}),
    "a run's summary": lambda folder: collect([run_of(folder, "summary.json")]),
    "dataset.yaml": lambda folder: read_folder(data_of(folder, "dataset.yaml")),
    "interactions": lambda folder: read_folder(data_of(folder, "log.csv")),
    "a table": lambda folder: require_file(piped(folder)),
    "requests": lambda folder: read_requests(piped(folder), NUMBERS, NUMBERS),
    "a download's place": lambda folder: fetched(folder, "log.csv"),
    "a download's part": kept,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_pipe_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(DarlrError):
        PLACES[place](tmp_path / "folder")


def test_a_pipe_is_no_lock(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
