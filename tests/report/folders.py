"""Run folders with made-up results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darlr.artifacts import RunFolder
from darlr.evaluation.summary import summarise
from tests.report.analysis.test_results import made_up, summary


def write_run(
    out: Path,
    method: str,
    seed: int = 0,
    returns: Sequence[float] | None = (70.0, 74.0),
    dataset: str = "coat",
    settings: Mapping[str, Any] | None = None,
    opponents: Mapping[str, Any] | None = None,
    version: str = "0.1.0",
    data: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run with these sampled returns, epoch by epoch, and greedy ones higher by one; unfinished if `returns` is None.

    `extra`: further entries of its summary.
    """
    records = [] if returns is None else made_up(returns)
    config: dict[str, Any] = {"dataset": dataset, "method": method, "seed": seed}
    config["training"] = {"epochs": len(records) or 2, "steps_per_epoch": 10}
    config |= settings or {}
    name = "".join(character for character in repr(settings) if character.isalnum())
    with RunFolder.create(out / dataset / method / f"{name}-s{seed}", config, {"darlr": version, "data": data or {}}) as folder:
        for record in records:
            folder.append_metrics(record)
        if returns is not None:
            folder.write_summary(summary(list(returns), dict(opponents or {})) | dict(extra or {}))
        return folder.path


def write_seeds(out: Path, method: str, by_seed: Sequence[float], **others: Any) -> None:
    """A run of one epoch for each seed 0, 1, ..., with its return."""
    for seed, value in enumerate(by_seed):
        write_run(out, method, seed, [value], **others)


def write_recorded(
    out: Path,
    method: str,
    seed: int,
    records: Sequence[Mapping[str, Any]],
    dataset: str = "coat",
    settings: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a finished run with these records of its epochs, to which `epoch` and `steps` are added, and `extra` in its
    summary.
    """
    own = {"training": {"epochs": len(records), "steps_per_epoch": 10}} | dict(settings or {})
    path = write_run(out, method, seed, returns=None, dataset=dataset, settings=own)
    counted = [{"epoch": epoch, "steps": 10 * epoch, **record} for epoch, record in enumerate(records, start=1)]
    with RunFolder.open(path) as folder:
        for record in counted:
            folder.append_metrics(record)
        folder.write_summary(summarise(counted) | dict(extra or {}))
    return path
