"""A reward of one's own: the lower end of the estimate's interval, mean - weight * standard deviation."""

from darlr.rewards.kinds import RewardParts
from darlr.rewards.table import TableReward


def cautious(parts: RewardParts) -> TableReward:
    """Any object with `low`, `high` and `pay(users, items, window)` will do; one that is a table has a class."""
    estimates = parts.learned
    table = estimates.rewards.table() - parts.weights.uncertainty_weight * estimates.uncertainty.table().sqrt()
    shift = float(table.min())  # so that nothing that is paid is negative
    return TableReward(table, 0.0, float(table.max()) - shift, shift)
