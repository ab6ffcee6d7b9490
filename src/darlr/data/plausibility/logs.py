"""A check whether a log, its truth and its catalogue can be as they were meant, whatever their source."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from darlr.data.catalog import ItemCatalog
from darlr.data.log import InteractionLog
from darlr.data.plausibility.findings import counted, examples
from darlr.data.source import LoadedDataset
from darlr.data.tallies import count_distinct, count_each
from darlr.world.world import ABSENT, World

ONCE = 0.9  # share of users, or of items, with a single row from which it is reported
UNITS = ((1e8, 1.0, "seconds"), (1e11, 1e3, "milliseconds"), (1e14, 1e6, "microseconds"), (1e17, 1e9, "nanoseconds"))
"""The size from which on times since 1970 are in a unit, the number of these units in a second, and the unit's name."""


def notes(loaded: LoadedDataset) -> tuple[str, ...]:
    """Return all notes on a data set, one line each: those of its reader, and those on its content."""
    dataset = loaded.dataset
    found = [
        *loaded.findings.notes,
        *_rewards(dataset.log),
        *_seen_once(dataset.log),
        *_times(dataset.log),
        *_categories(dataset.items),
        *_overlap(loaded),
    ]
    return tuple(dict.fromkeys(found))


def overlap(log: InteractionLog, world: World) -> int:
    """Return the number of cells of a test world that the log has seen."""
    inside = (world.rows(log.n_users) != ABSENT)[log.users] & (world.columns(log.n_items) != ABSENT)[log.items]
    return count_distinct(log.users[inside], log.items[inside])


def span(times: NDArray[np.float64]) -> str:
    """Return the earliest and the latest of `times` (n,), as dates if they can be seconds (or thousandths ...) since 1970."""
    low, high = float(times.min()), float(times.max())
    dates = [_date(low), _date(high)]
    if None in dates:
        return f"{low:.0f}..{high:.0f}, no dates"
    return f"{dates[0]} to {dates[1]} UTC, as numbers {low:.0f}..{high:.0f}"


def _date(time: float) -> str | None:
    for least, second, _ in reversed(UNITS):
        if abs(time) >= least:
            seconds = time / second
            if abs(seconds) > 2e11:
                return None
            return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return None


def _rewards(log: InteractionLog) -> Iterator[str]:
    low, high = log.reward_range
    least, most = float(log.rewards.min()), float(log.rewards.max())
    constant = least == most
    if constant and not log.positive_only:
        yield (
            f"every reward of the log is {least:g}, so its rows alone do not tell what users like: pairs without "
            "a row are taken as "
            f"worth {low:g}, the smallest"
        )
    if log.positive_only and not constant:
        yield (
            f"feedback is 'positive-only', but rewards run from {least:g} to {most:g}: every row counts as positive, the "
            f"smallest too, and pairs without a row as worth {low:g}; expected 'ratings' if low rewards are dislikes"
        )
    elif log.positive_only and (low, high) != (0.0, 1.0):
        yield (
            f"feedback is 'positive-only' with rewards in {low:g}..{high:g}, and every reward of the log is {least:g}: pairs "
            f"without a row count as worth {low:g}"
        )


def _seen_once(log: InteractionLog) -> Iterator[str]:
    for whom, indices, n in (("user", log.users, log.n_users), ("item", log.items, log.n_items)):
        rows = count_each(indices, n)
        seen = int((rows > 0).sum())
        once = int((rows == 1).sum())
        if seen > 1 and once >= ONCE * seen and len(log) > 1:
            what = f"no {whom} is" if once == seen else f"only {seen - once:,} of {seen:,} {whom}s are"
            yield f"{what} seen more than once in the log; do its {whom} ids name {whom}s, or rows?"


def _times(log: InteractionLog) -> Iterator[str]:
    if log.times is None:
        return
    low, high = float(log.times.min()), float(log.times.max())
    if low == high and len(log) > 1:
        yield f"every time of the log is {low:.0f}, so nothing in it follows anything"
    elif _calendar(log.times):
        yield f"times {low:.0f}..{high:.0f} look like dates written as numbers; expected seconds, or dates as 2020-07-05"
    elif len(units := _units(log.times)) > 1:
        (often, most), (seldom, least), *_ = units
        yield (
            f"{most:,} times of the log look like {often} since 1970 and {least:,} like {seldom}; expected one unit, as rows "
            "are put in order by these numbers"
        )


def _units(times: NDArray[np.float64]) -> list[tuple[str, int]]:
    """Return the units that the sizes of the times suggest, and how many times suggest each, the commonest first.

    The result is empty if the earliest and the latest suggest the same unit. Small numbers suggest none.
    """
    edges = [least for least, _, _ in UNITS]
    if len(set(np.searchsorted(edges, np.abs([times.min(), times.max()]), side="right"))) == 1:
        return []  # almost every log has one unit
    counts = np.bincount(np.searchsorted(edges, np.abs(times), side="right"), minlength=len(UNITS) + 1)[1:]
    found = [(name, int(count)) for (_, _, name), count in zip(UNITS, counts, strict=True) if count]
    return sorted(found, key=lambda unit: -unit[1])


def _calendar(times: NDArray[np.float64]) -> bool:
    """Return whether all times are numbers like 20200705 or 20200705123000."""
    low, high = float(times.min()), float(times.max())
    unit = 1.0 if low < 1e9 else 1e6
    if not (low // unit > 1.9e7 and high // unit < 2.2e7 and (times == np.floor(times)).all()):
        return False
    days = np.floor(times / unit)
    month, day = days // 100 % 100, days % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _categories(items: ItemCatalog) -> Iterator[str]:
    if items.n_categories == 0:
        return
    carried = np.bincount(items.categories[items.categories >= 0], minlength=items.n_categories)
    if items.n_categories > 1 and carried.max() <= 1:
        shown = examples(items.category_names)
        yield f"no two items share any of the {items.n_categories:,} categories ({shown}), so no items are alike"
    if len(items) > 1 and carried.max() == len(items):
        everywhere = [name for name, number in zip(items.category_names, carried, strict=True) if number == len(items)]
        yield f"every item has the category {examples(everywhere)}, so all items are alike"


def _overlap(loaded: LoadedDataset) -> Iterator[str]:
    if loaded.truth is None:
        return
    log, world = loaded.dataset.log, loaded.dataset.world
    if (world.n_users, world.n_items) == (log.n_users, log.n_items):
        return  # if the truth has all users and items, every row is part of it
    shared = overlap(log, world)
    if shared:
        cells = world.n_users * world.n_items
        yield (
            f"the log has {shared:,} of the truth's {counted(cells, 'cell')} ({shared / cells:.1%}); in these cells policies "
            "are judged by rewards that they learned from"
        )
