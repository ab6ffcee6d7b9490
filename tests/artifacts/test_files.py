"""Files that are whole or absent."""

import re
from pathlib import Path

import pytest

from darlr.artifacts import write_bytes
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
