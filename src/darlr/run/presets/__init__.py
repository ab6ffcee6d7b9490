"""Settings of runs that come with the package, by name."""

from importlib import resources
from pathlib import Path

from darlr.errors import unknown
from darlr.reading import is_file_or_pipe

SUFFIX = ".yaml"
FIRST = Path("first")
"""The quick start: a small generated world and a short schedule."""


def presets() -> list[str]:
    """Their names."""
    return sorted(file.name.removesuffix(SUFFIX) for file in resources.files(__name__).iterdir() if file.name.endswith(SUFFIX))


def settings_file(name: Path) -> Path:
    """The settings file that `name` means: the file of that path, else the preset of that name.

    A name with a suffix is always a path, and reading it reports a missing file. Raises `InputError` for an unknown preset.
    """
    if is_file_or_pipe(name) or name.suffix or name.parent != Path():
        return name
    if str(name) not in presets():
        raise unknown("settings file or preset", str(name), presets())
    return Path(str(resources.files(__name__).joinpath(f"{name}{SUFFIX}")))
