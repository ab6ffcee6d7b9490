"""One writer at a time, even after a process was killed."""

import os
import signal
import threading
from pathlib import Path

import pytest

from darlr.artifacts.locks import sole_writer
from darlr.errors import RunError


def test_nothing_stays_but_what_was_written(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "new" / "model", pytest.fail):
        (tmp_path / "new" / "model").write_text("whole")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["model"]


def test_many_writers_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("0")
    waited = []

    def count_up() -> None:
        for _ in range(20):
            with sole_writer(path, lambda: waited.append(True)):
                number = int(path.read_text())
                path.write_text("")  # what nobody else may see
                path.write_text(str(number + 1))

    writers = [threading.Thread(target=count_up) for _ in range(8)]
    with sole_writer(path, pytest.fail):
        for writer in writers:
            writer.start()
        while len(waited) < len(writers):
            assert path.read_text() == "0"
    for writer in writers:
        writer.join()
    assert path.read_text() == "160"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_blocks_nobody_and_what_it_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    partial, others = tmp_path / ".model.1234.partial", tmp_path / ".model2.5678.partial"
    others.touch()
    child = os.fork()
    if child == 0:
        with sole_writer(path, lambda: None):
            partial.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert partial.exists()
    with sole_writer(path, pytest.fail):
        assert not partial.exists()
    assert list(tmp_path.iterdir()) == [others]


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = r"file/model: cannot be locked for writing \(.*/file is a file; expected a folder\)"
    with pytest.raises(RunError, match=message), sole_writer(tmp_path / "file" / "model", lambda: None):
        pass
