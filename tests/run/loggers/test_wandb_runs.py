"""The records of Weights & Biases without a network, read back from the files that it writes for a later transfer."""

import json
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from darlr.errors import RunError
from darlr.run.loggers.interface import LoggedRun
from darlr.run.loggers.wandb_runs import WandbRun

pytest.importorskip("wandb", reason="wandb is not installed (pip install 'darlr[wandb]')")

HEADER, BLOCK, CHUNK = 7, 32_768, 7
"""Bytes of a file's head, of a block, and of a chunk's head: the format of LevelDB's logs."""


PATIENCE = 30.0  # seconds


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def records_of(file: Path) -> Iterator[Any]:
    """The records in a `.wandb` file."""
    Record = import_module("wandb.proto.wandb_internal_pb2").Record  # noqa: N806
    content, place, whole = file.read_bytes(), HEADER, b""
    while place + CHUNK <= len(content):
        if BLOCK - place % BLOCK < CHUNK:  # too short for a chunk's head: the rest of the block is filled up
            place += BLOCK - place % BLOCK
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + CHUNK : place + CHUNK + length]
        place += CHUNK + length
        if kind in (1, 4):  # a whole record, or its end
            record = Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def whole(run: Path) -> list[Any]:
    """All records of the run, once the process that writes them has come to their end."""
    [file] = run.glob("wandb/offline-run-*/*.wandb")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        records = list(records_of(file))
        if records and records[-1].WhichOneof("record_type") == "exit":
            return records
        time.sleep(0.1)
    raise TimeoutError(f"{file}: has no end")


def history_of(records: list[Any]) -> list[dict[str, Any]]:
    rows = [record.history for record in records if record.WhichOneof("record_type") == "history"]
    return [{"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row.item} for row in rows]


def test_numbers_and_settings_are_kept_for_a_later_transfer(tmp_path: Path) -> None:
    logged = LoggedRun(tmp_path, "0123abcd", "synthetic dorl seed 0", {"training.epochs": 3}, {"darlr": "0.2.0"})
    with WandbRun(logged) as run:
        run.add([{"epoch": 1, "nx_0/sampled/r_tra": 1.5, "unknown": None}, {"epoch": 2, "nx_0/sampled/r_tra": 2.5}])
    records = whole(tmp_path)
    rows = history_of(records)
    assert [(row["_step"], row["nx_0/sampled/r_tra"]) for row in rows] == [(1, 1.5), (2, 2.5)]
    assert all("unknown" not in row for row in rows)
    [begun] = [record.run for record in records if record.WhichOneof("record_type") == "run"]
    assert (begun.run_id, begun.project, begun.display_name) == ("0123abcd", "darlr", "synthetic dorl seed 0")
    assert {entry.key: entry.value_json for entry in begun.config.update}["training.epochs"] == "3"


def test_a_setting_that_cannot_be_used_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "a/b")
    with pytest.raises(RunError, match=r"^Weights & Biases \(--wandb\) cannot be written: ") as refusal:
        WandbRun(LoggedRun(tmp_path, "0123abcd", "name", {}, {}))
    assert "\n" not in str(refusal.value)
