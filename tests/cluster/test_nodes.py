"""Nodes that cannot do what this machine does, and what is said of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.errors import InputError

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr.cluster.folders import SharedFolder, shared
from darlr.cluster.nodes import require_same, versions, where_alike


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"results": False},
            "--ray: node n1 does not see the results folder {folder}; expected one that all nodes share (--out)",
        ),
        ({"locks": False}, "--ray: node n1 does not see other machines' locks in {folder}; expected a file system that shares"),
        ({"paths": []}, "--ray: node n1 does not see {folder}; expected data that all nodes share"),
        ({"versions": {"torch": "1"}}, "--ray: node n1 has torch 1, this machine 2; expected the same"),
    ],
)
def test_nodes_that_cannot_do_what_this_machine_does_are_refused(
    tmp_path: Path, change: Mapping[str, Any], message: str
) -> None:
    seen: dict[str, Any] = {"results": True, "locks": True, "paths": [tmp_path], "versions": {"torch": "2"}}
    results, needed = SharedFolder(tmp_path / "mark", "--out"), {tmp_path: "data that all nodes share"}
    require_same("n1", seen, {"torch": "2"}, results, needed)
    with pytest.raises(InputError) as refused:
        require_same("n1", {**seen, **change}, {"torch": "2"}, results, needed)
    assert str(refused.value).startswith(message.format(folder=tmp_path))


def test_a_task_does_not_work_where_the_versions_are_others() -> None:
    own = versions()
    assert where_alike(own, None, max, 2, 3) == 3
    with pytest.raises(InputError, match=r"has torch .*; expected 1\.0"):
        where_alike({**own, "torch": "1.0"}, None, max, 2, 3)


def test_a_task_does_not_work_where_the_results_are_not_seen(tmp_path: Path) -> None:
    with shared(tmp_path, "--output") as folder:
        assert where_alike(versions(), folder, max, 2, 3) == 3
    with pytest.raises(InputError, match=r"does not see the results folder .*; expected one that all nodes share \(--output\)"):
        where_alike(versions(), folder, max, 2, 3)


def test_marks_of_killed_processes_are_cleared_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / ".sees-old").touch()
    with shared(tmp_path, "--out") as one:
        assert not (tmp_path / ".sees-old").exists()
        with shared(tmp_path, "--out"):
            assert one.mark.is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_made_and_stays_empty_is_removed(tmp_path: Path) -> None:
    with shared(tmp_path / "new", "--out"):
        assert (tmp_path / "new").is_dir()
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: cannot be used for results"), shared(tmp_path / "file", "--out"):
        pass
