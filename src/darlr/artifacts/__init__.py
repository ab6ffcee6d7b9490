"""The files of a run: atomic files, checked tensors, run folders and the record of the environment."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darlr.artifacts.files import write_bytes
    from darlr.artifacts.run_folder import RunFolder
    from darlr.artifacts.surroundings import environment
    from darlr.artifacts.tensors import read_tensors, write_tensors

__all__ = ["RunFolder", "environment", "read_tensors", "write_bytes", "write_tensors"]

# Imported on first use: some of these modules need torch, and code that writes a plain file does not.
_HOMES = {
    "RunFolder": "run_folder",
    "environment": "surroundings",
    "read_tensors": "tensors",
    "write_bytes": "files",
    "write_tensors": "tensors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
