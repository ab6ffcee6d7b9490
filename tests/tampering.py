"""Ways to change a run folder without darlr."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darlr.artifacts import read_tensors, write_tensors
from darlr.artifacts.beginning import SETTINGS
from darlr.artifacts.records import CHAIN
from darlr.artifacts.sealing import CHECKSUM


def edit_json(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` work on the object in a JSON file."""
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def edit_tensors(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Let `change` work on the tensors and the state of a file, which gets the right checksum."""
    tensors, state = read_tensors(file)
    change(tensors, state)
    write_tensors(file, tensors, state)


def as_before(run: Path) -> None:
    """Turn a run into one of darlr 0.2: without checksums."""
    edit_json(run / "environment.json", lambda values: [values.pop(key) for key in (CHECKSUM, SETTINGS)])
    if (run / "summary.json").exists():
        edit_json(run / "summary.json", lambda values: [values.pop(key) for key in (CHECKSUM, CHAIN)])
    lines = (run / "metrics.jsonl").read_text().splitlines()
    plain = ({key: value for key, value in json.loads(line).items() if key != CHAIN} for line in lines)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in plain))


def with_value(values: Mapping[str, Any], path: str, value: Any) -> None:
    """Put `value` at the dotted `path` of nested objects."""
    *parents, last = path.split(".")
    inner: Any = values
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
