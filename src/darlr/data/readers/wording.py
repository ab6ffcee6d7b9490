"""How messages about tables name what was set beside them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wording:
    """How messages name what was set beside the tables.

    Attributes:
        source: where it was set.
        repeats: how else a pair that stands several times can be read.
        missing: what gives absent cells of the truth a value.
    """

    source: Path | str
    repeats: str
    missing: str

    @property
    def label(self) -> str:
        """The source within a line."""
        return self.source.name if isinstance(self.source, Path) else self.source
