"""Summaries of runs -> the tables at the end of a run: its results, and what a user would otherwise pick."""

from collections.abc import Mapping, Sequence
from typing import Any

from darlr.report.published.results import SOURCE, published, published_policy
from darlr.report.rendering.table import Cell, Quantity, Table

METRICS = {
    "nx_0": {"r_tra": "R_tra", "r_each": "R_each", "length": "Length", "mcd": "MCD", "cv": "CV"},
    "held_out": {"ndcg_10": "NDCG@10", "recall_10": "recall@10"},
}
TITLES = {"nx_0": "NX_0", "held_out": "held-out log rows (no truth)"}
STATISTICS = {"paper": "all epochs", "last20": "last 20%", "chosen": "chosen epoch"}

EVERY_USER = {
    "nx_0": "one greedy episode for each user of the test world",
    "held_out": "each user with held-out rows",
}
"""What a policy is judged on after the last epoch, and static policies alone, by what the run is judged by."""

_EPOCHS_NOTE = "all epochs: mean ± standard deviation over the epochs, as in the paper; last 20%: the same over the last fifth."
_CHOSEN_NOTE = "chosen epoch: the one that did best in the simulator."


def end_of_run(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> tuple[Table, ...]:
    """The tables to show for one run, or for several that differ in their seed: `results` and, if there are any, `opponents`.

    `summaries`: one or more of `summarise`; an entry `opponents` > name > mode > metric holds the static policies' values.
    """
    shown = [results(summaries, dataset, method)]
    if any(summary.get("opponents") for summary in summaries):
        shown.append(opponents(summaries, dataset, method))
    return tuple(shown)


def results(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> Table:
    """Metrics of NX_0 (or of held-out rows), sampled and greedy, in every statistic, with the published value beside.

    One run: value ± standard deviation over its epochs. Several: mean over the runs ± half-width of the 95% t interval.
    """
    mode = judged_by(summaries)
    rows: list[tuple[Cell, ...]] = []
    for policy in ("sampled", "greedy"):
        for metric, label in METRICS[mode].items():
            cells = [_statistic(summaries, mode, policy, metric, statistic) for statistic in STATISTICS]
            if any(cell is not None for cell in cells):
                rows.append((policy, label, *cells, _published(dataset, method, policy, metric)))
    notes = (
        [_EPOCHS_NOTE]
        if len(summaries) == 1
        else [f"Each: mean over {len(summaries)} seeds ± half-width of the 95% t interval."]
    )
    notes.append(_CHOSEN_NOTE)
    if any(row[-1] is not None for row in rows):
        notes.append(f"published: {SOURCE}; ± over the epochs of one run.")
    return Table(
        title=f"{method} on {dataset}, {TITLES[mode]}",
        header=("policy", "metric", *STATISTICS.values(), "published"),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def opponents(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> Table:
    """The method (last 20% of epochs, and at the end) above the static policies, in NX_0 or on held-out rows."""
    mode = judged_by(summaries)
    metrics = METRICS[mode]
    rows: list[tuple[Cell, ...]] = [
        (f"{method}, {policy}", *(_recent(summaries, mode, policy, metric) for metric in metrics))
        for policy in ("sampled", "greedy")
        if policy in summaries[0].get(mode, {})
    ]
    if any("every_user" in summary for summary in summaries):
        rows.append((f"{method}, every user", *(every_user(summaries, mode, metric) for metric in metrics)))
    for name in dict.fromkeys(name for summary in summaries for name in summary.get("opponents", {})):
        values = [summary["opponents"][name].get(mode, {}) for summary in summaries if name in summary.get("opponents", {})]
        rows.append((name.replace("_", " "), *(Quantity.over_seeds(known_values(values, metric)) for metric in metrics)))
    kept = [index for index in range(1 + len(metrics)) if any(row[index] is not None for row in rows)]
    header = ("policy", *metrics.values())
    return Table(
        title=f"{method} and static policies on {dataset}, {TITLES[mode]}",
        header=tuple(header[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in rows),
        notes=(
            f"{method}, sampled or greedy: mean of the last 20% of epochs." + _seeds_note(summaries),
            f"every user, and static policies: {EVERY_USER[mode]}, after the last epoch.",
        ),
    )


def _seeds_note(summaries: Sequence[Mapping[str, Any]]) -> str:
    return f" ±: half-width of the 95% t interval over {len(summaries)} seeds." if len(summaries) > 1 else ""


def judged_by(summaries: Sequence[Mapping[str, Any]]) -> str:
    """What runs were judged by: NX_0, or held-out log rows where there was no truth."""
    return "nx_0" if any("nx_0" in summary for summary in summaries) else "held_out"


def statistic_of(summary: Mapping[str, Any], mode: str, policy: str, metric: str, statistic: str) -> Mapping[str, Any]:
    """`mean` and `std` in a summary; empty where it has no such mean."""
    entry: Mapping[str, Any] = summary.get(mode, {}).get(policy, {}).get(metric, {}).get(statistic, {})
    return entry if entry.get("mean") is not None else {}


def every_user(summaries: Sequence[Mapping[str, Any]], mode: str, metric: str) -> Quantity | None:
    """What the last epoch's policy is worth on every user, over seeds; None where no run was judged so."""
    return Quantity.over_seeds(known_values([summary.get("every_user", {}).get(mode, {}) for summary in summaries], metric))


def _entries(
    summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: str, statistic: str
) -> list[Mapping[str, Any]]:
    """The statistic in every summary that has it."""
    return [entry for summary in summaries if (entry := statistic_of(summary, mode, policy, metric, statistic))]


def _statistic(summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: str, statistic: str) -> Quantity | None:
    entries = _entries(summaries, mode, policy, metric, statistic)
    if len(summaries) == len(entries) == 1:
        return Quantity(entries[0]["mean"], entries[0]["std"])
    return Quantity.over_seeds([entry["mean"] for entry in entries])


def _recent(summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: str) -> Quantity | None:
    return Quantity.over_seeds([entry["mean"] for entry in _entries(summaries, mode, policy, metric, "last20")])


def known_values(values: Sequence[Mapping[str, float | None]], metric: str) -> list[float]:
    """The metric, of those that have it."""
    return [value for of_one in values if (value := of_one.get(metric)) is not None]


def _published(dataset: str, method: str, policy: str, metric: str) -> Quantity | None:
    found = published(dataset, method, metric) if policy == published_policy(method) else None
    return None if found is None else Quantity(*found)
