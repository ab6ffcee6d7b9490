"""A table of judges of policies compared with the truth."""

import math

from darlr.evaluation.agreement import Agreement, Validation
from darlr.evaluation.modes import REFEREE, SIMULATOR
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.table import NDCG
from darlr.report.rendering.table import Cell, Quantity, Table


def judge_label(judge: str) -> str:
    """Return the label of a judge."""
    name, _, propensities = judge.partition("/")
    if name in ESTIMATORS:
        return ESTIMATORS[name].label + (f", {propensities} propensities" if propensities else "")
    return {SIMULATOR: "own simulator", REFEREE: "referee", NDCG.name: f"held-out {NDCG.label}"}[name]


def validation_table(found: Validation) -> Table:
    """Return a row for each judge, the one that agrees most with the truth first."""
    order = sorted(found.agreements, key=lambda judge: _undefined_last(found.agreements[judge]), reverse=True)
    rows = tuple(_row(judge, found) for judge in order)
    best, worst = max(found.truth, key=found.truth.__getitem__), min(found.truth, key=found.truth.__getitem__)
    notes = (
        f"{len(found.truth)} policies; true returns from {found.truth[worst]:.4g} ({_name(worst)}) to {found.truth[best]:.4g}"
        f" ({_name(best)}).",
        "tau: Kendall's tau-b with the true returns; interval: 95%, bootstrap of policies. Regret: the best true return less"
        " that of the judge's choice. Doubted: policies that the judge says it cannot tell.",
        "tau, a step: with the true mean reward of a single recommendation, which is what estimators estimate.",
        *(f"Note: {text}." for text in found.notes),
    )
    header = ("judge", "tau", "interval", "regret", "its choice", "doubted", "tau, a step")
    return Table(f"Judges of policies on {found.dataset}", header, rows, notes)


def _row(judge: str, found: Validation) -> tuple[Cell, ...]:
    each = found.agreements[judge]
    interval = None if math.isnan(each.low) else f"{each.low:.2f} to {each.high:.2f}"
    choice = _name(each.chosen[0]) if len(each.chosen) == 1 else f"{len(each.chosen)} alike"
    doubted = f"{len(found.doubted[judge])} of {each.policies}" if judge in found.doubted else None
    step_tau = _quantity(found.step_taus[judge])
    return judge_label(judge), _quantity(each.tau), interval, _quantity(each.regret), choice, doubted, step_tau


def _quantity(value: float) -> Quantity | None:
    return None if math.isnan(value) else Quantity(value)


def _undefined_last(each: Agreement) -> float:
    return -math.inf if math.isnan(each.tau) else each.tau


def _name(policy: str) -> str:
    return policy.replace("_", " ")
