"""The names of settings in messages about tables."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wording:
    """The names of settings in messages about tables.

    Attributes:
        source: the place of the settings.
        repeats: the setting for reading repeated pairs.
        missing: the setting for absent cells of the truth.
    """

    source: Path | str
    repeats: str
    missing: str

    @property
    def label(self) -> str:
        """The source within a line."""
        return self.source.name if isinstance(self.source, Path) else self.source
