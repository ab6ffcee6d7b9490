"""From the records of a run's epochs to the reported numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from darlr.errors import InputError
from darlr.evaluation.modes import SAMPLED, SIMULATOR
from darlr.evaluation.statistics import mean_and_deviation
from darlr.evaluation.table import RETURN

CHOOSING_METRIC = RETURN.recorded(SIMULATOR, SAMPLED)
"""The return in the simulator chooses the epoch; the truth must not."""

LAST_SHARE = 0.2

Record = TypeVar("Record")


def summarise(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarise one run.

    The result has mode -> policy -> metric -> statistic -> `mean`, `std`. Both are None if no epoch has the metric, and
    `std` if only one has. The statistics are:

    - `paper`: mean and sample standard deviation over all epochs of the per-epoch values, so R_each is a mean of ratios.
      The tables of DARLR (SIGIR 2025) and of the works that it compares with have this statistic.
    - `last20`: the same over the last 20% of the epochs (rounded up).
    - `chosen`: the value at the epoch that did best in the simulator (of equals, the first).

    Besides the modes, it has `epochs`, `steps`, `chosen_epoch` (None without episodes in the simulator) and `seconds` ->
    phase. `steps_per_second` covers sampling and learning; it is None if neither was timed.

    Args:
        records: one mapping for each epoch, oldest first: `epoch`, `steps` (of learning since the start),
            `mode/policy/metric` (None if it does not apply), `seconds/phase`. Other entries are ignored.

    Raises:
        InputError: if there is no record.
    """
    if not records:
        raise InputError("there is no finished epoch to summarise")
    last = last_epochs(records)
    chosen = _chosen(records)
    summary: dict[str, Any] = {}
    for name in _names(records):
        if all(record.get(name) is None for record in records):
            continue
        mode, policy, metric = name.split("/")
        summary.setdefault(mode, {}).setdefault(policy, {})[metric] = {
            "paper": _statistic(records, name),
            "last20": _statistic(last, name),
            "chosen": _statistic(chosen, name),
        }
    seconds = _seconds(records)
    learning = seconds.get("sampling", 0.0) + seconds.get("learning", 0.0)
    steps = records[-1]["steps"]
    return summary | {
        "epochs": len(records),
        "steps": steps,
        "chosen_epoch": chosen[0]["epoch"] if chosen else None,
        "seconds": seconds,
        "steps_per_second": steps / learning if learning > 0 else None,
    }


def last_epochs(records: Sequence[Record]) -> Sequence[Record]:
    """Return the records of the last 20% of the epochs, rounded up."""
    return records[-math.ceil(LAST_SHARE * len(records)) :]


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names `mode/policy/metric` in the records, in order of appearance."""
    return [name for name in dict.fromkeys(name for record in records for name in record) if name.count("/") == 2]


def _chosen(records: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the record of the chosen epoch alone, or nothing."""
    candidates = [record for record in records if record.get(CHOOSING_METRIC) is not None]
    return [max(candidates, key=lambda record: record[CHOOSING_METRIC])] if candidates else []


def _statistic(records: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
    values = [record[name] for record in records if record.get(name) is not None]
    mean, deviation = mean_and_deviation(values) if values else (None, None)
    return {"mean": mean, "std": deviation}


def _seconds(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for record in records:
        for name, value in record.items():
            kind, _, phase = name.partition("/")
            if kind == "seconds":
                totals[phase] = totals.get(phase, 0.0) + value
    return totals
