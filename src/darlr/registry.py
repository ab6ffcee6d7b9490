"""Registries of named things that anybody may extend: methods, rewards, trackers, world models, data sets, opponents, metrics.

An entry comes from darlr itself, from a call (`darlr.register_method(...)`), or from a package that names the entry point
group `darlr.plugins` in its metadata. An entry point names either a module, which registers its entries when it is
imported, or a function without arguments, which registers them when it is called.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from darlr.errors import InputError, unknown

Entry = TypeVar("Entry")

PLUGINS = "darlr.plugins"
"""The entry point group of packages that extend darlr."""


class Registry(Mapping[str, Entry]):
    """The entries of one kind by name: first darlr's own, then the others in the order of their registration."""

    def __init__(self, noun: str, builtin: Callable[[], Mapping[str, Entry]]) -> None:
        """
        Args:
            noun: the word for an entry in messages, for example "method".
            builtin: returns darlr's own entries; called once, when an entry is first needed.
        """
        self._noun, self._builtin = noun, builtin
        self._own: Mapping[str, Entry] | None = None
        self._others: dict[str, Entry] = {}

    def register(self, name: str, entry: Entry) -> Entry:
        """Add `entry` under `name`, and return it.

        Raises:
            InputError: if the name is empty or taken.
        """
        if not name:
            raise InputError(f"a {self._noun} needs a name; found an empty one")
        if name in self._builtins() or name in self._others:
            raise InputError(f"there is a {self._noun} named '{name}' already; expected another name")
        self._others[name] = entry
        return entry

    def unregister(self, name: str) -> None:
        """Remove an entry that `register` added.

        Raises:
            InputError: if no entry of that name was registered; darlr's own entries cannot be removed.
        """
        if name not in self._others:
            raise unknown(f"registered {self._noun}", name, self._others)
        del self._others[name]

    def __getitem__(self, name: str) -> Entry:
        """Return the entry named `name`.

        Raises:
            InputError: if there is none; the message suggests the nearest name.
        """
        entries = self._all()
        if name not in entries:
            raise unknown(self._noun, name, entries)
        return entries[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the entry named `name`, or `default` if there is none."""
        return self._all().get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _builtins(self) -> Mapping[str, Entry]:
        if self._own is None:
            self._own = dict(self._builtin())
        return self._own

    def _all(self) -> dict[str, Entry]:
        load_plugins()
        return {**self._builtins(), **self._others}


def load_plugins() -> None:
    """Load the plugins of installed packages, each once in a process.

    Raises:
        InputError: naming the plugin that fails.
    """
    for point in _installed(tuple(sys.path)):
        if point not in _begun:  # one that looks into a registry while it is loaded does not begin again
            _begun.add(point)
            try:
                _load(point)
            except InputError:
                _begun.discard(point)
                raise


_begun: set[EntryPoint] = set()


@cache
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Find the entry points of darlr's plugins; a search of all installed packages is slow, so it runs once for each `path`."""
    return tuple(entry_points(group=PLUGINS))


def _load(point: EntryPoint) -> None:
    try:
        loaded = point.load()
        if callable(loaded):
            loaded()
    except InputError:
        raise
    except Exception as error:
        place = f"plugin '{point.name}' ({point.value})"
        raise InputError(f"{place} cannot be loaded: {type(error).__name__}: {error}; mend or uninstall it") from error
