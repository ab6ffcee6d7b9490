"""How the pictures look: plain, readable without colour vision, the same bytes for the same numbers."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours stay apart for the colour-blind.
POLICY, LIST, TRUTH, OTHER, GREY = "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#9a9a9a"
COLOURS = (LIST, POLICY, TRUTH, OTHER, "#E69F00", "#56B4E9", "#000000", "#F0E442")
SETTINGS = Path(__file__).with_name("pictures.mplstyle")


def figure(width: float, height: float) -> Figure:
    """An empty picture of so many inches."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(picture: Figure, rows: int, columns: int, **options: Any) -> list[Axes]:
    """The axes of a grid of panels, row by row."""
    return [axes for row in picture.subplots(rows, columns, squeeze=False, **options) for axes in row]


def write(picture: Figure, path: Path) -> None:
    """Save as SVG without a date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def named_at_end(axes: Axes, names: Sequence[str]) -> None:
    """Write each line's name beside its last point, in its colour, instead of a legend."""
    for line, name in zip(axes.lines, names, strict=False):
        x, y = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
        place = (float(x[-1]), float(y[-1]))
        axes.annotate(name, place, xytext=(4, 0), textcoords="offset points", color=line.get_color(), va="center", fontsize=8)


def styled() -> AbstractContextManager[None]:
    """A context in which figures have this style."""
    return rc_context(fname=SETTINGS)
