"""Fixtures: a run, and a folder that cannot be used."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from tests.artifacts.runs import CONFIG, ENVIRONMENT


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may neither read nor write; root, who may do anything, becomes another user for the test."""
    tmp_path.chmod(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield tmp_path
    os.seteuid(user)
    tmp_path.chmod(0o700)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs" / "a", CONFIG, ENVIRONMENT)
