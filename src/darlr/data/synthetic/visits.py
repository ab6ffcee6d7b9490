"""The log of a generated world whose users leave at random, by a known hazard, and return after a while.

A service shows a user the items of the world in an order that is drawn once. The user rates each, and leaves after it with
the probability that the hazard gives. The hours until the next visit are log-normal; a user who was content comes back
sooner. The log stops at its last day, even in the middle of a visit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.data.exposure import Exposure
from darlr.data.settings import SyntheticConfig
from darlr.data.synthetic.feedback import MAXIMUM, SPAN, START, given
from darlr.data.synthetic.latent import Floats
from darlr.world.categories import CategoryMemory
from darlr.world.hazard import FEATURES, LeaveHazard
from darlr.world.returns import RETURN_FEATURES, ReturnLaw
from darlr.world.shown import Shown, features

WINDOW = 4
"""N, the number of earlier items that the hazard looks at."""
HOUR = 3_600.0
SHORTEST, LONGER = 20.0, 20.0
"""Seconds between two items of a visit: the least, and the mean of the addition to it."""
ARRIVING = 0.25
"""The share of the log's days in which all users begin."""
ACTIVITY = 0.5
"""The standard deviation of the logarithm of users' own factors in the hours until they return."""


@dataclass(frozen=True)
class Visits:
    """The n rows of the log, user by user in the order of time.

    Attributes:
        users, items: (n,) int32.
        rewards: (n,) float32.
        times: (n,) float64 seconds.
        exposure: the visits as sessions, with their steps.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    rewards: NDArray[np.float32]
    times: NDArray[np.float64]
    exposure: Exposure


def known_hazard(config: SyntheticConfig, random: np.random.Generator) -> LeaveHazard:
    """Return the law of the world; `random` draws the users' effects."""
    weights = {
        "intercept": config.hazard_intercept,
        "log_step": config.hazard_step,
        "reward": config.hazard_reward,
        "recent_reward": config.hazard_recent,
        "shared_categories": config.hazard_shared,
        "repeats": 0.0,  # no item is shown twice
    }
    effects = config.hazard_spread * random.standard_normal(config.users)
    return LeaveHazard(np.array([weights[name] for name in FEATURES]), effects, np.zeros(config.users), WINDOW)


def known_returns(config: SyntheticConfig, random: np.random.Generator) -> ReturnLaw:
    """Return the law by which users return; `random` draws their habits."""
    weights = {"intercept": np.log(config.return_hours), "satisfaction": config.return_satisfaction, "log_length": 0.0}
    habits = ACTIVITY * random.standard_normal(config.users)
    drawn = np.array([weights[name] for name in RETURN_FEATURES])
    return ReturnLaw(drawn, habits, np.zeros(config.users), config.return_spread)


def draw_visits(
    orders: NDArray[np.int32],
    truth: Floats,
    membership: NDArray[np.bool_],
    hazard: LeaveHazard,
    returns: ReturnLaw,
    random: np.random.Generator,
) -> Visits:
    """Draw the visits of all users, who are followed side by side, one item at a time.

    Args:
        orders: (U, I) the items in the order in which each user is shown them, each once.
        truth: (U, I) the expected rewards.
        membership: (I, C) whether an item has a category.
        hazard: the law by which users leave.
        returns: the law by which they return.
        random: draws rewards, times and the ends of visits.
    """
    n_users, n_items = orders.shape
    state = _Users.begin(n_users, n_items, random)
    categories = CategoryMemory(torch.from_numpy(membership))
    parts: list[tuple[NDArray[np.int64], ...]] = []
    moments: list[tuple[NDArray[np.float32], NDArray[np.float64]]] = []
    for place in range(n_items):
        here = np.flatnonzero(state.times < START + SPAN)
        if len(here) == 0:
            break
        items = orders[here, place].astype(np.int64)
        rewards = given(truth[here, items], random)
        state.steps[here] += 1
        parts.append((here, items, state.visits[here].copy(), state.steps[here].copy()))
        moments.append((rewards, state.times[here].copy()))
        hazards = _hazards(state, here, items, rewards / np.float32(MAXIMUM), categories, hazard)
        state.move_on(here, items, rewards / np.float32(MAXIMUM), random.random(len(here)) < hazards, returns, random)
    return _arranged(parts, moments, state, n_items)


