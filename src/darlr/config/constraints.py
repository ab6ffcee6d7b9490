"""The documentation and the limits of a setting, written once, beside its field.

Each section of a run's settings is a frozen dataclass derived from `Section`. Its fields read

    discount: Annotated[float, Setting("gamma, the weight of a reward one step later", at_least=0, at_most=1)] = 0.9

`Section` refuses values outside the limits. `darlr config`, the settings reference and the JSON schema print the same fields.
"""

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from darlr.errors import InputError
from darlr.text import brief

LARGEST = 2**63 - 1
"""The largest whole number that a setting may have."""
SINGLE = 3.4e38
"""The largest number in single precision; a larger setting would become infinite."""
MOST_VALUES = 100
"""The largest length of a list."""


@dataclass(frozen=True)
class Setting:
    """The documentation and the limits of one setting.

    Attributes:
        doc: one line of documentation; it gives published values where they differ from the default.
        at_least, at_most, above, below: limits of a number, or of every number in a list.
        filled: whether a list needs at least one entry.
        distinct: whether the entries of a list must differ.
        multiple_of: a key in the same section; the value must be a multiple of that setting.
    """

    doc: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    filled: bool = False
    distinct: bool = False
    multiple_of: str = ""

    @property
    def limits(self) -> str:
        """The limits in words, for example "from 0 to 1"; empty if there are none."""
        match (self.at_least, self.above, self.at_most, self.below):
            case (None, None, None, None):
                return ""
            case (None, low, None, high) if low is not None and high is not None:
                return f"between {_shown(low)} and {_shown(high)}, both excluded"
            case (low, None, high, None) if low is not None and high is not None:
                return f"from {_shown(low)} to {_shown(high)}"
            case (low, None, None, None) if low is not None:
                return "0 or more" if low == 0 else f"at least {_shown(low)}"
            case (None, low, None, None) if low is not None:
                return f"above {_shown(low)}"
        parts = [
            f"{word} {_shown(bound)}"
            for word, bound in (
                ("at least", self.at_least),
                ("above", self.above),
                ("at most", self.at_most),
                ("below", self.below),
            )
            if bound is not None
        ]
        return " and ".join(parts)

    def holds(self, number: float) -> bool:
        """Return whether `number` lies within the limits."""
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )


def _shown(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:,.0f}" if 1e6 <= bound <= 1e15 else f"{bound:g}"


class Section:
    """A section of a run's settings. A frozen dataclass derived from it refuses values outside its fields' limits.

    Attributes:
        KEY: the section's key in a config, for example "a2c".
    """

    KEY: ClassVar[str]

    def __post_init__(self) -> None:
        for name, setting in settings_of(type(self)).items():
            self._require(name, setting, getattr(self, name))

    def _require(self, name: str, setting: Setting, value: Any) -> None:
        key = f"{self.KEY}.{name}"
        if isinstance(value, tuple):
            require(len(value) <= MOST_VALUES, key, value, f"at most {MOST_VALUES} values")
            amount = "one or more values" if setting.filled else "values"
            fine = all(setting.holds(part) for part in value) if setting.limits else True
            require(fine and not (setting.filled and not value), key, value, f"{amount}, each {setting.limits}")
            require(not setting.distinct or len(set(value)) == len(value), key, value, "values that differ")
        elif setting.limits and value is not None:
            require(setting.holds(value), key, value, setting.limits)
        if setting.multiple_of:
            unit = getattr(self, setting.multiple_of)
            expected = f"a positive multiple of {self.KEY}.{setting.multiple_of} ({unit})"
            require(value > 0 and value % unit == 0, key, value, expected)


def settings_of(kind: type[Any]) -> dict[str, Setting]:
    """Return the documented fields of a section by name."""
    return _settings_of(typing.cast(typing.Hashable, kind))


@cache
def _settings_of(kind: Any) -> dict[str, Setting]:
    hints = typing.get_type_hints(kind, include_extras=True)
    found = {}
    for field in dataclasses.fields(kind):
        for extra in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(extra, Setting):
                found[field.name] = extra
    return found


def documented(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, Any, Setting]]:
    """Yield (key, type without annotation, documentation) of every setting of the config `kind`; keys are dotted.

    Raises:
        TypeError: for a field without a `Setting`, which is a defect of the code.
    """
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint, key = hints[field.name], prefix + field.name
        if dataclasses.is_dataclass(hint):
            yield from documented(typing.cast(type[Any], hint), f"{key}.")
        elif field.name in (known := settings_of(kind)):
            yield key, hint, known[field.name]
        else:
            raise TypeError(f"the setting '{key}' is not annotated with a Setting")


def require_between(name: str, value: int, least: int, most: int) -> None:
    """Raise `InputError` unless `value`, of an option for example, is a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} is {brief(value)}; expected from {_shown(least)} to {_shown(most)}")


def require(condition: bool, key: str, value: object, expected: str) -> None:
    """Raise `InputError` unless `condition` holds; the message names the key, its value and the expected values."""
    if not condition:
        shown = list(value) if isinstance(value, tuple) else value
        raise InputError(f"config key '{key}' is {brief(shown)}; expected {expected}")
