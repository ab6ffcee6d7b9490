"""Files that are whole or absent."""

import errno
import re
from pathlib import Path

import pytest

from darlr.artifacts import write_bytes
from darlr.artifacts.files import reason
from darlr.errors import RunError


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_folder_without_a_name_is_refused_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=rf"^{re.escape(name)}: cannot be written \(Is a directory\)"):
        write_bytes(Path(name), b"x")
    assert list(tmp_path.iterdir()) == []


def test_failure_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(RunError, match="taken: cannot be written"):
        write_bytes(tmp_path / "taken", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    assert list((tmp_path / "taken").iterdir()) == []


def test_a_place_in_which_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file/sub/a: cannot be written \(.*/file is a file; expected a folder\)$"):
        write_bytes(tmp_path / "file" / "sub" / "a", b"x")
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory")  # what some systems say of a place like /proc
    assert reason(tmp_path / "none" / "a", missing) == f"nothing can be made in {tmp_path}"
    assert reason(tmp_path / "a", PermissionError(errno.EACCES, "Permission denied")) == "Permission denied"
