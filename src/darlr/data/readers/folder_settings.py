"""`dataset.yaml`, the description of a folder of a user's own data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from darlr.config.loading import from_mapping
from darlr.config.yaml_text import read_yaml
from darlr.data.parsing.files import naming
from darlr.data.readers.table_settings import TableSettings, TruthReading
from darlr.errors import InputError
from darlr.reading import is_folder

SETTINGS = "dataset.yaml"
FACTOR_FILES = ("truth_user_factors", "truth_item_factors")


@dataclass(frozen=True)
class FileNames:
    """CSV or Parquet files inside the folder; an empty name means that there is no file."""

    interactions: str = ""
    items: str = ""
    users: str = ""
    randomised: str = ""
    truth: str = ""
    truth_user_factors: str = ""
    truth_item_factors: str = ""
    truth_users: str = ""
    truth_items: str = ""

    def __post_init__(self) -> None:
        for key, name in self.given().items():
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise InputError(f"key 'files.{key}' is '{name}'; expected a file inside the folder")
        if self.truth and self.factored:
            raise InputError("keys 'files.truth' and 'files.truth_user_factors' are given; expected one of them")
        for key, other in (FACTOR_FILES, FACTOR_FILES[::-1]):
            if getattr(self, key) and not getattr(self, other):
                raise InputError(f"key 'files.{key}' is given without 'files.{other}'; expected both or neither")
        for key in ("truth_users", "truth_items"):
            if getattr(self, key) and not (self.truth or self.factored):
                raise InputError(f"key 'files.{key}' is given without 'files.truth'; expected both or neither")

    @property
    def factored(self) -> bool:
        """Whether the truth is given as factors."""
        return bool(self.truth_user_factors or self.truth_item_factors)

    def given(self) -> dict[str, str]:
        """Return the named files by key."""
        return {key: name for key, name in vars(self).items() if name}


@dataclass(frozen=True)
class FolderSettings(TableSettings):
    """The whole of `dataset.yaml`; docs/data.md describes the folder format."""

    licence: str = ""
    source: str = ""
    files: FileNames = field(default_factory=FileNames)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isnan(self.truth.missing) and not self.files.truth:
            raise InputError("key 'truth.missing' is given without 'files.truth'; expected both or neither")
        if self.truth.link != TruthReading.link and not self.files.factored:
            raise InputError("key 'truth.link' is given without 'files.truth_user_factors'; expected both or neither")


# Keys that a log cannot be read without: section, key, and the expected value.
LOG_KEYS = (
    ("files", "interactions", "the name of a .csv or .parquet file"),
    ("reward", "feedback", "'ratings' or 'positive-only'"),
    ("reward", "minimum", "the smallest reward that a user can give"),
    ("reward", "maximum", "the largest reward that a user can give"),
)


def read_settings(folder: Path, required: Sequence[tuple[str, str, str]]) -> FolderSettings:
    """Read a folder's `dataset.yaml`; the default of `name` is the folder's name.

    Raises:
        InputError: naming the file and the key that is unknown, contradictory, of another type than expected, or missing
            though required.
    """
    if not is_folder(folder):
        raise InputError(f"{folder}: no such folder")
    path = folder / SETTINGS
    values = read_yaml(path)
    with naming(path):
        settings = from_mapping(FolderSettings, values, FolderSettings(name=folder.resolve().name or "data"))
        for section, key, expected in required:
            if key not in values.get(section, {}):
                raise InputError(f"key '{section}.{key}' is missing; expected {expected}")
    return settings
