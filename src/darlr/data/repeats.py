"""Pairs of a user and an item that a log has several times."""

from dataclasses import replace
from typing import Literal

import polars as pl

from darlr.data.log import InteractionLog


def without_repeats(log: InteractionLog, reading: Literal["keep", "last", "mean", "sum"]) -> InteractionLog:
    """The log with each pair once; "keep" leaves it as it is.

    last: the row with the latest time (of equal times, or without times, the last row). mean and sum: of the rewards, at the
    latest time; the log's range grows with sums that leave it. A pair with its mean is liked where the mean is; with its sum,
    and where liking is no matter of the reward alone (`InteractionLog.likes`), where any of the rows is.
    """
    if reading == "keep":
        return log
    rows = pl.DataFrame({"user": log.users, "item": log.items, "reward": log.rewards, "liked": log.liked})
    if log.times is not None:
        rows = rows.with_columns(time=log.times)
    if reading == "last":
        latest = rows if log.times is None else rows.sort("time", maintain_order=True)
        rows = latest.unique(("user", "item"), keep="last", maintain_order=True)
    else:
        rewards = pl.col("reward").cast(pl.Float64)
        merged = rewards.mean() if reading == "mean" else rewards.sum()
        last_time = [] if log.times is None else [pl.col("time").max()]
        rows = rows.group_by("user", "item", maintain_order=True).agg(
            merged.cast(pl.Float32), pl.col("liked").any(), *last_time
        )
    values = rows["reward"].to_numpy()
    by_mean = reading == "mean" and log.likes is None
    low, high = log.reward_range
    return replace(
        log,
        users=rows["user"].to_numpy(),
        items=rows["item"].to_numpy(),
        rewards=values,
        times=None if log.times is None else rows["time"].to_numpy(),
        reward_range=(min(low, float(values.min())), max(high, float(values.max()))),
        likes=values >= log.positive_threshold if by_mean else rows["liked"].to_numpy(),
    )
