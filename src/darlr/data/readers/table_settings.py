"""What tables cannot say of themselves: the meaning of rewards, repeats and absent cells, and when users quit."""

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from darlr.data.factored import Link
from darlr.data.parsing.features import Kind
from darlr.errors import InputError
from darlr.text import brief
from darlr.world.settings import LeaveBy, LeaveConfig

LARGEST_REWARD = 1e12
"""Whose square, summed over a log, single precision holds."""
APART, LEAST_RANGE = 1e-5, 1e-30
"""Of the smallest and the largest reward, beside their size and at all: single precision then tells those between apart."""
MOST_NAME = 200
"""Bytes of a data set's name; most file systems take 255."""

Feedback = Literal["ratings", "positive-only"]
Repeats = Literal["error", "last", "mean", "keep"]


@dataclass(frozen=True)
class RewardScale:
    """What rewards mean; bounds include both ends, and are nan until they are given."""

    feedback: Feedback = "ratings"
    minimum: float = math.nan
    maximum: float = math.nan
    positive_threshold: float = -math.inf

    def __post_init__(self) -> None:
        for key, bound in (
            ("minimum", self.minimum),
            ("maximum", self.maximum),
            ("positive_threshold", self.positive_threshold),
        ):
            if LARGEST_REWARD < abs(bound) < math.inf:
                raise InputError(f"key 'reward.{key}' is {bound:g}; expected from -{LARGEST_REWARD:g} to {LARGEST_REWARD:g}")
        given = not (math.isnan(self.minimum) or math.isnan(self.maximum))
        if given and not -math.inf < self.minimum < self.maximum < math.inf:
            raise InputError(f"key 'reward' has {self.minimum:g}..{self.maximum:g}; expected finite numbers, minimum first")
        if given and self.positive_threshold > self.maximum:
            raise InputError(
                f"key 'reward.positive_threshold' is {self.positive_threshold:g}; expected at most the maximum, "
                f"{self.maximum:g}, or no reward counts as liked"
            )
        if given and self.maximum - self.minimum < max(APART * max(abs(self.minimum), abs(self.maximum)), LEAST_RANGE):
            raise InputError(
                f"key 'reward' has {self.minimum!r}..{self.maximum!r}; expected numbers further apart, as rewards are kept in "
                "single precision; count them from 0, or in larger units"
            )


@dataclass(frozen=True)
class LogReading:
    """How a (user, item) pair that stands several times in the log is read."""

    repeats: Repeats = "error"


@dataclass(frozen=True)
class TruthReading:
    """How the truth's files are read.

    Attributes:
        missing: what an absent cell is; nan: an error.
        link: of a truth given as factors, what of a reward their product is: the reward, or its natural logarithm.
    """

    missing: float = math.nan
    link: Link = "identity"


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
class FeatureReading:
    """How columns of the tables of items and users are read, by name; the others as their cells suggest (`read_feature`).

    Attributes:
        numeric: as quantities.
        coded: as codes, each distinct cell one, though they may look like numbers.
        ignored: not at all.
    """

    numeric: tuple[str, ...] = ()
    coded: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, times in Counter(self.names).items():
            if times > 1:
                raise InputError(f"key 'features' names column '{name}' {times} times; expected each once")

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numeric, *self.coded, *self.ignored)

    def kind(self, name: str) -> Kind | None:
        """What a column that is not ignored was declared as; None if it was not."""
        return "numeric" if name in self.numeric else "coded" if name in self.coded else None


@dataclass(frozen=True)
class TableSettings:
    """Everything that is set beside the tables of a data set."""

    name: str = ""
    reward: RewardScale = field(default_factory=RewardScale)
    log: LogReading = field(default_factory=LogReading)
    truth: TruthReading = field(default_factory=TruthReading)
    leave: LeaveReading = field(default_factory=LeaveReading)
    features: FeatureReading = field(default_factory=FeatureReading)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not names_folder(self.name):
            expected = f"text that can name a folder, of at most {MOST_NAME} bytes in UTF-8"
            raise InputError(f"key 'name' is {brief(self.name)}; expected {expected}")
        if self.name in ("", ".", "..") or PurePath(self.name).name != self.name:
            raise InputError(f"key 'name' is '{self.name}'; expected a name without slashes, as result folders carry it")


def names_folder(name: str) -> bool:
    """Whether a file system takes `name`, which stands in the paths of result folders."""
    try:
        return "\0" not in name and len(name.encode()) <= MOST_NAME
    except UnicodeEncodeError:  # half a character, or what the file system has instead of UTF-8
        return False
