"""How large a picture is and how its text is set: on a screen, in a column of a paper, across a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """A picture of panels.

    Attributes:
        width: of the picture in inches; None: as wide as its panels need.
        panel: width and height of a panel in inches; in a picture of fixed width its panels share that, and the height counts.
        columns: panels side by side at most; None: all of a data set.
        points: of the text.
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
"""By name; the widths are those of a two-column paper (84 and 178 mm)."""
