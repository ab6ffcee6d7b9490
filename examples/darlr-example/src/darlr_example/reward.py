"""A custom reward: the lower end of the estimate's interval, mean - weight * standard deviation."""

from darlr.rewards.kinds import RewardParts
from darlr.rewards.table import TableReward


def cautious(parts: RewardParts) -> TableReward:
    """Make the reward. Any object with `low`, `high` and `pay(users, items, window)` works; there is a class for tables."""
    estimates = parts.learned
    table = estimates.rewards.table() - parts.weights.uncertainty_weight * estimates.uncertainty.table().sqrt()
    shift = float(table.min())  # so that nothing that is paid is negative
    return TableReward(table, 0.0, float(table.max()) - shift, shift)
