"""Tables of the values of policies by a log alone, from a summary."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from darlr.evaluation.names import SKIPPING
from darlr.evaluation.off_policy.estimating import CANNOT_BE_TOLD
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.off_policy.session_values import SESSION_ESTIMATORS
from darlr.evaluation.statistics import ranks
from darlr.evaluation.table import NDCG
from darlr.report.rendering.table import Cell, Quantity, Table

OFF_POLICY = "off_policy"
"""The entry of a summary."""
TWINS_NOTE = "skipping lists that come out the same as their lists have no rows of their own"
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def judgement_table(title: str, found: Mapping[str, Any]) -> Table:
    """Return the policies by the estimators, from a summary's entry `OFF_POLICY`; ranks are by the first estimator that
    supports most.

    Columns without a supported value are left out. A policy whose value is not supported has a line with the reason.
    """
    found = _without_twins(found)
    names = [name for name in ESTIMATORS if any(name in values for values in found["estimates"].values())]
    whole = list(SESSION_ESTIMATORS) if found["sessions"] else []
    ranking, order = _ranks(found["estimates"], names)
    rows: list[tuple[Cell, ...]] = []
    for policy, values in found["estimates"].items():
        told = _told_by_some(values)
        label = policy.replace("_", " ")
        cells = [_cell(values.get(name)) for name in names]
        cells += [_cell(found["sessions"][policy][name]) for name in whole]
        effective = Quantity(found["support"][policy]["items"]["effective"], digits=0)
        rows.append((label, None if told else CANNOT_BE_TOLD, *cells, order.get(policy), effective))
    logged = found["logged"]
    labels = [*(ESTIMATORS[name].label for name in names), *(f"session, {SESSION_ESTIMATORS[name][0]}" for name in whole)]
    header = ("policy", "value", *labels, "rank", "effective rows")
    notes = [
        f"Mean reward of a recommendation, half-widths of 95% intervals by bootstrap of users. The log's own: "
        f"{logged['value']:.4g} ({logged['low']:.4g} to {logged['high']:.4g}).",
        "The direct method is what the world model says, and needs no support. Opponents act greedily.",
        *(
            [f"rank: by {ESTIMATORS[ranking].label}, the estimator that can tell the most policies; 1 is the best."]
            if order
            else []
        ),
        "effective rows: as many rows of the policy's own would tell as much about it.",
        *(["Session: undiscounted return of a whole session of the log."] if whole else []),
        *(f"Note: {text}." for text in found["notes"]),
        *_objections(found["estimates"]),
        *(verdict["line"][:1].upper() + verdict["line"][1:] + "." for verdict in found["against_popular"]),
    ]
    return Table(title, header, tuple(rows), tuple(notes)).without_empty_columns()


def judgement_tables(title: str, found: Mapping[str, Any]) -> list[Table]:
    """Return `judgement_table`, and the ranks of policies by every estimator and by held-out ranking."""
    return [judgement_table(title, found), ranks_table(title, found)]


def ranks_table(title: str, found: Mapping[str, Any]) -> Table:
    """Return the rank of every policy, 1 the best, by every estimator among the supported values, and by NDCG on held-out
    rows.
    """
    found = _without_twins(found)
    estimates, sessions = found["estimates"], found["sessions"]
    columns = {estimator.label: _told_values(estimates, name) for name, estimator in ESTIMATORS.items()}
    columns |= {f"session, {label}": _told_values(sessions, name) for name, (label, _) in SESSION_ESTIMATORS.items()}
    columns[NDCG.label] = {
        policy: values[NDCG.name] for policy, values in found.get("held_out", {}).items() if policy in estimates
    }
    ranked = {label: _ranked(values) for label, values in columns.items()}
    rows = tuple((policy.replace("_", " "), *(places.get(policy) for places in ranked.values())) for policy in estimates)
    notes = (
        "1 is the best; equal values share their ranks. An estimator ranks the policies whose value it can tell from this log.",
        f"{NDCG.label} is of the lists' best items, so of policies that act greedily.",
    )
    return Table(f"{title}: ranks", ("policy", *ranked), rows, notes).without_empty_columns()


def _told_values(estimates: Mapping[str, Any], name: str) -> dict[str, float]:
    return {policy: values[name]["value"] for policy, values in estimates.items() if _told(values.get(name))}


def _ranked(values: Mapping[str, float]) -> dict[str, Quantity]:
    return {
        policy: Quantity(place, digits=int(place % 1 > 0))
        for policy, place in zip(values, ranks(list(values.values())), strict=True)
    }


def doubts(label: str, summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return lines about every verdict that a run is not better than the popular list, or that its log does not support one."""
    verdicts = [verdict for summary in summaries for verdict in summary.get(OFF_POLICY, {}).get("against_popular", [])]
    lines = [f"{label}: {verdict['line']}." for verdict in verdicts if verdict["finding"] != "better"]
    return list(dict.fromkeys(lines))


