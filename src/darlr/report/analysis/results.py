"""The tables at the end of a run: its results, and its opponents."""

from collections.abc import Mapping, Sequence
from typing import Any

from darlr.evaluation.modes import HELD_OUT, POLICIES
from darlr.evaluation.table import Metric, tabulated
from darlr.report.analysis.criteria import (
    CRITERIA,
    NOISY,
    NOISY_NOTE,
    SAMPLED_EVERYWHERE,
    every_user,
    judging_mode,
    means_of,
    over_seeds,
    recent,
    statistic_of,
)
from darlr.report.analysis.off_policy import OFF_POLICY, TWINS_NOTE, is_twin, judgement_tables
from darlr.report.analysis.user_groups import BY_GROUP, groups_table
from darlr.report.analysis.visits import VISITS, visits_table
from darlr.report.published.results import SOURCE, published, published_policy
from darlr.report.rendering.table import Cell, Quantity, Table

STATISTICS = {"paper": "all epochs", "last20": "last 20%", "chosen": "chosen epoch"}

_EPOCHS_NOTE = "all epochs: mean ± standard deviation over the epochs, as in the paper; last 20%: the same over the last fifth."
_CHOSEN_NOTE = "chosen epoch: the one that did best in the simulator."


def end_of_run(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> tuple[Table, ...]:
    """Return the tables for one run, or for several that differ in their seed: `results`, `opponents` and what else was tested.

    Args:
        summaries: one or more results of `summarise`; an entry `opponents` holds `Results`, one `off_policy` the judgement
            of a single run by its log.
        dataset, method: the names for titles.
    """
    shown = [results(summaries, dataset, method)]
    if any(summary.get("opponents") for summary in summaries):
        shown.append(opponents(summaries, dataset, method))
    if len(summaries) == 1 and OFF_POLICY in summaries[0]:
        shown += judgement_tables(f"{method} on {dataset}, by the log alone", summaries[0][OFF_POLICY])
    if tests := [summary[VISITS] for summary in summaries if VISITS in summary]:
        shown.append(visits_table(tests, dataset, method))
    if groups := [summary[BY_GROUP] for summary in summaries if BY_GROUP in summary]:
        shown.append(groups_table(f"{method} on {dataset}", [(method, groups)]))
    return tuple(shown)


def results(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> Table:
    """Return metrics of NX_0 (or of held-out rows), sampled and greedy, in every statistic, next to the published value.

    One run: value ± standard deviation over its epochs. Several: mean over the runs ± half-width of the 95% t interval.
    """
    mode = judging_mode(summaries)
    rows: list[tuple[Cell, ...]] = []
    for policy in POLICIES:
        for metric in tabulated(mode):
            cells = [_statistic(summaries, mode, policy, metric, statistic) for statistic in STATISTICS]
            if any(cell is not None for cell in cells):
                rows.append((policy, metric.label, *cells, _published(dataset, method, policy, metric)))
    notes = (
        [_EPOCHS_NOTE]
        if len(summaries) == 1
        else [f"Each: mean over {len(summaries)} seeds ± half-width of the 95% t interval."]
    )
    notes.append(_CHOSEN_NOTE)
    if any(row[-1] is not None for row in rows):
        notes.append(f"published: {SOURCE}; ± over the epochs of one run.")
    return Table(
        title=f"{method} on {dataset}, {CRITERIA[mode].title}",
        header=("policy", "metric", *STATISTICS.values(), "published"),
        rows=tuple(rows),
        notes=tuple(notes),
    ).without_empty_columns()


def opponents(summaries: Sequence[Mapping[str, Any]], dataset: str, method: str) -> Table:
    """Return the method (last 20% of epochs, and at the end) above the opponents, in NX_0 or on held-out rows."""
    mode = judging_mode(summaries)
    metrics = tabulated(mode)
    rows: list[tuple[Cell, ...]] = [
        (f"{method}, {policy}", *(recent(summaries, mode, policy, metric) for metric in metrics))
        for policy in POLICIES
        if policy in summaries[0].get(mode, {})
    ]
    if any("every_user" in summary for summary in summaries):
        rows.append((f"{method}, every user", *(every_user(summaries, mode, metric) for metric in metrics)))
    if any(summary.get(SAMPLED_EVERYWHERE) for summary in summaries):
        sampled = (every_user(summaries, mode, metric, SAMPLED_EVERYWHERE) for metric in metrics)
        rows.append((f"{method}, every user, sampled", *sampled))
    if any(summary.get(NOISY) for summary in summaries):
        rows.append((f"{method}, every user, noisy", *(every_user(summaries, mode, metric, NOISY) for metric in metrics)))
    twins: set[str] = set()
    for key, remark in (("opponents", ""), ("opponents_noisy", ", noisy")):
        values = {
            name: [summary[key][name].get(mode, {}) for summary in summaries if name in summary.get(key, {})]
            for name in dict.fromkeys(name for summary in summaries for name in summary.get(key, {}))
        }
        same = {name for name in values if mode == HELD_OUT and is_twin(name, values)}
        twins |= same
        for name in (name for name in values if name not in same):
            rows.append((name.replace("_", " ") + remark, *(over_seeds(values[name], metric) for metric in metrics)))
    return Table(
        title=f"{method} and static policies on {dataset}, {CRITERIA[mode].title}",
        header=("policy", *(metric.label for metric in metrics)),
        rows=tuple(rows),
        notes=(
            f"{method}, sampled or greedy: mean of the last 20% of epochs." + _seeds_note(summaries),
            f"every user, and static policies: {CRITERIA[mode].every_user}, after the last epoch.",
            *((NOISY_NOTE,) if any(summary.get(NOISY) for summary in summaries) else ()),
            *((f"{TWINS_NOTE[:1].upper()}{TWINS_NOTE[1:]}.",) if twins else ()),
        ),
    ).without_empty_columns()


def _seeds_note(summaries: Sequence[Mapping[str, Any]]) -> str:
    return f" ±: half-width of the 95% t interval over {len(summaries)} seeds." if len(summaries) > 1 else ""


def _statistic(
    summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: Metric, statistic: str
) -> Quantity | None:
    if len(summaries) == 1 and (entry := statistic_of(summaries[0], mode, policy, metric, statistic)):
        return Quantity(entry["mean"], entry["std"])
    return Quantity.over_seeds(means_of(summaries, mode, policy, metric, statistic))


def _published(dataset: str, method: str, policy: str, metric: Metric) -> Quantity | None:
    found = published(dataset, method, metric.name) if policy == published_policy(method) else None
    return None if found is None else Quantity(*found)
