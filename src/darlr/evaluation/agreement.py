"""Agreement of a judge of policies with the truth: Kendall's rank correlation, and the regret of choosing by the judge."""

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
    """A judge compared with the truth.

    Attributes:
        tau: Kendall's tau-b of the judge's values and the true returns; NaN if one of them is constant.
        low, high: its 95% interval by bootstrap of the policies.
        regret: the best true return of all policies, minus that of the judge's choice.
        chosen: the policies that the judge values most; several only if their values are equal.
        policies: the number of policies for which the judge has a value.
    """

    tau: float
    low: float
    high: float
    regret: float
    chosen: tuple[str, ...]
    policies: int


@dataclass(frozen=True)
class Validation:
    """Judges of policies compared with the truth of a data set.

    Attributes:
        dataset: its name.
        truth: policy -> true return of an episode.
        step_truth: policy -> true mean reward of a single recommendation on the judging rows, which is the estimators'
            target; empty if there are no such rows.
        values: judge -> policy -> its value; NaN if there is none.
        doubted: judge -> policies whose value, according to the judge itself, cannot be estimated.
        agreements: judge -> its agreement with `truth`.
        step_taus: judge -> Kendall's tau-b with `step_truth`; NaN if that is empty.
        notes: lines that a reader must know about the judging rows.
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
        """Return plain values; a missing number is None."""
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
    """Compare a judge's `values` by policy with the true returns.

    A policy whose value is NaN only counts for the best true return.
    """
    known, judged, true = _known(values, truth)
    chosen = tuple(policy for policy in known if values[policy] == judged.max())
    regret = regret_of_choice(judged, true, max(truth.values())) if known else math.nan
    return Agreement(kendall_tau(judged, true), *tau_interval(judged, true, generator), regret, chosen, len(known))


def tau_of(values: Mapping[str, float], truth: Mapping[str, float]) -> float:
    """Return Kendall's tau-b of values by policy, without those that are NaN, and the truth."""
    _, judged, true = _known(values, truth)
    return kendall_tau(judged, true)


def kendall_tau(ours: Floats, theirs: Floats) -> float:
    """Return Kendall's tau-b (Kendall, 1945), NaN if all of `ours` or all of `theirs` are equal.

    It is the sum of sign products over pairs / sqrt(untied pairs of one * untied pairs of the other).

    Args:
        ours, theirs: (n,) two values of each thing.
    """
    return float(_tau(_signs(ours)[None], _signs(theirs)[None])[0])


def tau_interval(ours: Floats, theirs: Floats, generator: np.random.Generator) -> tuple[float, float]:
    """Return the 95% percentile interval of `kendall_tau` over resamples of the n things with values `ours`, `theirs` (n,).

    A thing and its copy are tied in both, so such pairs do not count. The interval is NaN if every resample is constant.
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
    """Return `best` minus the `truth` (n,) of the greatest of `values` (n,), or minus the mean truth if several are
    greatest.
    """
    return best - float(truth[values == values.max()].mean())


def _known(values: Mapping[str, float], truth: Mapping[str, float]) -> tuple[list[str], Floats, Floats]:
    """Return the policies that have a value, their values, and their true returns."""
    known = [policy for policy in truth if not math.isnan(values[policy])]
    judged, true = (np.array([of[policy] for policy in known], np.float64) for of in (values, truth))
    return known, judged, true


def _signs(values: Floats) -> Floats:
    """Return (n, n) the sign of every difference."""
    signs: Floats = np.sign(values[:, None] - values[None, :])
    return signs


def _tau(ours: Floats, theirs: Floats) -> Floats:
    """Return (r,) tau-b of signs (r, n, n), in which every pair occurs twice."""
    untied = np.sqrt((ours**2).sum(axis=(1, 2)) * (theirs**2).sum(axis=(1, 2)))
    agreeing = (ours * theirs).sum(axis=(1, 2))
    found: Floats = np.divide(agreeing, untied, out=np.full(len(untied), math.nan), where=untied > 0)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
