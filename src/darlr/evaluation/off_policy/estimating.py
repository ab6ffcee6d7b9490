"""The values of several policies by all estimators, with intervals, diagnostics and objections."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from darlr.errors import InputError
from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.estimators import ESTIMATORS, estimators_for
from darlr.evaluation.off_policy.intervals import CONFIDENCE, Resampled, bootstrap_by_user
from darlr.evaluation.off_policy.support import Support
from darlr.evaluation.off_policy.terms import Terms

CANNOT_BE_TOLD = "cannot be told from this log"


@dataclass(frozen=True)
class Estimate:
    """A policy's mean reward of a recommendation by one estimator.

    Attributes:
        value: the estimate.
        low, high: its 95% interval by bootstrap of users. NaN for an estimate by the model alone, because resamples of the
            judging rows do not show the model's errors.
        objections: reasons why the log does not support the value, with remedies; empty if it does.
    """

    value: float
    low: float
    high: float
    objections: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether the log supports the value."""
        return not self.objections


@dataclass(frozen=True)
class Judged:
    """The estimates of several policies from one log.

    Attributes:
        logged: mean reward of the judging rows, the value of the policy that made the log.
        estimates: policy -> estimator -> estimate.
        support: policy -> "items" or "groups" -> diagnostics.
        resampled: values "policy/estimator" over the same resamples of the users.
    """

    logged: Estimate
    estimates: Mapping[str, Mapping[str, Estimate]]
    support: Mapping[str, Mapping[str, Support]]
    resampled: Resampled

    def comparable(self, one: str, other: str) -> str | None:
        """Return the most trusted estimator whose values of both policies the log supports; None if there is none.

        The direct method is excluded, because it only repeats the model.
        """
        both = self.estimates[one], self.estimates[other]
        for name, estimator in ESTIMATORS.items():
            if estimator.trusts != "model" and all(name in each and each[name].told for each in both):
                return name
        return None

    def difference(self, one: str, other: str) -> tuple[str, float, float, float] | None:
        """Return (estimator, one's value minus the other's, low, high of its 95% interval); None if no estimator supports
        both.
        """
        name = self.comparable(one, other)
        if name is None:
            return None
        value = self.estimates[one][name].value - self.estimates[other][name].value
        return (name, value, *self.resampled.difference(f"{one}/{name}", f"{other}/{name}"))


def judge(policies: Mapping[str, Decisions], generator: np.random.Generator) -> Judged:
    """Estimate the value of one or more `policies`; all decisions are about the same logged rows."""
    rows = next(iter(policies.values()))
    terms = {"log": Terms.mean(rows.rewards)}
    for policy, logged in policies.items():
        for name, estimator in estimators_for(logged).items():
            terms[f"{policy}/{name}"] = estimator.estimate(logged)
    resampled = bootstrap_by_user(terms, rows.users, generator)
    support = {policy: _support(logged) for policy, logged in policies.items()}
    refuted = _refuted(terms, resampled, support)
    estimates = {
        policy: {
            name: model_says(terms[f"{policy}/{name}"])
            if estimator.trusts == "model"
            else _estimate(f"{policy}/{name}", terms, resampled, support[policy][estimator.trusts], refuted.get(name, ()))
            for name, estimator in estimators_for(logged).items()
        }
        for policy, logged in policies.items()
    }
    return Judged(_estimate("log", terms, resampled, None), estimates, support, resampled)


def _refuted(
    terms: Mapping[str, Terms], resampled: Resampled, support: Mapping[str, Mapping[str, Support]]
) -> dict[str, tuple[str, ...]]:
    """Return, by estimator of groups, the reasons why the log contradicts its assumption.

    DR assumes less. If DR supports a policy's value and differs significantly from the estimator, weights of groups are
    wrong. The intervals of all differences hold together with `CONFIDENCE` (Bonferroni).
    """
    told = [policy for policy, found in support.items() if not found["items"].objections()]
    found: dict[str, tuple[str, ...]] = {}
    for name, estimator in ESTIMATORS.items():
        for policy in told if estimator.trusts == "groups" else ():
            one, other = f"{policy}/{name}", f"{policy}/dr"
            if one not in terms or name in found:
                continue
            low, high = resampled.difference(one, other, 1 - (1 - CONFIDENCE) / len(told))
            if low > 0 or high < 0:
                found[name] = (
                    f"{estimator.label} gives {terms[one].value:.4g} for '{policy}' and DR {terms[other].value:.4g}, so "
                    "categories do not decide the reward as it assumes; needed: categories of items that are alike",
                )
    return found


def point_estimate(logged: Decisions, name: str) -> tuple[float, tuple[str, ...]]:
    """Return a policy's value by the estimator `name`, without an interval, and the objections to it; NaN if all weights are 0.

    Raises:
        InputError: for an estimator of groups if items have none.
    """
    estimators = estimators_for(logged)
    if name not in estimators:
        raise InputError(f"'{name}' weights categories of items, but the items have none; expected another estimator")
    estimator = estimators[name]
    objections = () if estimator.trusts == "model" else tuple(_support(logged)[estimator.trusts].objections())
    return estimator.estimate(logged).value, objections


def model_says(terms: Terms) -> Estimate:
    """Return an estimate by the model alone, which has no interval."""
    return Estimate(terms.value, float("nan"), float("nan"))


def _support(logged: Decisions) -> dict[str, Support]:
    groups = logged.group_weights
    found = {"items": Support.of(logged, logged.weights)}
    return found if groups is None else {**found, "groups": Support.of(logged, groups)}


def _estimate(
    name: str, terms: Mapping[str, Terms], resampled: Resampled, support: Support | None, others: tuple[str, ...] = ()
) -> Estimate:
    objections = others if support is None else (*support.objections(), *others)
    return Estimate(terms[name].value, *resampled.interval(name), objections)
