import json
from pathlib import Path

import pytest

from darlr.artifacts.pointer import Pointer, pointed
from darlr.errors import InputError


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        (tmp_path / "shop" / name).mkdir(parents=True)
    return tmp_path / "shop"


def served(runs: Path) -> Pointer:
    first = Pointer.read(runs / "serving").moved(runs / "one", "1f", "2026-01-01T00:00:00+00:00", "the first run", False)
    return first.moved(runs / "two", "2f", "2026-01-02T00:00:00+00:00", "a fix", True)


def test_points_to_the_last_run_and_keeps_those_before(runs: Path) -> None:
    served(runs)
    pointer = Pointer.read(runs / "serving")
    assert pointer.run == runs / "two"
    assert [(move.run, move.fingerprint, move.why, move.forced) for move in pointer.history] == [
        ("one", "1f", "the first run", False),
        ("two", "2f", "a fix", True),
    ]


def test_a_tree_of_runs_can_be_moved(runs: Path, tmp_path: Path) -> None:
    served(runs)
    moved = runs.rename(tmp_path / "elsewhere")
    assert pointed(moved / "serving") == moved / "two"


def test_a_run_folder_means_itself(runs: Path) -> None:
    assert pointed(runs / "one") == runs / "one"
    assert pointed(runs / "missing") == runs / "missing"
    assert Pointer.read(runs / "none").run is None


def test_refuses_a_pointer_whose_run_is_gone(runs: Path) -> None:
    served(runs)
    (runs / "two").rmdir()
    with pytest.raises(InputError, match=r"serving: points to .*two, which is no run folder; expected it to be put back"):
        pointed(runs / "serving")


def test_refuses_a_pointer_that_was_edited(runs: Path) -> None:
    served(runs)
    values = json.loads((runs / "serving").read_text())
    values["history"][-1]["run"] = "one"
    (runs / "serving").write_text(json.dumps(values))
    with pytest.raises(InputError, match="does not match its checksum: it was edited"):
        pointed(runs / "serving")


def test_a_line_written_by_hand_points_too_and_is_kept_in_the_history(runs: Path) -> None:
    (runs / "serving").write_text("one\n")
    assert pointed(runs / "serving") == runs / "one"
    Pointer.read(runs / "serving").moved(runs / "two", "2f", "2026-01-02T00:00:00+00:00", "not worse", False)
    assert [move.why for move in Pointer.read(runs / "serving").history] == ["written by hand", "not worse"]
    (runs / "absolute").write_text(str(runs / "two"))
    assert pointed(runs / "absolute") == runs / "two"


@pytest.mark.parametrize("content", ["", "hello", "[]", "{}", '{"history": []}'])
def test_refuses_another_file(runs: Path, content: str) -> None:
    (runs / "serving").write_text(content)
    with pytest.raises(InputError, match="serving: is neither a run folder nor a pointer to one"):
        pointed(runs / "serving")


def test_refuses_to_be_made_of_a_folder(runs: Path) -> None:
    with pytest.raises(InputError, match="one: is a folder; expected a pointer"):
        Pointer.read(runs / "one")
