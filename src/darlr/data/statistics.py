"""Figures of a data set, by which a user sees whether it is the right one."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.plausibility.logs import overlap, span
from darlr.data.sessions import sessions_of
from darlr.data.source import LoadedDataset, Source, TableOne
from darlr.data.tallies import count_distinct, count_each

BARS = 10  # bars of a histogram of rewards with many values
FEW = 12
FIRST_ROWS = 3
COMMONEST = 5
REWARDS_AT_ONCE = 1_000_000  # rewards sorted at once to find distinct values; bounds the memory of a truth that is a memory map


def describe(loaded: LoadedDataset) -> tuple[tuple[str, str], ...]:
    """Return (label, figure) pairs of the log, the catalogue and the truth, in a readable order."""
    dataset, truth = loaded.dataset, loaded.truth
    log = dataset.log
    rows = [
        ("data set", dataset.name),
        ("log: users x items", f"{log.n_users:,} x {log.n_items:,}"),
        ("log: ids", f"users {log.user_ids[0]}..{log.user_ids[-1]}, items {log.item_ids[0]}..{log.item_ids[-1]}"),
        *(("log: " + label, figure) for label, figure in _log_figures(log)),
        *(("randomly shown: " + label, figure) for label, figure in _randomised_figures(dataset.randomised)),
        ("items: categories", _categories(dataset.items)),
        *_commonest(dataset.items),
        *(loaded.findings.figures or [*_features("items", dataset.items.features), *_features("users", dataset.user_features)]),
        *(("log: " + label, figure) for label, figure in _session_figures(dataset)),
        ("leave rule", f"{dataset.leave.by}, window {dataset.leave.window}, tolerance {dataset.leave.tolerance:g}"),
        ("test world: users x items", f"{dataset.world.n_users:,} x {dataset.world.n_items:,}"),
    ]
    if truth is None:
        return (*rows, ("truth", f"none: policies are judged on held-out log rows only{how_to_complete(loaded)}"))
    return (
        *rows,
        *(("truth: " + label, figure) for label, figure in _reward_figures(truth.rewards.ravel())),
        ("truth: cells also in the log", f"{overlap(log, truth.world):,}"),
    )


def beside_published(source: Source, loaded: LoadedDataset) -> tuple[tuple[str, str, str], ...]:
    """Return (label, ours, published) for all known figures of the published files and of the paper's Table 1."""
    counted = [
        (label, f"{loaded.counts[label]:,}" if label in loaded.counts else "not read", f"{number:,}")
        for label, number in source.published.items()
    ]
    if source.table_one is None:
        return tuple(counted)
    ours = table_one(loaded)
    test = "not read" if loaded.test_rows is None else ours.test
    return (
        *counted,
        ("Table 1: training users x items, density", ours.train, source.table_one.train),
        ("Table 1: test users x items, density", test, source.table_one.test),
    )


def table_one(loaded: LoadedDataset) -> TableOne:
    """Return the paper's line for the data as they were read: users and items that have rows, and rows over all pairs of
    them.
    """
    log, world = loaded.dataset.log, loaded.dataset.world
    users, items = _seen(log)
    tested = loaded.test_rows or 0
    return TableOne(
        users,
        items,
        100 * len(log) / (users * items),
        world.n_users,
        world.n_items,
        100 * tested / (world.n_users * world.n_items),
    )


def how_to_complete(loaded: LoadedDataset) -> str:
    """Return the end of a sentence that says that a data set has no truth: how to make one, if that is possible."""
    return f"; `darlr complete {loaded.dataset.name}` makes one" if loaded.exposed is not None else ""


def _log_figures(log: InteractionLog) -> list[tuple[str, str]]:
    users, items = _seen(log)
    cells = log.n_users * log.n_items
    feedback = "positive only" if log.positive_only else "ratings"
    return [
        ("rows", f"{len(log):,}"),
        ("density", f"{len(log) / cells:.3%}"),
        ("rows that repeat a pair", f"{len(log) - count_distinct(log.users, log.items):,}"),
        (
            "users, items without a row",
            f"{log.n_users - users:,}, {log.n_items - items:,}",
        ),
        ("feedback", f"{feedback} in {log.reward_range[0]:g}..{log.reward_range[1]:g}"),
        *_reward_figures(log.rewards),
        ("times", "none" if log.times is None else span(log.times)),
        *((f"row {row + 1}", _row(log, row)) for row in range(min(FIRST_ROWS, len(log)))),
    ]


