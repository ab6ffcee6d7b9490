"""How well a judge of policies agrees with the truth: Kendall's rank correlation, and what choosing by the judge costs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """A judge beside the truth.

    Attributes:
        tau: Kendall's tau-b of the judge's values and the true returns; NaN where one of them tells no policies apart.
        low, high: its 95% interval by bootstrap of the policies.
        regret: the best true return of all policies, less that of the judge's choice.
        chosen: the policies that the judge values most, one but for equal values.
        policies: how many the judge has a value for.
    """

    tau: float
    low: float
    high: float
    regret: float
    chosen: tuple[str, ...]
    policies: int


@dataclass(frozen=True)
class Validation:
    """Judges of policies beside the truth of a data set.

    Attributes:
        dataset: its name.
        truth: policy > true return of an episode.
        step_truth: policy > true mean reward of a single recommendation on the rows that judge, which is what
            estimators estimate; empty where no row judges.
        values: judge > policy > its value; NaN where it has none.
        doubted: judge > policies of which the judge says itself that it cannot tell their value.
        agreements: judge > how it agrees with `truth`.
        step_taus: judge > Kendall's tau-b with `step_truth`; NaN where that is empty.
        notes: what a reader must know of the rows that judge.
    """

    dataset: str
    truth: Mapping[str, float]
    step_truth: Mapping[str, float]
    values: Mapping[str, Mapping[str, float]]
    doubted: Mapping[str, tuple[str, ...]]
    agreements: Mapping[str, Agreement]
    step_taus: Mapping[str, float]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a number that there is not is None."""
        judges = {
            judge: {
                **{key: _plain(value) for key, value in asdict(found).items()},
                "step_tau": _plain(self.step_taus[judge]),
                "doubted": list(self.doubted.get(judge, ())),
                "values": {policy: _plain(value) for policy, value in self.values[judge].items()},
            }
            for judge, found in self.agreements.items()
        }
        return {
            "dataset": self.dataset,
            "true_returns": dict(self.truth),
            "true_rewards_of_a_recommendation": dict(self.step_truth),
            "judges": judges,
            "notes": list(self.notes),
        }


def agreement(values: Mapping[str, float], truth: Mapping[str, float], generator: np.random.Generator) -> Agreement:
    """A judge's `values` by policy beside the true returns; policies whose value is NaN are left out of all but the best."""
    known, judged, true = _known(values, truth)
    chosen = tuple(policy for policy in known if values[policy] == judged.max())
    regret = regret_of_choice(judged, true, max(truth.values())) if known else math.nan
    return Agreement(kendall_tau(judged, true), *tau_interval(judged, true, generator), regret, chosen, len(known))


def tau_of(values: Mapping[str, float], truth: Mapping[str, float]) -> float:
    """Kendall's tau-b of values by policy, without those that are NaN, and the truth."""
    _, judged, true = _known(values, truth)
    return kendall_tau(judged, true)


def kendall_tau(ours: Floats, theirs: Floats) -> float:
    """Kendall's tau-b (Kendall, 1945): sum of sign products over pairs / sqrt(untied pairs of one * untied pairs of the other).

    Args:
        ours, theirs: (n,) values of the same things. NaN where all of `ours` or all of `theirs` are equal.
    """
    return float(_tau(_signs(ours)[None], _signs(theirs)[None])[0])


def tau_interval(ours: Floats, theirs: Floats, generator: np.random.Generator) -> tuple[float, float]:
    """The 95% percentile interval of `kendall_tau` over resamples of the n things.

    A thing and its copy are tied in both, so such pairs do not count. NaN without a resample that tells things apart.
    """
    n = len(ours)
    if n < 2:
        return math.nan, math.nan
    drawn = generator.integers(n, size=(RESAMPLES, n))
    pairs = drawn[:, :, None], drawn[:, None, :]
    found = _tau(_signs(ours)[pairs], _signs(theirs)[pairs])
    found = found[np.isfinite(found)]
    if len(found) == 0:
        return math.nan, math.nan
    low, high = np.quantile(found, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def regret_of_choice(values: Floats, truth: Floats, best: float) -> float:
    """`best` less the `truth` (n,) of the greatest of `values` (n,); less their mean where several are greatest."""
    return best - float(truth[values == values.max()].mean())


def _known(values: Mapping[str, float], truth: Mapping[str, float]) -> tuple[list[str], Floats, Floats]:
    """The policies that have a value, their values, and the truth of them."""
    known = [policy for policy in truth if not math.isnan(values[policy])]
    judged, true = (np.array([of[policy] for policy in known], np.float64) for of in (values, truth))
    return known, judged, true


def _signs(values: Floats) -> Floats:
    """(n, n) the sign of every difference."""
    signs: Floats = np.sign(values[:, None] - values[None, :])
    return signs


def _tau(ours: Floats, theirs: Floats) -> Floats:
    """(r,) of signs (r, n, n), in which every pair stands twice."""
    untied = np.sqrt((ours**2).sum(axis=(1, 2)) * (theirs**2).sum(axis=(1, 2)))
    agreeing = (ours * theirs).sum(axis=(1, 2))
    found: Floats = np.divide(agreeing, untied, out=np.full(len(untied), math.nan), where=untied > 0)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
