"""Results by the value of one setting, with all others equal (Figure 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darlr.report.analysis.runs import Group, differing_keys, order


@dataclass(frozen=True)
class Sweep:
    """A setting of a method that has several values.

    Attributes:
        method: the method.
        key: dotted, for example `selector.references`.
        values: ascending, each once.
        lines: groups that differ in this setting alone, by ascending value. If other settings were varied as well, there
            are several lines, whose names give the other settings.
    """

    method: str
    key: str
    values: tuple[Any, ...]
    lines: Mapping[str, Sequence[Group]]


def sweeps(groups: Sequence[Group]) -> list[Sweep]:
    """Return every setting in which groups of the same method and data set differ, all else equal, in order of appearance."""
    found = []
    for method in dict.fromkeys(group.method for group in groups):
        own = [group for group in groups if group.method == method]
        keys = differing_keys([group.runs[0].settings for group in own])
        found += [sweep for key in keys if (sweep := _sweep(method, key, own, keys)) is not None]
    return found


def _sweep(method: str, key: str, groups: Sequence[Group], differing: Sequence[str]) -> Sweep | None:
    others = [other for other in differing if other != key]
    alike: dict[str, list[Group]] = {}
    for group in groups:
        settings = group.runs[0].settings
        if key in settings:  # another version may lack it
            alike.setdefault(repr([settings.get(other, "absent") for other in others]), []).append(group)
    lines = [sorted(line, key=lambda group: order(_value(group, key))) for line in alike.values() if len(line) > 1]
    if not lines:
        return None
    values = sorted((_value(group, key) for line in lines for group in line), key=order)
    named = [other for other in others if len({repr(_value(line[0], other)) for line in lines}) > 1]
    names = [" ".join(f"{other}={_value(line[0], other)}" for other in named) or method for line in lines]
    unique = [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    return Sweep(method, key, tuple(unique), dict(zip(names, lines, strict=True)))


def _value(group: Group, key: str) -> Any:
    return group.runs[0].settings.get(key, "absent")