def _session_figures(dataset: Dataset) -> list[tuple[str, str]]:
    """Return figures of the sessions, if the data set's leave rule is learned from them."""
    if dataset.leave.by != "learned":
        return []
    sessions = sessions_of(dataset.log, dataset.leave.session_gap)
    figures = f"{len(sessions):,}, of {sessions.lengths.mean():.3g} rows on average; {int(sessions.ended.sum()):,} ended"
    return [("sessions", figures)]


def _seen(log: InteractionLog) -> tuple[int, int]:
    """Return the numbers of users and of items that have rows."""
    users, items = count_each(log.users, log.n_users), count_each(log.items, log.n_items)
    return int(np.count_nonzero(users)), int(np.count_nonzero(items))


def _row(log: InteractionLog, row: int) -> str:
    """Format a row of the log as it was read."""
    time = "" if log.times is None else f", time {span(log.times[row : row + 1]).partition(' to ')[0].partition('..')[0]}"
    return f"user {log.user_ids[log.users[row]]}, item {log.item_ids[log.items[row]]}, reward {log.rewards[row]:g}{time}"


def _randomised_figures(randomised: InteractionLog | None) -> list[tuple[str, str]]:
    return [] if randomised is None else [("ratings", f"{len(randomised):,}"), *_reward_figures(randomised.rewards)]


def _reward_figures(rewards: NDArray[np.float32]) -> list[tuple[str, str]]:
    return [
        ("reward mean", f"{rewards.mean(dtype=np.float64):.4f}"),
        ("reward range", f"{rewards.min():g}..{rewards.max():g}"),
        ("reward histogram", _histogram(rewards)),
    ]


def _histogram(rewards: NDArray[np.float32]) -> str:
    """Return counts by value if there are few values, else by equal intervals."""
    if (few := _few_values(rewards)) is not None:
        return ", ".join(f"{value:g}: {count:,}" for value, count in few)
    counts, edges = np.histogram(rewards, bins=BARS)
    return ", ".join(f"{low:.2g}..{high:.2g}: {count:,}" for low, high, count in zip(edges, edges[1:], counts, strict=False))


def _few_values(rewards: NDArray[np.float32]) -> list[tuple[float, int]] | None:
    """Return (value, count) pairs, ascending, or None for more than FEW values, which the first block of most matrices
    shows.
    """
    counted: Counter[float] = Counter()
    for start in range(0, len(rewards), REWARDS_AT_ONCE):
        values, counts = np.unique(rewards[start : start + REWARDS_AT_ONCE], return_counts=True)
        counted.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if len(counted) > FEW:
            return None
    return sorted(counted.items())


def _categories(items: ItemCatalog) -> str:
    if items.n_categories == 0:
        return "none"
    each = (items.categories >= 0).sum(axis=1)
    return f"{items.n_categories}, {each.min()}..{each.max()} an item (mean {each.mean():.2f})"


def _commonest(items: ItemCatalog) -> list[tuple[str, str]]:
    """Return the categories that most items have."""
    if items.n_categories == 0:
        return []
    carried = np.bincount(items.categories[items.categories >= 0], minlength=items.n_categories)
    chosen = np.argsort(-carried, kind="stable")[:COMMONEST]
    without = int((items.categories < 0).all(axis=1).sum())
    return [
        ("items: commonest categories", ", ".join(f"{items.category_names[code]} ({carried[code]:,})" for code in chosen)),
        ("items: without a category", f"{without:,}"),
    ]


def _features(whose: str, features: Features) -> list[tuple[str, str]]:
    """Return features of data sets whose readers report no figures about them."""
    coded = zip(features.code_names, features.code_sizes, strict=True)
    return [
        *((f"{whose}: feature '{name}'", f"coded, {size:,} values") for name, size in coded),
        *((f"{whose}: feature '{name}'", "numeric, standardised") for name in features.numeric_names),
    ]
