"""The files of a run in a form in which two runs can be compared."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.artifacts import RunFolder


def results(run: Path) -> dict[str, Any]:
    """Return everything that a run writes, without times, memory, and the checksums over them."""
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
    """Return a record of metrics.jsonl without times."""
    return {name: value for name, value in record.items() if not name.startswith("seconds/")}
