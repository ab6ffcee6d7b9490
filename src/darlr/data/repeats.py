"""Pairs of a user and an item that occur several times in a log."""

from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from darlr.data.log import InteractionLog
from darlr.data.tallies import ranges
from darlr.errors import InputError


def without_repeats(log: InteractionLog, reading: Literal["keep", "last", "mean", "sum"]) -> InteractionLog:
    """Return the log with each pair once; "keep" leaves it unchanged.

    - last: the row with the latest time; of equal times, or without times, the last row.
    - mean and sum: of the rewards, at the latest time; the log's range grows if a sum leaves it.

    A pair with its mean is liked if the mean is. A pair with its sum is liked if any of its rows is. That also holds if the
    reward alone does not decide (`InteractionLog.likes`).
    """
    if reading == "keep":
        return log
    if reading == "last":
        rows = _latest(log)
        return replace(log.rows(rows), likes=log.liked[rows])
    if log.signals:
        raise InputError(f"the log has signals of single rows, but repeats are merged ('{reading}'); expected 'keep' or 'last'")
    merged = _merged(log, reading)
    values = merged["reward"].to_numpy()
    by_mean = reading == "mean" and log.likes is None
    low, high = log.reward_range
    return replace(
        log,
        users=merged["user"].to_numpy(),
        items=merged["item"].to_numpy(),
        rewards=values,
        times=None if log.times is None else merged["time"].to_numpy(),
        reward_range=(min(low, float(values.min())), max(high, float(values.max()))),
        likes=values >= log.positive_threshold if by_mean else merged["liked"].to_numpy(),
    )


def _latest(log: InteractionLog) -> NDArray[np.intp]:
    """Return the last row of each pair, in order of time (of equal times, and without times, in the order of rows)."""
    found = []
    for rows, pairs in ranges(log.users, log.items, log.n_items):
        row = np.arange(len(log)) if rows is None else rows
        frame = pl.DataFrame({"pair": pairs, "row": row})
        if log.times is not None:
            frame = frame.with_columns(time=log.times[row]).sort("time", maintain_order=True)
        found.append(frame.unique("pair", keep="last", maintain_order=True)["row"].to_numpy())
    if len(found) == 1:
        return found[0]
    last = np.sort(np.concatenate(found))
    return last if log.times is None else last[np.argsort(log.times[last], kind="stable")]


def _merged(log: InteractionLog, reading: Literal["mean", "sum"]) -> pl.DataFrame:
    """Return each pair once, in the order of first rows: user, item, reward, whether any row is liked, and the latest time."""
    rewards = pl.col("reward").cast(pl.Float64)
    value = rewards.mean() if reading == "mean" else rewards.sum()
    last_time = [] if log.times is None else [pl.col("time").max()]
    found = []
    for rows, _ in ranges(log.users, log.items, log.n_items):
        part = log if rows is None else log.rows(rows)
        columns = {"user": part.users, "item": part.items, "reward": part.rewards, "liked": part.liked}
        frame = pl.DataFrame(columns | ({} if part.times is None else {"time": part.times}))
        if rows is not None:
            frame = frame.with_columns(row=rows)
        first_row = [] if rows is None else [pl.col("row").first()]
        merged = (value.cast(pl.Float32), pl.col("liked").any(), *last_time, *first_row)
        found.append(frame.group_by("user", "item", maintain_order=True).agg(merged))
    return found[0] if len(found) == 1 else pl.concat(found).sort("row")
