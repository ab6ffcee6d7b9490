"""The site, built once for all tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import REPOSITORY


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site; a broken link, an unlisted page and a warning of any kind end the build."""
    pytest.importorskip("mkdocs", reason="the site's tools are not installed: pip install darlr[docs]")
    folder = tmp_path_factory.mktemp("site")
    path = os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        check=False,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder
