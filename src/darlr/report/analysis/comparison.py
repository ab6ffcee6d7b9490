"""The tables that compare methods: in the published form, at the end of learning, and over data sets."""

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from darlr.evaluation.modes import GREEDY, NX_0
from darlr.evaluation.statistics import bootstrap_interval, holm, mean_ranks, paired_difference
from darlr.evaluation.table import Metric, tabulated
from darlr.report.analysis.criteria import (
    CRITERIA,
    NOISY,
    NOISY_NOTE,
    SAMPLED_EVERYWHERE,
    every_user,
    judging_mode,
    probability,
    recent,
    statistic_of,
)
from darlr.report.analysis.off_policy import doubts
from darlr.report.analysis.opponents import opponents_of
from darlr.report.analysis.runs import Group
from darlr.report.published.curves import differing_leave_windows
from darlr.report.published.results import SOURCE, published, published_metrics, published_policy
from darlr.report.rendering.table import Cell, Quantity, Table, significance, with_best


def paper_table(dataset: str, groups: Sequence[Group]) -> Table:
    """Return mean ± standard deviation over the epochs of a run, as in the paper's tables, with published values next to
    ours.
    """
    mode = mode_of(groups)
    metrics = [metric for metric in tabulated(mode) if metric.name in published_metrics()] or tabulated(mode)
    header: list[str] = ["method", "seeds"]
    for metric in metrics:
        header += [metric.label, f"published {metric.label}"]
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        cells: list[Cell] = [group.label, str(len(group.runs))]
        for metric in metrics:
            ours, theirs = _over_epochs(group, mode, metric), published(dataset, group.method, metric.name)
            cells += [ours, None if ours is None or theirs is None else Quantity(*theirs)]
        rows.append(tuple(cells))
    rows = with_best(rows, {2 + 2 * place: metric.better for place, metric in enumerate(metrics)}, among=len(rows))
    notes = ["Mean ± standard deviation over all epochs of a run, both averaged over the seeds."]
    if any(cell is not None for row in rows for cell in row[3::2]):
        notes.append(f"published: {SOURCE}.")
        otherwise = differing_leave_windows(dataset, [(group.method, group.runs[0].settings) for group in groups])
        if otherwise:
            named = ", ".join(f"{method} (N = {window})" for method, window in otherwise.items())
            notes.append(f"Published with users who leave otherwise than here: {named}.")
    greedy = [group.label for group in groups if published_policy(group.method) == GREEDY]
    if greedy:
        notes.append(f"Tested greedily, as published: {', '.join(greedy)}; the others by sampling.")
    title = f"{dataset}, {CRITERIA[mode].title}, all epochs"
    return Table(title, tuple(header), tuple(rows), tuple(notes)).without_empty_columns()


def comparison_table(
    dataset: str, groups: Sequence[Group], baselines: Collection[str], generator: np.random.Generator
) -> Table:
    """Return the last 20% of epochs over seeds with 95% t intervals, each method against the best baseline, opponents below.

    Methods are tested on drawn users, the same for all. In addition, and for opponents only, every user counts once. The
    best baseline is the group with the largest mean of the main metric among the methods `baselines`. Runs are paired by
    seed. `generator` draws the bootstrap's resamples.
    """
    mode = mode_of(groups)
    main, policy = CRITERIA[mode].metric, CRITERIA[mode].policy
    best = best_baseline(groups, baselines)
    against, alone = _against(groups, best, generator)
    others = [metric for metric in tabulated(mode) if metric != main]
    name = main.label
    header = [
        "method",
        "seeds",
        f"{name}, {policy}",
        "difference",
        "bootstrap",
        "p",
        f"{name}, every user",
        f"{name}, every user, sampled",
        f"{name}, noisy users",
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            group.label,
            str(len(group.runs)),
            recent(group.summaries, mode, policy, main),
            *against[group.label],
            every_user(group.summaries, mode, main),
            every_user(group.summaries, mode, main, SAMPLED_EVERYWHERE),
            every_user(group.summaries, mode, main, NOISY),
            *(recent(group.summaries, mode, policy, metric) for metric in others),
        )
        for group in groups
    ]
    directions = dict.fromkeys((2, *range(6, 9)), main.better)
    directions |= {len(header) + place: metric.better for place, metric in enumerate(others)}
    rows = with_best(rows, directions, among=len(groups))
    opponents, noisy = opponents_of(groups, mode), opponents_of(groups, mode, "opponents_noisy")
    for policy_name, values in opponents.items():
        with_noise = noisy.get(policy_name, {}).get(main.name)
        shown: list[Cell] = [values.get(metric.name) for metric in others]
        rows.append((policy_name, None, None, None, None, None, values.get(main.name), None, with_noise, *shown))
    notes = [
        f"Mean over seeds of the last 20% of epochs ± half-width of the 95% t interval; {policy} where no policy is named."
    ]
    if best is not None:
        notes.append(f"difference: {name}, {policy}, less that of {best.label}, over the seeds that both have, ± half-width of")
        notes[-1] += (
            " its 95% t interval; bootstrap: the 95% percentile interval; p: paired t test, corrected for all rows (Holm)."
        )
    if best is not None and alone:
        notes.append(f"No seed in common with {best.label}: {', '.join(alone)}.")
    if len({_schedule(group) for group in groups}) > 1:
        notes.append("Not all rows have learned for the same number of epochs and steps.")
    if opponents:
        notes.append(
            f"every user: {CRITERIA[mode].every_user}, with the last epoch's policy; static policies are judged on "
            "that alone; sampled: the same with items drawn from the policy."
        )
        notes.append(f"Static policies, from {next(iter(opponents))} on, learn nothing in the simulator.")
    if any(summary.get(NOISY) for group in groups for summary in group.summaries):
        notes.append(NOISY_NOTE)
    notes += [line for group in groups for line in doubts(group.label, group.summaries)]
    title = f"{dataset}, {CRITERIA[mode].title}, last 20% of epochs"
    columns = (*header, *(metric.label for metric in others))
    return Table(title, columns, tuple(rows), tuple(notes)).without_empty_columns()


