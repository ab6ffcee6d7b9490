"""Estimates eta, the exponent of the law of selection (`law`): users' choice of items to rate says something of the others.

Let c be the lowest reward. The law implies that a user's mean rating above c is proportional to (rows of the user)^-eta. A
log shows this if its users differ in activity; ratings of randomly shown items show it directly. At eta 0 selection has no
effect.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.data.log import InteractionLog
from darlr.data.tallies import count_each, sum_each
from darlr.world_model.factors.model import FactorModel

MOST = 1.5
"""Largest eta that the search considers."""

HALVINGS = 24

NO_LAW = "the log holds positives alone, so what it lacks counts already as the lowest reward"
FEWEST_ROWS = 3
"""Smallest number of rows of a user who counts in the slope."""


@dataclass(frozen=True)
class Selection:
    """The estimate of users' selection, and its source.

    Attributes:
        exponent: eta.
        source: given, randomly shown ratings, or the log.
        slope: of users' ratings on the logarithm of their number of rows; negative if active users rate lower. None if not
            estimated.
        error: the slope's standard error, or None.
        rows: number of rows used.
        reason: a sentence to be shown to people.
    """

    exponent: float
    source: Literal["given", "randomised", "log"]
    slope: float | None
    error: float | None
    rows: int
    reason: str


def given(exponent: float, reason: str) -> Selection:
    """An exponent that is not estimated."""
    return Selection(exponent, "given", None, None, 0, reason)


def from_log(model: FactorModel, log: InteractionLog) -> Selection:
    """Estimate eta from the log's ratings, by `from_activity`.

    Args:
        model: fitted on `log` without the law.
        log: the ratings.
    """
    average = model.responses.scale.to_reward(model.responses.intercepts)
    return from_activity(average.double().cpu().numpy(), log)


def from_activity(average: NDArray[np.float64], log: InteractionLog) -> Selection:
    """Estimate eta from the relation between users' ratings and their activity.

    eta = max(0, -slope). The slope is that of log[sum over a user's rows of (r - c) / sum of (average_i - c)] on the
    logarithm of their number. Both sums are shrunk by half a row of the mean reward. Users with fewer than 3 rows do not
    count; the others have the weight n / (n + 3).

    Args:
        average: (I,) an average user's reward for each item.
        log: the ratings.
    """
    low, mean = log.reward_range[0], float(log.rewards.mean(dtype=np.float64))
    counts = count_each(log.users, log.n_users)
    counted = counts >= FEWEST_ROWS
    usual = mean - low
    least = np.maximum(average - low, 0.02 * usual)
    given_rewards = sum_each(log.users, log.n_users, lambda rows: log.rewards[rows] - low)[counted] + usual / 2
    expected = sum_each(log.users, log.n_users, lambda rows: least[log.items[rows]])[counted] + usual / 2
    activity = np.log(counts[counted])
    rows = int(counts[counted].sum())
    if len(activity) < FEWEST_ROWS or activity.max() - activity.min() < 1e-9:
        reason = "all users are about equally active, so the log does not tell what they left out; estimates stay as they are"
        return Selection(0.0, "log", None, None, rows, reason)
    slope, error = _slope(activity, np.log(given_rewards / expected), counts[counted] / (counts[counted] + 3.0))
    exponent = min(max(0.0, -slope), MOST)
    measured = f"the slope of log ratings on log activity is {slope:.3f} +- {error:.3f}"
    found = "active users rate lower, as users do who choose what they like" if exponent else "active users do not rate lower"
    reason = f"{found} ({measured}), so {_effect(exponent)}"
    return Selection(exponent, "log", slope, error, rows, reason)


def _effect(exponent: float) -> str:
    return "estimates of items that few chose are lowered" if exponent else "estimates stay as they are"


def _slope(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The slope of a weighted least squares regression, and its heteroscedasticity-consistent standard error (White 1980)."""
    x = x - np.average(x, weights=weights)
    y = y - np.average(y, weights=weights)
    square = float((weights * x * x).sum())
    slope = float((weights * x * y).sum()) / square
    return slope, float(np.sqrt(np.square(weights * x * (y - slope * x)).sum())) / square


def from_randomised(model: FactorModel, randomised: InteractionLog) -> Selection:
    """The eta at which the estimates of randomly shown pairs are right on average; 0 if they are not too high without the law.

    Args:
        model: fitted without the law.
        randomised: over the same vocabularies as the model's log.
    """
    device = model.shares.device
    users = torch.from_numpy(randomised.users.astype(np.int64)).to(device)
    items = torch.from_numpy(randomised.items.astype(np.int64)).to(device)
    mean = float(randomised.rewards.mean(dtype=np.float64))

    def level(exponent: float) -> float:
        responses = model.with_selection(exponent).responses
        return float(responses.to_reward(responses.expected(users, items)).double().mean())

    before = level(0.0)
    lower, upper = 0.0, 0.0 if before <= mean else MOST
    for _ in range(HALVINGS):
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if level(middle) > mean else (lower, middle)
    reason = f"randomly shown pairs gave {mean:.3g} on average and the log alone says {before:.3g}, so {_effect(upper)}"
    return Selection(upper, "randomised", None, None, len(randomised), reason)
