"""`darlr.compare`: the differences between runs in settings and results."""

from dataclasses import dataclass
from pathlib import Path

from darlr.api.rendering import Tables
from darlr.api.run import Run
from darlr.report.analysis.difference import compare as compare_places
from darlr.report.rendering.table import Table


@dataclass(frozen=True, repr=False)
class Comparison(Tables):
    """Two runs, or two groups of runs over seeds, side by side.

    Attributes:
        differing: settings, data and environment that differ between the sides.
        results: every metric on both sides, and the difference.
    """

    differing: Table
    results: Table

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of differing settings and of results."""
        return self.differing, self.results

    def __repr__(self) -> str:
        return f"Comparison({self.differing.title})"


def compare(first: Run | Path | str, second: Run | Path | str) -> Comparison:
    """Compare two runs, or two groups of runs over seeds.

    Args:
        first, second: a run or its folder; the folder's name without '-s<seed>' for all its seeds; or a folder whose runs
            differ in their seed alone.

    Raises:
        InputError: for places without finished runs of one setting, and for runs that cannot be compared.
    """
    return Comparison(*compare_places(_place(first), _place(second)))


def _place(run: Run | Path | str) -> Path:
    return run.path if isinstance(run, Run) else Path(run)
