"""Settings of a data set's tables: the meaning of rewards, repeats and absent cells, and when users quit."""

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from darlr.data.factored import Link
from darlr.data.parsing.features import Kind
from darlr.data.signals import weights_of
from darlr.errors import InputError
from darlr.text import brief
from darlr.world.settings import LeaveBy, LeaveConfig

LARGEST_REWARD = 1e12
"""The largest reward, whose squares can be summed over a log in single precision."""
APART, LEAST_RANGE = 1e-5, 1e-30
"""The least distance between the smallest and the largest reward, relative and absolute, at which single precision suffices."""
MOST_NAME = 200
"""The largest length of a data set's name in bytes; most file systems allow 255."""

TAKEN = {"user_id", "item_id", "reward", "timestamp", "propensity", "session", "step", "position"}
"""Columns of interactions that have another meaning than a signal."""

Feedback = Literal["ratings", "positive-only"]
Repeats = Literal["error", "last", "mean", "keep"]


@dataclass(frozen=True)
class RewardScale:
    """The meaning of rewards; bounds include both ends, and are nan until they are given.

    If there are `signals`, as like=2, the reward of a row is their sum with these weights.
    """

    feedback: Feedback = "ratings"
    minimum: float = math.nan
    maximum: float = math.nan
    positive_threshold: float = -math.inf
    signals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if taken := sorted(TAKEN & set(self.weights)):
            raise InputError(f"key 'reward.signals' names '{taken[0]}', which is not a signal; expected other columns")
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

    @property
    def weights(self) -> dict[str, float]:
        """Signal -> weight."""
        return weights_of(self.signals, "reward.signals")


@dataclass(frozen=True)
class LogReading:
    """How a (user, item) pair that occurs several times in the log is read."""

    repeats: Repeats = "error"


@dataclass(frozen=True)
class TruthReading:
    """How the truth's files are read.

    Attributes:
        missing: the value of an absent cell; nan: an error.
        link: for a truth given as factors, the function of the reward that equals their product: identity or logarithm.
    """

    missing: float = math.nan
    link: Link = "identity"


@dataclass(frozen=True)
class LeaveReading:
    """`LeaveConfig` with the choice "auto", which depends on the catalogue."""

    by: Literal["auto", LeaveBy] = "auto"
    window: int = LeaveConfig.window
    tolerance: float = LeaveConfig.tolerance
    max_steps: int = LeaveConfig.max_steps
    session_gap: float = LeaveConfig.session_gap

    def __post_init__(self) -> None:
        self.rule(has_categories=False)  # refuses values outside their limits

    def rule(self, has_categories: bool) -> LeaveConfig:
        """Return the leave rule of a data set; "auto" means by category if its items have categories, else never."""
        automatic: LeaveBy = "category" if has_categories else "never"
        by = automatic if self.by == "auto" else self.by
        return LeaveConfig(by, self.window, self.tolerance, self.max_steps, self.session_gap)


@dataclass(frozen=True)
class FeatureReading:
    """How columns of the tables of items and users are read, by name; `read_feature` decides about the others.

    Attributes:
        numeric: columns of quantities.
        coded: columns of codes; each distinct cell is one, even if it looks like a number.
        ignored: columns that are not read.
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
        """The names of all declared columns."""
        return (*self.numeric, *self.coded, *self.ignored)

    def kind(self, name: str) -> Kind | None:
        """Return the declared kind of a column that is not ignored; None if it was not declared."""
        return "numeric" if name in self.numeric else "coded" if name in self.coded else None


@dataclass(frozen=True)
class TableSettings:
    """All settings of the tables of a data set."""

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
    """Return whether a file system accepts `name`, which is part of the paths of result folders."""
    try:
        return "\0" not in name and len(name.encode()) <= MOST_NAME
    except UnicodeEncodeError:  # a lone surrogate
        return False