@dataclass
class _Users:
    """The states of U users.

    Attributes:
        times: (U,) seconds of the next item.
        visits, steps: (U,) the number of the visit, from 0 on, and its steps so far.
        recent, recent_rewards: (U, N) the visit's last items, and their rewards from 0 to 1.
        enjoyed: (U,) the sum of the visit's rewards.
        absent: the column that marks places before a visit.
    """

    times: NDArray[np.float64]
    visits: NDArray[np.int64]
    steps: NDArray[np.int64]
    recent: NDArray[np.int64]
    recent_rewards: NDArray[np.float32]
    enjoyed: NDArray[np.float64]
    absent: int

    @classmethod
    def begin(cls, n_users: int, n_items: int, random: np.random.Generator) -> "_Users":
        return cls(
            times=START + ARRIVING * SPAN * random.random(n_users),
            visits=np.zeros(n_users, np.int64),
            steps=np.zeros(n_users, np.int64),
            recent=np.full((n_users, WINDOW), n_items),
            recent_rewards=np.zeros((n_users, WINDOW), np.float32),
            enjoyed=np.zeros(n_users),
            absent=n_items,
        )

    def move_on(
        self,
        here: NDArray[np.intp],
        items: NDArray[np.int64],
        rewards: NDArray[np.float32],
        left: NDArray[np.bool_],
        returns: ReturnLaw,
        random: np.random.Generator,
    ) -> None:
        """Take the users `here` (B,) past a step with `items` and `rewards` (B,); those who `left` (B,) begin a new visit."""
        self.recent[here] = np.concatenate([self.recent[here, 1:], items[:, None]], axis=1)
        self.recent_rewards[here] = np.concatenate([self.recent_rewards[here, 1:], rewards[:, None]], axis=1)
        self.enjoyed[here] += rewards
        self.times[here] += SHORTEST + LONGER * random.standard_exponential(len(here))
        gone = here[left]
        visit = np.column_stack([np.ones(len(gone)), self.enjoyed[gone] / self.steps[gone], np.log(self.steps[gone])])
        hours = visit @ returns.weights + returns.effects[gone]
        self.times[gone] += HOUR * np.exp(hours + returns.scale * random.standard_normal(len(gone)))
        self.visits[gone] += 1
        self.steps[gone], self.recent[gone], self.enjoyed[gone] = 0, self.absent, 0.0


def _hazards(
    state: _Users,
    here: NDArray[np.intp],
    items: NDArray[np.int64],
    rewards: NDArray[np.float32],
    categories: CategoryMemory,
    hazard: LeaveHazard,
) -> NDArray[np.float64]:
    """Return (B,) the probabilities that the users `here` (B,) leave after `items` (B,), which they rated `rewards` (B,)."""
    shown = Shown(
        items=torch.from_numpy(items),
        rewards=torch.from_numpy(rewards),
        recent=torch.from_numpy(state.recent[here]),
        recent_rewards=torch.from_numpy(state.recent_rewards[here]),
        steps=torch.from_numpy(state.steps[here]),
    )
    logits = features(shown, categories).double().numpy() @ hazard.weights + hazard.effects[here]
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def _arranged(
    parts: list[tuple[NDArray[np.int64], ...]],
    moments: list[tuple[NDArray[np.float32], NDArray[np.float64]]],
    state: _Users,
    n_items: int,
) -> Visits:
    """Return the rows by user and time, without visits that ended only because no item was left."""
    users, items, visits, steps = (np.concatenate(column) for column in zip(*parts, strict=True))
    rewards, times = (np.concatenate(column) for column in zip(*moments, strict=True))
    cut_short = (state.steps > 0) & (state.times < START + SPAN) & (state.visits > 0)
    kept = np.flatnonzero(~(cut_short[users] & (visits == state.visits[users])))
    rows = kept[np.lexsort((times[kept], users[kept]))]
    sessions = np.unique(users[rows] * (n_items + 1) + visits[rows], return_inverse=True)[1]
    return Visits(
        users=users[rows].astype(np.int32),
        items=items[rows].astype(np.int32),
        rewards=rewards[rows],
        times=times[rows],
        exposure=Exposure(sessions=sessions.astype(np.int64), steps=steps[rows]),
    )
