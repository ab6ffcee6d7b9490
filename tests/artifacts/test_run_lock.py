"""One process at a time works on a run."""

from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from tests.artifacts.processes import kill, start
from tests.artifacts.runs import CONFIG, ENVIRONMENT


def test_one_holder_at_a_time(run: RunFolder) -> None:
    with pytest.raises(InputError, match="another process is working on this run"):
        RunFolder.create(run.path, CONFIG, ENVIRONMENT)
    run.close()
    RunFolder.create(run.path, CONFIG, ENVIRONMENT).close()


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    child = start(
        f"""
        from pathlib import Path
        from darlr.artifacts import RunFolder
        run = RunFolder.create(Path({str(tmp_path)!r}), {CONFIG!r}, {ENVIRONMENT!r})
        print("ready", flush=True)
        input()
        """
    )
    try:
        with pytest.raises(InputError, match="another process"):
            RunFolder.create(tmp_path, CONFIG, ENVIRONMENT)
    finally:
        kill(child)
    RunFolder.create(tmp_path, CONFIG, ENVIRONMENT).close()
