"""A line that says whether a policy is better than the list of popular items."""

from dataclasses import dataclass
from typing import Literal

from darlr.evaluation.off_policy.estimating import CANNOT_BE_TOLD, Judged
from darlr.evaluation.off_policy.estimators import ESTIMATORS

POPULAR = "popular"

Finding = Literal["better", "worse", "not told apart", "cannot be told"]


@dataclass(frozen=True)
class Verdict:
    """A policy compared with the popular list, by one measure.

    Attributes:
        measure: the label of the estimator or metric.
        finding: the result by the 95% interval of the difference, a paired bootstrap over users.
        line: the result as a line of text.
    """

    measure: str
    finding: Finding
    line: str


def compared(measure: str, ours: float, theirs: float, low: float, high: float) -> Verdict:
    """Make the verdict from two values and the interval of their difference.

    Args:
        measure: the label.
        ours, theirs: the values.
        low, high: the interval of ours minus theirs.
    """
    finding: Finding = "worse" if high < 0 else "better" if low > 0 else "not told apart"
    words = {"worse": "worse than popular", "better": "better than popular", "not told apart": "not told apart from popular"}
    values = f"{ours:.4g} against {theirs:.4g}, difference {low:+.4g} to {high:+.4g}"
    return Verdict(measure, finding, f"{words[finding]} by {measure}: {values}")


def against_popular(judged: Judged, policy: str) -> Verdict:
    """Make the verdict by the most trusted estimator that supports both values."""
    found = judged.difference(policy, POPULAR)
    if found is not None:
        name, _, low, high = found
        ours, theirs = (judged.estimates[each][name].value for each in (policy, POPULAR))
        return compared(ESTIMATORS[name].label, ours, theirs, low, high)
    objections = [
        f"{each}: {judged.estimates[each]['dr'].objections[0]}"
        for each in (policy, POPULAR)
        if judged.estimates[each]["dr"].objections
    ]
    return Verdict("value", "cannot be told", f"whether it is better than popular {CANNOT_BE_TOLD}: {'; '.join(objections)}")
