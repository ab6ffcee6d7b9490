"""A test of non-inferiority, with a margin declared beforehand: is a policy not worse than another one?"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["not worse", "worse", "cannot be told"]


@dataclass(frozen=True)
class Difference:
    """Two policies by one measure, over the same rows.

    Attributes:
        measure: its label.
        ours, theirs: values of the new policy, and of the one that it would replace.
        low, high: the 95% interval of ours minus theirs, paired by user.
    """

    measure: str
    ours: float
    theirs: float
    low: float
    high: float

    def outcome(self, margin: float) -> Outcome:
        """Return "not worse" if the whole interval lies above the tolerated loss, "worse" if it lies below.

        Args:
            margin: the tolerated loss, as a share of `theirs`.
        """
        least = -margin * abs(self.theirs)
        if self.low >= least:
            return "not worse"
        return "worse" if self.high < least else "cannot be told"

    def line(self, margin: float) -> str:
        """Return the outcome as a line of text."""
        surely = self.high < 0
        by = "by more than may be lost " if surely else ""
        words = {
            "not worse": "worse by less than may be lost" if surely else "not worse",
            "worse": f"worse by {self.theirs - self.ours:.4g}",
            "cannot be told": f"whether it is worse {by}cannot be told from this log",
        }
        return (
            f"{words[self.outcome(margin)]}: {self.measure} {self.ours:.4g} against {self.theirs:.4g}, difference "
            f"{self.low:+.4g} to {self.high:+.4g}, and {margin * abs(self.theirs):.4g} may be lost"
        )
