"""Grids that come with the package: the tables and figures of the paper, and reduced ones."""

from importlib import resources
from pathlib import Path

from darlr.errors import InputError
from darlr.reading import is_file_or_pipe

SUFFIX = ".yaml"


def presets() -> list[str]:
    """Their names."""
    return sorted(file.name.removesuffix(SUFFIX) for file in resources.files(__name__).iterdir() if file.name.endswith(SUFFIX))


def grid_file(name: Path) -> Path:
    """The file of the grid that is asked for: a file of that path, else the preset of that name.

    Raises `InputError` where there is neither.
    """
    if is_file_or_pipe(name) or name.suffix:
        return name
    found = Path(str(resources.files(__name__).joinpath(f"{name}{SUFFIX}")))
    if not found.is_file():
        raise InputError(f"{name}: no such file, and no preset of that name (presets: {', '.join(presets())})")
    return found
