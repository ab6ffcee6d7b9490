"""Diagnostics of how well a log supports a policy's value; they come before every value."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.terms import Floats

LEAST_EFFECTIVE = 100.0
"""The least effective sample size of the weighted log; the mean of fewer rows is hardly normal."""

MOST_UNSUPPORTED = 0.05
"""The largest share of a policy's recommendations that the log never shows."""

WEIGHT_BOUNDS = (0.9, 1.1)
"""The mean weight is 1 if propensities are right and cover the policy; an interval wholly outside these bounds shows that
they are not.
"""


def is_deterministic(propensities: Floats) -> bool:
    """Return whether the policy that showed items with these `propensities` (n,) was deterministic."""
    return bool((propensities >= 1 - 1e-9).all())


@dataclass(frozen=True)
class Support:
    """Diagnostics of the weights with which a log represents a policy.

    Attributes:
        rows: number of logged recommendations.
        effective: (sum w)^2 / sum w^2 (Kish, 1965), the equivalent number of rows from the policy itself.
        unsupported: share of the policy's recommendations that the log never shows.
        largest: the largest weight.
        largest_share: its share of the sum of all weights.
        mean_weight, low, high: mean of the weights and its 95% interval.
        deterministic: whether the logging policy was deterministic.
    """

    rows: int
    effective: float
    unsupported: float
    largest: float
    largest_share: float
    mean_weight: float
    low: float
    high: float
    deterministic: bool

    @classmethod
    def of(cls, decisions: Decisions, weights: Floats) -> "Support":
        """Compute the diagnostics.

        Args:
            decisions: the decisions.
            weights: (n,) of items, or of groups of items.
        """
        total, n = float(weights.sum()), len(weights)
        mean = total / n
        half = NormalDist().inv_cdf(0.975) * float(weights.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
        unsupported = decisions.unsupported
        return cls(
            rows=n,
            effective=total**2 / float(np.square(weights).sum()) if total > 0 else 0.0,
            unsupported=0.0 if unsupported is None else float(unsupported.mean()),
            largest=float(weights.max()),
            largest_share=float(weights.max()) / total if total > 0 else 0.0,
            mean_weight=mean,
            low=mean - half,
            high=mean + half,
            deterministic=is_deterministic(decisions.propensities),
        )

    def objections(self) -> list[str]:
        """Return reasons why the log does not support the policy's value, each with a remedy; empty if it does."""
        if self.deterministic:
            return [
                "every propensity is 1: the logging policy was deterministic and never tried anything else; "
                "needed: a log in which other items are shown now and then, with the probability of each"
            ]
        found = []
        if self.unsupported > MOST_UNSUPPORTED:
            found.append(
                f"{self.unsupported:.0%} of its recommendations are items that the log never shows; "
                "needed: a log that shows them now and then"
            )
        if self.effective < LEAST_EFFECTIVE:
            needed = (
                f"about {math.ceil(self.rows * LEAST_EFFECTIVE / self.effective):,} such rows"
                if self.effective > 0
                else "rows that show what it recommends"
            )
            found.append(
                f"its {self.rows:,} rows are worth {self.effective:.0f} of the policy's own (at least "
                f"{LEAST_EFFECTIVE:.0f} expected); needed: {needed}"
            )
        elif self.high < WEIGHT_BOUNDS[0] or self.low > WEIGHT_BOUNDS[1]:
            found.append(
                f"weights are {self.mean_weight:.2f} on average, not 1, so propensities are wrong or do not cover the policy; "
                "needed: propensities as logged, of all that it recommends"
            )
        return found
