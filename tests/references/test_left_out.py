"""`darlr.references` can be deleted: all fair methods still run, and a request for the reference code's way is refused."""

import shutil
from collections.abc import Iterator

import pytest

from tests.commands import Home, small_settings
from tests.runs import REPOSITORY

PACKAGE = REPOSITORY / "src" / "darlr"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A folder in which `darlr` is a copy without `references`."""
    packages = tmp_path_factory.mktemp("packages")
    shutil.copytree(PACKAGE, packages / "darlr", ignore=shutil.ignore_patterns("references", "__pycache__"))
    with Home(tmp_path_factory.mktemp("home"), [packages]) as home:
        yield home


def test_the_copy_is_what_runs_and_has_no_references(home: Home) -> None:
    program = "import darlr, importlib.util as u; print(darlr.__file__, u.find_spec('darlr.references'))"
    [line] = home.python("-c", program).stdout.splitlines()
    assert line == f"{home.packages[0] / 'darlr' / '__init__.py'} None"


def test_everything_fair_runs(home: Home) -> None:
    few = {"selector": {"references": 3, "pool": 6, "width": 8}, "neighbours": {"users": 3}}
    home.darlr("train", "--method", "darlr", *small_settings("synthetic", few))
    replayed = {"offline": {"batch_size": 32, "updates_per_epoch": 3}}
    home.darlr("train", "--method", "crr", *small_settings("synthetic", replayed))
    home.darlr("train", "--method", "ucb", *small_settings("synthetic"))
    table = home.darlr("report", "runs")
    assert all(name in table for name in ("darlr", "crr", "ucb"))
    [run] = (home.folder / "runs" / "synthetic" / "darlr").iterdir()
    home.darlr("evaluate", run)
    home.darlr("recommend", run, "--users", 0)
    home.darlr("config", "--method", "crr")


@pytest.mark.parametrize("command", ["train", "config"])
def test_asking_for_the_references_is_refused(home: Home, command: str) -> None:
    expected = "config key 'reference_quirks' is true, but this copy of darlr has no 'references' folder; expected false"
    assert home.refused(command, "--set", "reference_quirks=true") == f"darlr: {expected}"
