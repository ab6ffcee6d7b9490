"""All methods by name: darlr's own, found in the files of this package, and those that others register."""

import importlib
import pkgutil
from collections.abc import Mapping

from darlr import methods
from darlr.methods.method import Method
from darlr.registry import Registry


def _own() -> Mapping[str, Method]:
    """Return the `Method` objects in the modules of `darlr.methods`, in the order of the files and of the lines in them."""
    found: dict[str, Method] = {}
    for module in pkgutil.iter_modules(methods.__path__):
        for entry in vars(importlib.import_module(f"{methods.__name__}.{module.name}")).values():
            if isinstance(entry, Method):
                found[entry.name] = entry
    return found


METHODS: Registry[Method] = Registry("method", _own)


def register_method(method: Method) -> Method:
    """Add a method under its own name.

    Raises:
        InputError: if the name is taken.
    """
    return METHODS.register(method.name, method)
