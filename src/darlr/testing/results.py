"""What a run leaves behind, in a form that two runs can be compared by."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.artifacts import RunFolder


def results(run: Path) -> dict[str, Any]:
    """All that a run leaves behind, less what tells of time and memory, and the checksums over that."""
    untimed = {"seconds", "steps_per_second", "peak_memory_mib", "chain", "checksum"}
    summary = json.loads((run / "summary.json").read_text())
    files = {file.name: file.read_bytes() for file in run.iterdir()}
    for name in ("environment.json", "metrics.jsonl", "summary.json"):
        del files[name]
    return {
        "metrics": [without_seconds(record) for record in RunFolder.open(run).metrics()],
        "summary": {name: value for name, value in summary.items() if name not in untimed},
        **files,
    }


def without_seconds(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of metrics.jsonl, less what tells of time."""
    return {name: value for name, value in record.items() if not name.startswith("seconds/")}
