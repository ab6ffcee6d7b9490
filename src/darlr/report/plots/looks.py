"""Sizes and fonts of figures: for a screen, for a column of a paper, and for the width of its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """The size and font of a figure of panels.

    Attributes:
        width: of the figure in inches; None: as wide as its panels need.
        panel: width and height of a panel in inches. In a figure of fixed width only the height counts, and the panels
            share the width.
        columns: largest number of panels side by side; None: all of a data set.
        points: size of the text.
        line: width of a curve in points.
    """

    width: float | None
    panel: tuple[float, float]
    columns: int | None
    points: float
    line: float


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "screen": Look(width=None, panel=(4.6, 3.5), columns=None, points=9.0, line=1.6),
        "column": Look(width=3.33, panel=(3.33, 1.9), columns=1, points=7.0, line=1.0),
        "page": Look(width=7.0, panel=(3.5, 2.1), columns=2, points=7.0, line=1.0),
    }
)
"""The looks by name; the widths are those of a two-column paper (84 and 178 mm)."""
