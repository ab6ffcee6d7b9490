"""Files that are whole or absent."""

from pathlib import Path

import pytest

from darlr.artifacts import write_bytes
from darlr.errors import RunError


def test_failure_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(RunError, match="taken: cannot be written"):
        write_bytes(tmp_path / "taken", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    assert list((tmp_path / "taken").iterdir()) == []
