"""The search for finished runs, and groups of runs that differ in their seed alone."""

import csv
from pathlib import Path

import pytest

from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.report.analysis.runs import Repeat, collect, renamed, to_long_csv
from darlr.report.rendering.tables import general_notes
from tests.report.folders import write_recorded, write_run


def test_seeds_belong_together_and_settings_tell_groups_apart(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        write_run(tmp_path, "dorl", seed)
    for references in (20, 5, 10):
        write_run(tmp_path, "darlr", settings={"selector": {"references": references, "pool": 100}})
    write_run(tmp_path, "dorl", dataset="yahoo")
    collection = collect([tmp_path])
    assert list(collection.groups) == ["coat", "yahoo"]
    assert {group.label: [run.seed for run in group.runs] for group in collection.groups["coat"]} == {
        "darlr selector.references=5": [0],
        "darlr selector.references=10": [0],
        "darlr selector.references=20": [0],
        "dorl": [0, 1, 2],
    }
    assert [group.label for group in collection.groups["coat"]][:3] == [
        "darlr selector.references=5",
        "darlr selector.references=10",
        "darlr selector.references=20",
    ]


def test_a_row_names_the_settings_that_most_rows_do_not_have(tmp_path: Path) -> None:
    for values in ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 3}):
        write_run(tmp_path, "darlr", settings=values)
    assert [group.label for group in collect([tmp_path]).groups["coat"]] == [
        "darlr",
        "darlr b=2",
        "darlr b=3",
        "darlr a=2",
        "darlr a=3",
    ]