def is_twin(name: str, values: Mapping[str, Any]) -> bool:
    """Return whether `name` is a skipping list with the same values as its list."""
    plain = name.removesuffix(SKIPPING)
    return plain != name and {plain, name} <= values.keys() and bool(values[plain] == values[name])


def _without_twins(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry without skipping lists whose values are those of their lists, as they are where no visit is known."""
    estimates, ranked = found["estimates"], found.get("held_out", {})
    twins = {name for name in estimates if is_twin(name, estimates) and (not ranked or is_twin(name, ranked))}
    if not twins:
        return found
    notes = [*found.get("notes", ()), TWINS_NOTE]
    return {**found, "estimates": {name: each for name, each in estimates.items() if name not in twins}, "notes": notes}


def _told_by_some(values: Mapping[str, Any]) -> bool:
    return any(_told(each) for name, each in values.items() if ESTIMATORS[name].trusts != "model")


def _ranks(estimates: Mapping[str, Any], names: Sequence[str]) -> tuple[str, dict[str, Quantity]]:
    """Return the most trusted estimator that supports most policies, and their ranks by it; 1 is the best."""
    candidates = [name for name in names if ESTIMATORS[name].trusts != "model"]
    if not candidates:
        return "", {}
    known = {name: _told_values(estimates, name) for name in candidates}
    best = max(known, key=lambda name: len(known[name]))
    return best, _ranked(known[best])


def _objections(estimates: Mapping[str, Any]) -> list[str]:
    """Return the reasons for unsupported values; policies whose reasons differ only in numbers share a line."""
    reasons: dict[tuple[bool, str], dict[str, str]] = {}
    for policy, values in estimates.items():
        for text in next(iter(values.values()))["objections"][:1]:
            reasons.setdefault((_told_by_some(values), _NUMBER.sub("#", text)), {})[policy.replace("_", " ")] = text
    said = {False: CANNOT_BE_TOLD.capitalize(), True: "Told by the estimators that have a value, and by no others"}
    return [
        f"{said[told]}: {'; '.join(texts)}. The reason: {_in_ranges(list(texts.values()))}."
        for (told, _), texts in reasons.items()
    ]


def _in_ranges(texts: Sequence[str]) -> str:
    """Merge texts that differ only in numbers, with "7 to 12" in place of the different numbers."""
    pieces = [[*_NUMBER.split(text), ""] for text in texts]
    numbers = [[*_NUMBER.findall(text), ""] for text in texts]
    spans = (sorted(set(column), key=_quantity_of) for column in zip(*numbers, strict=True))
    shown = (span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans)
    return "".join(f"{piece}{number}" for piece, number in zip(pieces[0], shown, strict=False))


def _quantity_of(number: str) -> float:
    return float(number.replace(",", "").rstrip("%") or 0)


def _told(estimate: Mapping[str, Any] | None) -> bool:
    return estimate is not None and estimate["value"] is not None and not estimate["objections"]


def _cell(estimate: Mapping[str, Any] | None) -> Cell:
    if estimate is None or not _told(estimate):
        return None
    return Quantity(estimate["value"], _half(estimate))


def _half(estimate: Mapping[str, Any]) -> float | None:
    low, high = estimate["low"], estimate["high"]
    return None if low is None or high is None else (high - low) / 2
