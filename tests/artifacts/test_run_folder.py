"""Run folders: no file is half-written, and no other folder is taken for a run."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.artifacts import RunFolder
from darlr.errors import InputError, RunError
from tests.artifacts.processes import kill, start
from tests.artifacts.runs import CONFIG, ENVIRONMENT


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


class TestCreate:
    def test_holds_config_and_environment(self, run: RunFolder) -> None:
        again = RunFolder.open(run.path)
        assert again.config() == CONFIG
        assert again.environment() == ENVIRONMENT

    def test_a_config_that_was_read_is_not_trusted_to_stay(self, run: RunFolder) -> None:
        run.config()["seed"] = "changed by the reader alone"
        assert run.config() == CONFIG
        file = run.path / "config.yaml"
        file.write_text(file.read_text() + "more: 1\n")
        with pytest.raises(InputError, match=r"config\.yaml: was edited since the run began"):
            run.config()

    def test_resumes_the_same_run_and_keeps_its_first_environment(self, run: RunFolder) -> None:
        run.append_metrics({"epoch": 1, "x": 0.5})
        run.close()
        with RunFolder.create(run.path, CONFIG, ENVIRONMENT | {"python": "9"}) as resumed:
            assert resumed.metrics() == [{"epoch": 1, "x": 0.5}]
            assert resumed.environment() == ENVIRONMENT

    @pytest.mark.parametrize(
        ("config", "environment", "names"),
        [
            (CONFIG | {"a2c": {"discount": 0.8, "learning_rate": 1e-05}}, ENVIRONMENT, "'a2c.discount'"),
            (CONFIG | {"new": 1}, ENVIRONMENT, "'new'"),
            ({key: value for key, value in CONFIG.items() if key != "seed"}, ENVIRONMENT, "'seed'"),
            (CONFIG, ENVIRONMENT | {"data": {"train.ascii": "aa", "test.ascii": "cc"}}, "'test.ascii'"),
            (CONFIG, ENVIRONMENT | {"data": {"train.ascii": "aa"}}, "'test.ascii'"),
            (CONFIG, ENVIRONMENT | {"darlr": "9"}, r"a: holds a run of darlr 0\.1\.0, and this is 9; choose another folder"),
        ],
    )
    def test_refuses_another_config_other_data_or_another_version(
        self, run: RunFolder, config: dict[str, Any], environment: dict[str, Any], names: str
    ) -> None:
        run.close()
        before = contents(run.path)
        with pytest.raises(InputError, match=names):
            RunFolder.create(run.path, config, environment)
        assert contents(run.path) == before
        RunFolder.create(run.path, CONFIG, ENVIRONMENT).close()  # the refusal let the lock go

    @pytest.mark.parametrize("name", ["thesis.txt", "config.yaml", "environment.json"])
    def test_refuses_a_foreign_folder_and_leaves_it_alone(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("{}")
        before = contents(tmp_path)
        with pytest.raises(InputError, match=rf"holds other files \('{name}'\)"):
            RunFolder.create(tmp_path, CONFIG, ENVIRONMENT)
        assert contents(tmp_path) == before

    def test_refuses_another_programs_config_and_environment(self, tmp_path: Path) -> None:
        (tmp_path / "config.yaml").write_text("a: 1")
        (tmp_path / "environment.json").write_text("{}")
        with pytest.raises(InputError, match="no darlr run"):
            RunFolder.create(tmp_path, CONFIG, ENVIRONMENT)

    def test_refuses_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        with pytest.raises(InputError, match="cannot be used as a run folder"):
            RunFolder.create(tmp_path / "a", CONFIG, ENVIRONMENT)
        with pytest.raises(InputError, match="cannot be used as a run folder"):
            RunFolder.create(tmp_path / "a" / "b", CONFIG, ENVIRONMENT)

    def test_refuses_an_unwritable_place(self, unwritable: Path) -> None:
        with pytest.raises(InputError, match="Permission denied"):
            RunFolder.create(unwritable / "a", CONFIG, ENVIRONMENT)

    def test_finishes_a_creation_that_was_cut_short(self, tmp_path: Path) -> None:
        (tmp_path / ".lock").touch()
        (tmp_path / "environment.json").write_text('{"darlr": "0.1.0"}')
        (tmp_path / ".config.yaml.1.partial").write_text("data")
        with RunFolder.create(tmp_path, CONFIG, ENVIRONMENT) as run:
            assert run.config() == CONFIG
        assert sorted(contents(tmp_path)) == [".lock", "config.yaml", "environment.json"]


class TestOpen:
    def test_names_what_is_missing(self, run: RunFolder, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such run folder"):
            RunFolder.open(tmp_path / "nothing")
        (run.path / "config.yaml").unlink()
        with pytest.raises(InputError, match=r"config\.yaml missing"):
            RunFolder.open(run.path)

    @pytest.mark.parametrize("text", ["{", "[]", '{"a": NaN}', "\xff"])
    def test_refuses_a_malformed_environment(self, run: RunFolder, text: str) -> None:
        (run.path / "environment.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError, match=r"environment\.json"):
            RunFolder.open(run.path)

    def test_refuses_an_unreadable_place(self, unwritable: Path) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            RunFolder.open(unwritable / "a")

    def test_reads_while_another_works_on_it(self, run: RunFolder) -> None:
        run.append_metrics({"epoch": 1})
        assert RunFolder.open(run.path).metrics() == [{"epoch": 1}]


class TestJson:
    def test_round_trip(self, run: RunFolder) -> None:
        value = {"nx_0": {"mean": 0.1, "std": None}, "names": ["ü", "b"]}
        run.write_json("summary", value)
        assert RunFolder.open(run.path).read_json("summary") == value

    def test_refuses_nan_naming_the_entry_and_keeps_the_old_file(self, run: RunFolder) -> None:
        run.write_json("summary", {"a": 1})
        with pytest.raises(RunError, match=r"summary\.json: 'a\.b\[1\]' is nan"):
            run.write_json("summary", {"a": {"b": [1.0, math.nan]}})
        assert run.read_json("summary") == {"a": 1}


@pytest.mark.parametrize("left", [None, "", "first line"])
def test_a_summary_needs_every_record_that_it_is_made_of(run: RunFolder, left: str | None) -> None:
    for epoch in (1, 2):
        run.append_metrics({"epoch": epoch, "x": 0.5})
    run.write_summary({"a": 1})
    assert run.read_summary() == {"a": 1}
    records = run.path / "metrics.jsonl"
    first = records.read_text().splitlines(keepends=True)[0]
    if left is None:
        records.unlink()
    else:
        records.write_text(first if left else "")
    with pytest.raises(InputError, match=r"summary\.json: does not belong to the [01] records of metrics\.jsonl"):
        RunFolder.open(run.path).read_summary()


def test_a_summary_without_records_can_be_read(run: RunFolder) -> None:
    run.write_summary({"a": 1})
    assert RunFolder.open(run.path).read_summary() == {"a": 1}


def test_files_are_removed_if_they_are_there(run: RunFolder) -> None:
    run.write_json("summary", {})
    for _ in range(2):
        run.remove("summary.json")
        assert not run.has_json("summary")
    (run.path / "folder").mkdir()
    with pytest.raises(RunError, match="folder: cannot be deleted"):
        run.remove("folder")


def test_tensors_come_back(run: RunFolder) -> None:
    assert not run.has_tensors("checkpoint")
    run.save_tensors("checkpoint", {"a": torch.arange(3)}, {"epoch": 4})
    assert run.has_tensors("checkpoint")
    tensors, state = run.load_tensors("checkpoint")
    assert torch.equal(tensors["a"], torch.arange(3))
    assert state == {"epoch": 4}


def test_a_busy_writer_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    child = start(
        f"""
        from pathlib import Path
        import torch
        from darlr.artifacts import RunFolder
        run = RunFolder.create(Path({str(tmp_path)!r}), {CONFIG!r}, {ENVIRONMENT!r})
        for epoch in range(1, 1_000_000):
            run.append_metrics({{"epoch": epoch}})
            run.save_tensors("checkpoint", {{"a": torch.full((1000,), epoch)}}, {{"epoch": epoch}})
            if epoch == 3:
                print("ready", flush=True)
        """
    )
    kill(child)
    with RunFolder.create(tmp_path, CONFIG, ENVIRONMENT) as run:
        tensors, state = run.load_tensors("checkpoint")
        assert state["epoch"] >= 3
        assert torch.equal(tensors["a"], torch.full((1000,), state["epoch"]))
        run.keep_metrics(state["epoch"])
        assert run.metrics()[-1] == {"epoch": state["epoch"]}
    assert list(tmp_path.glob(".*.partial")) == []
