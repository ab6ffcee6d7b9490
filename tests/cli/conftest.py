"""The command line, called in this process."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darlr.cli.main import main
from darlr.config.loading import merge
from tests.runs import SMALL, SMALL_WORLD, train_small


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and its output."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def darlr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Command]:
    """`darlr("train", "--seed", 3)`, in an empty folder and with an empty folder of data sets."""
    (tmp_path / "data").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DARLR_DATA", str(tmp_path / "data"))

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["darlr", *map(str, arguments)])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    handler = signal.getsignal(signal.SIGPIPE)
    yield call
    signal.signal(signal.SIGPIPE, handler)


@pytest.fixture
def small() -> list[str]:
    """Options of `darlr train` for a run of about a second."""
    settings = merge(SMALL, SMALL_WORLD)
    del settings["method"]  # an option of its own
    flat = (f"{part}.{key}={value}" for part, values in settings.items() for key, value in values.items())
    return [word for pair in flat for word in ("--set", pair)]


@pytest.fixture(scope="session")
def run(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the data set `planted`."""
    return train_small(tmp_path_factory.mktemp("runs"), {"dataset": "planted"}, planted).path
