"""Items' tags in the Kuaishou data sets: lists of ids in one cell."""

import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from darlr.data.parsing.tables import Table


def as_json_list(cell: str) -> Sequence[object] | None:
    """Return the tags of a cell like "[27, 9]"; None if the cell is not a list."""
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def as_joined(cell: str) -> Sequence[object] | None:
    """Return the tags of a cell like "12,65"; a blank cell has none."""
    try:
        return [int(part) for part in cell.split(",")] if cell.strip() else []
    except ValueError:
        return None


def read_tags(
    table: Table, column: str, items: NDArray[np.int64], slots: int, least: int, parse: Callable[[str], Sequence[object] | None]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return (I, slots) codes by item, -1 in unused places, and the tags' names, ascending by number.

    Args:
        table: the table.
        column: the column of tags.
        items: (rows,) the item of each row, all of 0..I-1 once.
        slots, least: the largest and the least number of tags of an item.
        parse: parses a cell.

    Raises:
        InputError: naming the line of a cell that is not a list of distinct whole numbers, or has too many or too few.
    """
    tags: list[list[int]] = []
    for row, cell in enumerate(table.text(column).fill_null("").to_list()):
        own = parse(cell)
        if own is None or not all(type(tag) is int and tag >= 0 for tag in own) or len(set(own)) < len(own):
            raise table.refuse(row, column, "a list of distinct tags, whole numbers from 0 on")
        if not least <= len(own) <= slots:
            raise table.refuse(row, column, f"{least} to {slots} tags, found {len(own)}")
        tags.append([int(str(tag)) for tag in own])
    names = sorted({tag for own in tags for tag in own})
    code_of = {tag: code for code, tag in enumerate(names)}
    codes = np.full((len(items), slots), -1, np.int32)
    for item, own in zip(items.tolist(), tags, strict=True):
        codes[item, : len(own)] = [code_of[tag] for tag in own]
    return codes, tuple(map(str, names))