def test_settings_that_a_version_lacks_name_a_row_only_where_nothing_else_does(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", settings={"a": 1})
    write_run(tmp_path, "dorl", settings={"a": 2, "new": 5})
    write_run(tmp_path, "mbpo", settings={"a": 1})
    write_run(tmp_path, "mbpo", settings={"a": 1, "new": 5})
    labels = [group.label for group in collect([tmp_path]).groups["coat"]]
    assert labels == ["dorl a=1", "dorl a=2", "mbpo new=5", "mbpo new=absent"]


def test_runs_judged_otherwise_are_kept_apart(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", dataset="shop")
    write_recorded(tmp_path, "dorl", 1, [{"held_out/greedy/ndcg_10": 0.5}], dataset="shop")
    write_recorded(tmp_path, "dorl", 0, [{"held_out/greedy/ndcg_10": 0.5}], dataset="log")
    assert sorted(collect([tmp_path]).groups) == ["log", "shop", "shop without its truth"]


def test_unfinished_runs_are_counted_and_versions_named(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", 0)
    write_run(tmp_path, "dorl", 1, returns=None)
    write_run(tmp_path, "mbpo", 0, version="0.2.0")
    collection = collect([tmp_path])
    assert collection.unfinished == 1
    assert collection.versions == ["0.1.0", "0.2.0"]


def test_a_run_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write_run(tmp_path, "dorl")
    collection = collect([tmp_path, path])
    assert [len(group.runs) for group in collection.groups["coat"]] == [1]


def own(out: Path, seed: int, folder: str, **hashes: str) -> Path:
    """A run on the data set in `folder` with these `hashes`, in the folder `mine` below `out`."""
    data = {f"{name}.csv": found for name, found in hashes.items()}
    return write_run(out, "dorl", seed, dataset="mine", data=data, settings={"dataset": folder})


def seeds(places: list[Path]) -> dict[str, list[list[int]]]:
    """Return the seeds of the rows of every data set."""
    return {
        dataset: [[run.seed for run in group.runs] for group in groups] for dataset, groups in collect(places).groups.items()
    }


def test_own_data_go_by_their_own_name_where_they_were_trained_and_else_by_their_folders(tmp_path: Path) -> None:
    path = own(tmp_path / "runs", 0, "/data/shop")
    assert list(collect([path]).groups) == ["shop"]
    (tmp_path / "runs" / "mine" / "world-models").mkdir()
    assert list(collect([tmp_path]).groups) == list(collect([path]).groups) == ["mine"]


def test_other_data_under_the_same_name_are_other_data_sets(tmp_path: Path) -> None:
    own(tmp_path / "a", 0, "/a/mine", log="1" * 64, items="ff")
    own(tmp_path / "b", 0, "/b/mine", log="2" * 64, items="ff")
    own(tmp_path / "b", 1, "/b/mine", log="2" * 64, items="ff")
    assert seeds([tmp_path / "a", tmp_path / "b"]) == {
        "mine (log.csv with SHA-256 111111111111...)": [[0]],
        "mine (log.csv with SHA-256 222222222222...)": [[0, 1]],
    }


def test_a_data_set_that_changed_between_seeds_is_not_pooled(tmp_path: Path) -> None:
    for seed, items in enumerate(("a", "a", "b")):
        own(tmp_path, seed, "/data/mine", log="f", items=items)
    expected = {"mine (items.csv with SHA-256 a...)": [[0, 1]], "mine (items.csv with SHA-256 b...)": [[2]]}
    assert seeds([tmp_path]) == expected
    own(tmp_path, 3, "/data/mine", log="e", items="a")
    assert [len(rows) for rows in seeds([tmp_path]).values()] == [1, 1, 1]


def test_the_same_data_in_two_places_are_one(tmp_path: Path) -> None:
    own(tmp_path / "a", 0, "/here/mine", log="1", items="f")
    own(tmp_path / "b", 1, "/there/mine", log="1", items="f")
    assert seeds([tmp_path / "a", tmp_path / "b"]) == {"mine": [[0, 1]]}


def generated(out: Path, found: str, **settings: int | str) -> None:
    write_run(out, "dorl", dataset="synthetic", settings={"synthetic": settings}, data={"synthetic": found})


def test_logs_that_settings_generate_are_rows_of_one_world(tmp_path: Path) -> None:
    for selection, found in (("free", "a"), ("forced", "b")):
        generated(tmp_path, found, selection=selection)
    assert [group.label for group in collect([tmp_path]).groups["synthetic"]] == [
        "dorl synthetic.selection=forced",
        "dorl synthetic.selection=free",
    ]


def test_worlds_that_settings_generate_are_different_data_sets(tmp_path: Path) -> None:
    for users, found in ((40, "a"), (80, "b")):
        generated(tmp_path, found, users=users)
    assert seeds([tmp_path]) == {"synthetic (synthetic.users=40)": [[0]], "synthetic (synthetic.users=80)": [[0]]}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such folder"):
        collect([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no finished run in it; expected folders with summary\.json"):
        collect([tmp_path / "empty"])
    write_run(tmp_path / "begun", "dorl", returns=None)
    with pytest.raises(InputError, match=r"begun: no finished run in it \(1 begun\)"):
        collect([tmp_path / "begun"])


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("a: 1\n")
    with pytest.raises(InputError, match=r"mine: not a darlr run \(environment\.json missing\)"):
        collect([tmp_path])


def test_a_summary_of_another_shape_is_named(tmp_path: Path) -> None:
    with RunFolder.open(write_run(tmp_path, "dorl")) as folder:
        folder.write_summary({"return": 3})
    with pytest.raises(InputError, match=r"summary\.json: 'epochs' is missing; expected what this version of darlr writes"):
        collect([tmp_path])


@pytest.mark.parametrize(("returns", "same"), [((70.0, 74.0), True), ((70.0, 75.0), False)])
def test_the_same_run_in_two_folders_counts_once_and_is_told(tmp_path: Path, returns: tuple[float, float], same: bool) -> None:
    first = write_run(tmp_path / "a", "dorl", returns=(70.0, 74.0))
    second = write_run(tmp_path / "b", "dorl", returns=returns)
    collection = collect([tmp_path / "a", tmp_path / "b"])
    assert [run.path for run in collection.runs()] == [first]
    assert collection.repeats == (Repeat(first, second, same),)
    [note] = general_notes(collection)
    assert f"{second}" in note
    assert ("has other numbers" in note) != same


def test_every_number_in_one_long_table(tmp_path: Path) -> None:
    path = write_run(tmp_path, "dorl", seed=3, returns=[70.0, 74.0])
    rows = list(csv.DictReader(to_long_csv(collect([tmp_path])).splitlines()))
    [row] = [
        row
        for row in rows
        if (row["policy"], row["metric"], row["statistic"]) == ("sampled", "r_tra", "paper") and row["mode"] == "nx_0"
    ]
    assert (row["dataset"], row["method"], row["settings"], row["seed"]) == ("coat", "dorl", "", "3")
    assert float(row["mean"]) == 72.0
    assert float(row["std"]) == pytest.approx(8**0.5)
    assert row["run"] == str(path)
    assert len(rows) == 9  # three metrics in three statistics


def test_rows_are_renamed_and_stay_what_they_are(tmp_path: Path) -> None:
    write_run(tmp_path, "dorl", settings={"a": 1})
    write_run(tmp_path, "dorl", settings={"a": 2})
    write_run(tmp_path, "mbpo")
    collection = collect([tmp_path])
    found = renamed(collection, {"dorl a=1": "ours", "mbpo": "MBPO"}, "names.yaml")
    assert [group.label for group in found.groups["coat"]] == ["ours", "dorl a=2", "MBPO"]
    assert [group.method for group in found.groups["coat"]] == ["dorl", "dorl", "mbpo"]
    rows = list(csv.DictReader(to_long_csv(found).splitlines()))
    assert {row["settings"] for row in rows} == {"a=1", "a=2", ""}
    with pytest.raises(InputError, match=r"^names\.yaml: unknown row 'mbop'; did you mean 'mbpo'\?"):
        renamed(collection, {"mbop": "MBPO"}, "names.yaml")
    with pytest.raises(InputError, match=r"^names\.yaml: two rows of coat are called 'dorl a=2'"):
        renamed(collection, {"dorl a=1": "dorl a=2"}, "names.yaml")
