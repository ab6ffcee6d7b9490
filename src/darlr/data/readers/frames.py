"""A user's own data in Python: the tables of the folder format as data frames."""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from darlr.config.loading import from_mapping, to_mapping
from darlr.data.parsing.files import naming
from darlr.data.parsing.frames import frame_of, hash_frame
from darlr.data.parsing.tables import table_of
from darlr.data.readers.table_settings import (
    FeatureReading,
    LeaveReading,
    LogReading,
    RewardScale,
    TableSettings,
    TruthReading,
)
from darlr.data.readers.tabular import Tables, dataset_of, required_columns
from darlr.data.readers.truths import TruthTables
from darlr.data.readers.wording import Wording
from darlr.data.source import LoadedDataset
from darlr.errors import InputError

SOURCE = "from_frames"
OPTIONS = "options"
"""The name of the options among a data set's hashes."""

_WORDING = Wording(SOURCE, repeats="repeats", missing="missing_truth")
_REQUIRED = {
    "feedback": "'ratings' or 'positive-only'",
    "minimum": "the smallest reward that a user can give",
    "maximum": "the largest reward that a user can give",
}


def read_frames(frames: Mapping[str, Any], settings: TableSettings) -> LoadedDataset:
    """Make the data set of `frames`, checked like a folder in the folder format.

    Args:
        frames: the frames by their names (`tabular.COLUMNS`), or None; only the interactions are required.
        settings: the options.

    Raises:
        InputError: naming the frame and the row (from 0), or the setting, at fault.
    """
    given = {name: frame_of(frame, name) for name, frame in frames.items() if frame is not None or name == "interactions"}
    _require_truth([name for name in ("truth_users", "truth_items") if name in given], given)
    _require_truth([] if math.isnan(settings.truth.missing) else ["missing_truth"], given)
    checked = {name: table_of(name, frame, required_columns(name, settings)) for name, frame in given.items()}
    truth = None
    if "truth" in checked:
        truth = TruthTables(checked["truth"], checked.get("truth_users"), checked.get("truth_items"))
    tables = Tables(checked["interactions"], checked.get("items"), checked.get("users"), checked.get("randomised"), truth)
    hashes = {name: hash_frame(frame) for name, frame in given.items()} | {OPTIONS: _hash(settings)}
    return dataset_of(tables, settings, _WORDING, hashes)


def settings_of(
    name: str,
    scale: Mapping[str, Any],
    repeats: str,
    missing_truth: float | None,
    leave: Mapping[str, Any] | None,
    features: Mapping[str, Any] | None = None,
) -> TableSettings:
    """Check the options of a data set of frames.

    Args:
        name: the name in result folders.
        scale: keys of `RewardScale`; None for a value that is not given.
        repeats: how repeated pairs are read.
        missing_truth: the value of cells that the truth lacks.
        leave: keys of `LeaveReading`.
        features: keys of `FeatureReading`.

    Raises:
        InputError: naming the option that is missing, unknown, of another type than expected, or outside its limits.
    """
    with naming(SOURCE):
        for key, expected in _REQUIRED.items():
            if scale.get(key) is None:
                raise InputError(f"'{key}' is not given; expected {expected}")
        missing = {} if missing_truth is None else {"missing": missing_truth}
        return TableSettings(
            name=name,
            reward=from_mapping(RewardScale, {key: value for key, value in scale.items() if value is not None}),
            log=from_mapping(LogReading, {"repeats": repeats}),
            truth=from_mapping(TruthReading, missing, prefix="truth."),
            leave=from_mapping(LeaveReading, leave or {}, prefix="leave."),
            features=from_mapping(FeatureReading, features or {}, prefix="features."),
        )


def _require_truth(options: Sequence[str], given: Collection[str]) -> None:
    if options and "truth" not in given:
        raise InputError(f"{SOURCE}: '{options[0]}' is given without 'truth'; expected both or neither")


def _hash(settings: TableSettings) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of the options."""
    said = to_mapping(settings)
    del said["truth"]["link"]  # frames have no factors
    if not settings.features.names:
        del said["features"]  # so that data sets keep the hash from before this option existed
    if not settings.reward.signals:
        del said["reward"]["signals"]
    if settings.leave.session_gap == LeaveReading.session_gap:
        del said["leave"]["session_gap"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
