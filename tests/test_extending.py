"""docs/extending.md: its blocks are one program, which runs; its table names existing parts."""

import re
from pathlib import Path

import pytest

import darlr
import darlr.testing
from tests.commands import Home
from tests.runs import REPOSITORY

TEXT = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow  # they check what they define, with runs
def test_its_blocks_run(tmp_path: Path) -> None:
    """In a separate process, because their registrations must not reach other tests."""
    program = tmp_path / "extending.py"
    program.write_text("\n".join(BLOCK.findall(TEXT)), encoding="utf-8")
    ended = Home(tmp_path, []).python(program)
    assert ended.returncode == 0, ended.stderr


def test_its_table_names_what_is_there() -> None:
    calls = set(re.findall(r"`darlr\.(register_\w+)\(", TEXT))
    assert calls == {name for name in darlr.__all__ if name.startswith("register_")}
    checks = set(re.findall(r"`(check_\w+)\(", TEXT))
    assert checks == set(darlr.testing.__all__)
