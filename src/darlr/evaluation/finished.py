"""The summary of a finished run, read from its folder and checked, so that no report shows a number that contradicts the
records.
"""

from collections.abc import Mapping
from typing import Any

from darlr.artifacts import RunFolder
from darlr.artifacts.metrics_file import METRICS
from darlr.artifacts.run_folder import SUMMARY
from darlr.artifacts.schema import Keys, anything, flag, list_of, map_of, number, optional, require, text, whole
from darlr.artifacts.sealing import PUT_BACK
from darlr.errors import InputError
from darlr.evaluation.modes import HELD_OUT, NX_0, RECORDED_MODES
from darlr.evaluation.summary import summarise

ROUNDING = 1e-9
"""The relative difference by which sums over epochs may differ between machines."""

_VALUES = map_of(map_of(optional(number)))  # mode > metric
_STATISTIC = Keys({"mean": optional(number), "std": optional(number)})
_METRIC = Keys({"paper": _STATISTIC, "last20": _STATISTIC, "chosen": _STATISTIC}, more=_STATISTIC)
_CATEGORY = Keys({"dominant": flag, "liked": number, "recommended": number})
_BY_GROUP = Keys({"feature": text, "users": map_of(whole(1)), "values": map_of(_VALUES)})  # policy > group > metric

_INTERVAL = Keys({"value": optional(number), "low": optional(number), "high": optional(number), "objections": list_of(text)})
_OFF_POLICY = Keys(
    {
        "logged": _INTERVAL,
        "estimates": map_of(map_of(_INTERVAL)),  # policy > estimator
        "sessions": map_of(map_of(_INTERVAL)),
        "support": map_of(Keys({"items": Keys({"effective": number})})),
        "against_popular": list_of(Keys({"finding": text, "line": text})),
        "notes": list_of(text),
    },
    {"held_out": _VALUES},
)

SUMMARY_SHAPE = Keys(
    {"epochs": whole(1), "steps": whole()},
    {
        **dict.fromkeys(RECORDED_MODES, map_of(map_of(_METRIC))),
        "chosen_epoch": optional(whole(1)),
        "seconds": map_of(number),
        "steps_per_second": optional(number),
        "peak_memory_mib": number,
        "every_user": _VALUES,
        "every_user_sampled": _VALUES,
        "every_user_noisy": _VALUES,
        "opponents": map_of(_VALUES),
        "opponents_noisy": map_of(_VALUES),
        "categories": map_of(_CATEGORY),
        "selection": map_of(anything),
        "leave": map_of(anything),
        "visits": map_of(anything),
        "signals": map_of(_VALUES),
        "notes": list_of(text),
        "off_policy": _OFF_POLICY,
        "by_group": _BY_GROUP,
    },
)
"""A check for summary.json (docs/metrics.md)."""

RECORD_SHAPE = Keys({"steps": whole()})
"""A check for a record in metrics.jsonl, besides its epoch and its metrics."""


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """Read the summary of the finished run in `folder`.

    A run without checksums (of darlr 0.2 and before) is summarised again, and both summaries have to agree.

    Raises:
        InputError: naming the file and key of a summary that has another shape, was edited, or covers other epochs than the
            run has.
    """
    place = f"{folder.path / SUMMARY}.json"
    summary, records = folder.read_summary(), folder.metrics()
    require(summary, SUMMARY_SHAPE, place)
    if not (NX_0 in summary or HELD_OUT in summary):
        raise InputError(f"{place}: has neither '{NX_0}' nor '{HELD_OUT}'; not a summary that this version reads")
    asked = _epochs(folder)
    if not summary["epochs"] == len(records) == asked:
        raise InputError(
            f"{place}: is of {summary['epochs']} epochs, {METRICS} has records of {len(records)}, and config.yaml asks for"
            f" {asked}; {PUT_BACK}"
        )
    require(records, list_of(RECORD_SHAPE), f"{folder.path / METRICS}")
    if not folder.is_sealed:
        _require_same(summary, summarise(records), place)
    return summary


def _epochs(folder: RunFolder) -> int:
    """Return the number of epochs that the settings of the run ask for."""
    config = folder.config()
    require(config, Keys({"training": Keys({"epochs": whole(1)})}), f"{folder.path}/config.yaml")
    epochs: int = config["training"]["epochs"]
    return epochs


def _require_same(found: Any, expected: Any, place: str, name: str = "") -> None:
    """Raise `InputError` unless `found` has all entries of `expected`."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            inner = found.get(key) if isinstance(found, Mapping) else None
            _require_same(inner, value, place, f"{name}.{key}" if name else key)
    elif not _alike(found, expected):
        raise InputError(
            f"{place}: '{name}' is {found}, and the records in {METRICS} give {expected}: one of the two was edited; {PUT_BACK}"
        )


def _alike(found: Any, expected: Any) -> bool:
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return abs(found - expected) <= ROUNDING * abs(expected)
    return bool(found == expected)
