"""`dataset.yaml`: what a folder of someone's own data says of itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from darlr.config.loading import from_mapping, read_yaml
from darlr.data.parsing.files import naming
from darlr.errors import InputError
from darlr.world.settings import LeaveBy, LeaveConfig

SETTINGS = "dataset.yaml"
Repeats = Literal["error", "last", "mean", "keep"]


@dataclass(frozen=True)
class FileNames:
    """CSV or Parquet files inside the folder; empty where there is none."""

    interactions: str = ""
    items: str = ""
    users: str = ""
    truth: str = ""
    truth_users: str = ""
    truth_items: str = ""

    def __post_init__(self) -> None:
        for key, name in self.given().items():
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise InputError(f"key 'files.{key}' is '{name}'; expected a file inside the folder")
        for key in ("truth_users", "truth_items"):
            if getattr(self, key) and not self.truth:
                raise InputError(f"key 'files.{key}' is given without 'files.truth'; expected both or neither")

    def given(self) -> dict[str, str]:
        """The files that are named, by key."""
        return {key: name for key, name in vars(self).items() if name}


@dataclass(frozen=True)
class RewardScale:
    """What rewards mean; bounds include both ends, and are nan until they are given."""

    feedback: Literal["ratings", "positive-only"] = "ratings"
    minimum: float = math.nan
    maximum: float = math.nan
    positive_threshold: float = -math.inf

    def __post_init__(self) -> None:
        given = not (math.isnan(self.minimum) or math.isnan(self.maximum))
        if given and not -math.inf < self.minimum < self.maximum < math.inf:
            raise InputError(f"key 'reward' has {self.minimum:g}..{self.maximum:g}; expected finite numbers, minimum first")


@dataclass(frozen=True)
class LogReading:
    """How a (user, item) pair that stands several times in the log is read."""

    repeats: Repeats = "error"


@dataclass(frozen=True)
class TruthReading:
    """How an absent cell of the truth is read; nan: it is an error."""

    missing: float = math.nan


@dataclass(frozen=True)
class LeaveReading:
    """`LeaveConfig`, in which "auto" stands for what the catalogue allows."""

    by: Literal["auto", LeaveBy] = "auto"
    window: int = LeaveConfig.window
    tolerance: float = LeaveConfig.tolerance
    max_steps: int = LeaveConfig.max_steps

    def __post_init__(self) -> None:
        self.rule(has_categories=False)  # refuses what is out of its limits

    def rule(self, has_categories: bool) -> LeaveConfig:
        """The leave rule of a data set whose items have categories or not: by category if they have, else never."""
        automatic: LeaveBy = "category" if has_categories else "never"
        return LeaveConfig(automatic if self.by == "auto" else self.by, self.window, self.tolerance, self.max_steps)


@dataclass(frozen=True)
class FolderSettings:
    """The whole of `dataset.yaml`; see the folder format in the documentation."""

    name: str = ""
    licence: str = ""
    source: str = ""
    files: FileNames = field(default_factory=FileNames)
    reward: RewardScale = field(default_factory=RewardScale)
    log: LogReading = field(default_factory=LogReading)
    truth: TruthReading = field(default_factory=TruthReading)
    leave: LeaveReading = field(default_factory=LeaveReading)

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or PurePath(self.name).name != self.name:
            raise InputError(f"key 'name' is '{self.name}'; expected a name without slashes, as result folders carry it")
        if not math.isnan(self.truth.missing) and not self.files.truth:
            raise InputError("key 'truth.missing' is given without 'files.truth'; expected both or neither")


# What a log cannot be read without: section, key, and what is expected there.
LOG_KEYS = (
    ("files", "interactions", "the name of a .csv or .parquet file"),
    ("reward", "feedback", "'ratings' or 'positive-only'"),
    ("reward", "minimum", "the smallest reward that a user can give"),
    ("reward", "maximum", "the largest reward that a user can give"),
)
# What a folder that brings another truth cannot be read without.
TRUTH_KEYS = (("files", "truth", "the name of a .csv or .parquet file"),)


def read_settings(folder: Path, required: Sequence[tuple[str, str, str]]) -> FolderSettings:
    """Read a folder's `dataset.yaml`; `name` is the folder's own unless given.

    Raises:
        InputError: naming the file and the key that is unknown, contradictory, of another type than expected, or required and
            missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    path = folder / SETTINGS
    values = read_yaml(path)
    with naming(path):
        settings = from_mapping(FolderSettings, values, FolderSettings(name=folder.resolve().name or "data"))
        for section, key, expected in required:
            if key not in values.get(section, {}):
                raise InputError(f"key '{section}.{key}' is missing; expected {expected}")
    return settings
