"""A run's settings as Python arguments, both nested mappings and dotted keys, merged into one mapping."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darlr.api.dataset import Dataset, read
from darlr.config.loading import merge, with_settings
from darlr.data.source import LoadedDataset
from darlr.errors import InputError

DatasetLike = Dataset | str | Path


def gathered(settings: Mapping[str, Any] | None, sections: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Merge all settings into one nested mapping.

    Args:
        settings: nested mappings, dotted keys, or both, such as `{"a2c.discount": 0.95, "training": {"epochs": 3}}`.
        sections: keyword arguments, such as `a2c={"discount": 0.95}`.
        named: settings with an argument of their own, such as `{"training.epochs": 3}`; the value is None if it is not given.

    Raises:
        InputError: for a setting that is given twice.
    """
    values: dict[str, Any] = {}
    given = {key: value for key, value in named.items() if value is not None}
    for part in (settings or {}, sections, given):
        for key, value in part.items():
            addition = with_settings({}, {key: value})
            _require_new(values, addition, "")
            values = merge(values, addition)
    return values


def _require_new(values: Mapping[str, Any], addition: Mapping[str, Any], prefix: str) -> None:
    for key in values.keys() & addition.keys():
        old, new = values[key], addition[key]
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            raise InputError(f"setting '{prefix}{key}' is given twice; expected it once")
        _require_new(old, new, f"{prefix}{key}.")


def placed_on(
    dataset: DatasetLike,
    values: Mapping[str, Any],
    data_dir: Path | str | None,
    notice: Callable[[str], None] = lambda text: None,
) -> tuple[dict[str, Any], LoadedDataset]:
    """Return the settings of a run on `dataset`, and the data.

    Args:
        dataset: a data set, or the name or folder of one.
        values: nested settings.
        data_dir: the folder of named data sets.
        notice: a function that is called with a line of text before slow work.

    Raises:
        InputError: for settings that contradict how the data set was read.
    """
    if not isinstance(dataset, Dataset):
        if not isinstance(dataset, str | Path):
            raise InputError(f"the data set is a {type(dataset).__name__}; expected a darlr.Dataset, a name or a folder")
        if "dataset" in values:
            raise InputError("setting 'dataset' is given twice; expected it once")
        stored, loaded = read({**values, "dataset": str(dataset)}, data_dir, notice)
        return dict(stored), loaded
    for key in ("dataset", "data", "synthetic"):
        if key in values:
            raise InputError(f"setting '{key}' says how a data set is read, but this one is; expected it in Dataset.load(...)")
    return {**values, **dataset.settings}, dataset.loaded