def _against(
    groups: Sequence[Group], best: Group | None, generator: np.random.Generator
) -> tuple[dict[str, tuple[Cell, Cell, Cell]], list[str]]:
    """Return by label the difference to the best baseline, bootstrap interval and p; also the labels without a common seed."""
    cells: dict[str, tuple[Cell, Cell, Cell]] = {group.label: (None, None, None) for group in groups}
    if best is None:
        return cells, []
    mode = mode_of(groups)
    main, policy = CRITERIA[mode].metric, CRITERIA[mode].policy
    theirs = last_by_seed(best, mode, policy, main)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for group in groups:
        ours = last_by_seed(group, mode, policy, main)
        pairs[group.label] = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    compared = {
        label: paired_difference(*zip(*both, strict=True)) for label, both in pairs.items() if both and label != best.label
    }
    tested = {label: difference.p for label, difference in compared.items() if difference.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    for label, difference in compared.items():
        low, high = bootstrap_interval([one - other for one, other in pairs[label]], generator)
        cells[label] = (
            Quantity(difference.mean, difference.half_width, mark=significance(corrected.get(label))),
            f"{low:.3g} to {high:.3g}" if difference.n > 1 else None,
            probability(corrected[label]) if label in corrected else None,
        )
    cells[best.label] = ("best baseline", None, None)
    return cells, [label for label, both in pairs.items() if not both]


def _schedule(group: Group) -> tuple[Any, Any]:
    settings = group.runs[0].settings
    return settings.get("training.epochs"), settings.get("training.steps_per_epoch")


def rank_table(datasets: Mapping[str, Sequence[Group]]) -> Table | None:
    """Return the mean rank over data sets by the main metric (last 20%, sampled); None for one data set or no common label."""
    results = {}
    for dataset, groups in datasets.items():
        mode = mode_of(groups)
        metric, policy = CRITERIA[mode].metric, CRITERIA[mode].policy
        values = {group.label: last_by_seed(group, mode, policy, metric) for group in groups}
        results[dataset] = {label: fmean(by_seed.values()) for label, by_seed in values.items() if by_seed}
    means = mean_ranks(results)
    if len(results) < 2 or len(means) < 2:
        return None
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (label, Quantity(rank), *(Quantity(results[dataset][label]) for dataset in results)) for label, rank in means.items()
    )
    return Table(
        "mean rank over data sets",
        ("method", "mean rank", *results),
        rows,
        ("Among the methods that every data set has; last 20% of epochs, mean over seeds.",),
    )


def mode_of(groups: Sequence[Group]) -> str:
    """Return the mode that judged the runs: NX_0, or held-out log rows if there was no truth."""
    return judging_mode([summary for group in groups for summary in group.summaries])


def best_baseline(groups: Sequence[Group], baselines: Collection[str]) -> Group | None:
    """Return the group of a method in `baselines` with the largest main metric (last 20% of epochs)."""
    mode = mode_of(groups)
    metric, policy = CRITERIA[mode].metric, CRITERIA[mode].policy
    values = [(last_by_seed(group, mode, policy, metric), group) for group in groups if group.method in baselines]
    means = [(fmean(by_seed.values()), group) for by_seed, group in values if by_seed]
    return max(means, key=lambda entry: entry[0])[1] if means else None


def last_by_seed(group: Group, mode: str, policy: str, metric: Metric) -> dict[int, float]:
    """Return the mean over the last 20% of epochs, by seed; seeds without the metric are left out."""
    entries = {run.seed: statistic_of(run.summary, mode, policy, metric, "last20") for run in group.runs}
    return {seed: entry["mean"] for seed, entry in entries.items() if entry}


def _over_epochs(group: Group, mode: str, metric: Metric) -> Quantity | None:
    policy = published_policy(group.method) if mode == NX_0 else CRITERIA[mode].policy
    entries = [entry for summary in group.summaries if (entry := statistic_of(summary, mode, policy, metric, "paper"))]
    if not entries:
        return None
    deviations = [entry["std"] for entry in entries if entry["std"] is not None]
    return Quantity(fmean(entry["mean"] for entry in entries), fmean(deviations) if deviations else None)
