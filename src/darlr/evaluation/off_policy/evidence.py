"""Preparation of a log's rows for judging any policy: contexts, propensities, a model's estimates, groups of items."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.tallies import distinct
from darlr.errors import InputError
from darlr.evaluation.off_policy.behaviour import Behaviour, fit_behaviour
from darlr.evaluation.off_policy.contexts import (
    Contexts,
    estimated_rows,
    repeats_pairs,
    session_contexts,
    start_contexts,
)
from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.matching import Distributions, LoggedRows
from darlr.evaluation.off_policy.support import is_deterministic
from darlr.rewards.estimates.interface import Estimates
from darlr.world.window import Window
from darlr.world.world import ABSENT

MOST_CELLS = 100_000_000
"""The largest number of judging rows times items; a larger log is sampled at random. It bounds the time."""


@dataclass(frozen=True)
class Evidence:
    """Rows that judge policies.

    Attributes:
        rows: the logged rows.
        contexts: the context of each row.
        sessions: (n,) the session of each row, with the rows in the order of sessions and steps; None if the log has none.
        estimated: whether propensities are estimates.
        notes: lines that a reader must know about the rows.
        device: the device that policies compute on.
    """

    rows: LoggedRows
    contexts: Contexts
    sessions: NDArray[np.int64] | None
    estimated: bool
    notes: tuple[str, ...]
    device: torch.device

    def decisions(self, scorer: Scorer, name: str, greedy: bool) -> Decisions:
        """Return the decisions of the policy `name`, which draws its items or, if `greedy`, takes the best."""
        return self.rows.against(self.contexts.distributions(scorer, self.device, greedy), name)


def evidence_of(
    dataset: Dataset, judging: InteractionLog, estimates: Estimates, start: Window, generator: np.random.Generator
) -> Evidence:
    """Prepare the rows of `judging` as evidence.

    Args:
        dataset: the data that the policies were learned from. Neither they nor the estimates have seen `judging`, which has
            the same users and items.
        judging: the rows that judge.
        estimates: (n_users, n_items) of the world model.
        start: (1, L) the window before the first step.
        generator: draws a sample of too many rows, and fits the logging policy.

    Raises:
        InputError: if no row is about the world's users and items.
    """
    world, learned = dataset.world, dataset.log
    rows, columns, chosen = _inside(dataset, judging)
    notes = [] if len(chosen) == len(judging) else [f"{len(judging) - len(chosen):,} rows are about others than the world's"]
    order = _order(judging.rows(chosen), world.n_items, generator)
    if len(order) < len(chosen):
        notes.append(f"{len(order):,} of {len(chosen):,} rows judge, drawn at random")
    log, users, columns = judging.rows(chosen[order]), rows[order], columns[order]
    had = _inside(dataset, learned)
    known = distinct(had[0], had[1], world.n_items)
    withheld = not repeats_pairs(learned) and not np.isin(users * world.n_items + columns, known).any()
    known = known if withheld else known[:0]
    if withheld:
        notes.append("the log shows nobody an item twice, so policies are not asked for a user's past items")
    if (places := _positions(log)) > 1:
        notes.append(
            f"the log shows items at {places} positions, of which policies are not told: their probabilities are the same at "
            "each, and values are means over the positions as logged, not of whole pages"
        )
    sessions = None if log.exposure is None or log.exposure.steps is None else log.exposure.sessions
    contexts = _contexts(log, users, columns, known, sessions, start, world.n_items)
    propensities = None if log.exposure is None else log.exposure.propensities
    shares = _group_shares(dataset)
    behaviour = None
    if propensities is None or shares is not None:
        behaviour = _behaviour_rows(fit_behaviour(learned, dataset.user_features, generator), dataset, contexts)
    if propensities is None:
        assert behaviour is not None
        propensities = _of_items(behaviour, columns)
    shown = np.zeros(world.n_items, bool)
    shown[np.concatenate([had[1], columns])] = True
    logged = LoggedRows(
        users=users,
        items=columns,
        rewards=log.rewards.astype(np.float64),
        propensities=propensities,
        modelled=estimated_rows(estimates, users),
        behaviour=behaviour,
        groups=shares,
        shown=shown,
    )
    estimated = log.exposure is None or log.exposure.propensities is None
    notes.insert(0, _told(logged, contexts, estimated))
    device = estimates.device
    return Evidence(logged, contexts, sessions, estimated, tuple(notes), device)


def _inside(dataset: Dataset, log: InteractionLog) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Return rows and columns of the world for the log's rows about it, and the numbers of those rows."""
    users = dataset.world.rows(log.n_users)[log.users]
    columns = dataset.world.columns(log.n_items)[log.items]
    chosen = np.flatnonzero((users != ABSENT) & (columns != ABSENT))
    if len(chosen) == 0:
        raise InputError("no row of the log is about a user and an item of the world, so there is nothing to judge by")
    return users[chosen], columns[chosen], chosen


def _order(log: InteractionLog, n_items: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return the judging rows, session by session and step by step; if there are too many, those of a sample of users."""
    numbers = np.arange(len(log))
    most = max(1, MOST_CELLS // n_items)
    if len(log) > most:
        share = most / len(log)
        numbers = numbers[(generator.random(log.n_users) < share)[log.users]]
    if log.exposure is None or log.exposure.sessions is None or log.exposure.steps is None:
        by_user: NDArray[np.intp] = numbers[np.argsort(log.users[numbers], kind="stable")]
        return by_user
    return numbers[np.lexsort((log.exposure.steps[numbers], log.exposure.sessions[numbers]))]


def _positions(log: InteractionLog) -> int:
    """Return the number of positions of a page at which the log shows items; 0 if it does not record them."""
    positions = None if log.exposure is None else log.exposure.positions
    return 0 if positions is None else len(np.unique(positions))


def _contexts(
    log: InteractionLog,
    users: NDArray[np.int64],
    columns: NDArray[np.int64],
    known: NDArray[np.int64],
    sessions: NDArray[np.int64] | None,
    start: Window,
    n_items: int,
) -> Contexts:
    if sessions is None:
        return start_contexts(users, known, n_items, start)
    low, high = log.reward_range
    first = np.flatnonzero(np.concatenate([[True], sessions[1:] != sessions[:-1]]))
    places = np.arange(len(sessions)) - np.repeat(first, np.diff(np.append(first, len(sessions))))
    rewards = (log.rewards.astype(np.float64) - low) / (high - low)
    return session_contexts(users, columns, rewards, places, known, n_items, start.items.shape[1])


def _group_shares(dataset: Dataset) -> NDArray[np.float64] | None:
    """Return (n_items, C + 1) the share with which an item belongs to each category, or to none; None if no item has any."""
    if dataset.items.n_categories == 0:
        return None
    member = dataset.items.membership()[dataset.world.items].astype(np.float64)
    member = np.concatenate([member, member.sum(axis=1, keepdims=True) == 0], axis=1)
    shares: NDArray[np.float64] = member / member.sum(axis=1, keepdims=True)
    return shares


def _behaviour_rows(behaviour: Behaviour, dataset: Dataset, contexts: Contexts) -> Distributions:
    """Return the estimated logging policy over the world's items, which shows no withheld item."""

    def of(rows: NDArray[np.intp]) -> NDArray[np.floating]:
        shown = behaviour.rows(dataset.world.users[contexts.users[rows]])[:, dataset.world.items]
        shown = np.where(contexts.blocked(rows), 0.0, shown)
        free: NDArray[np.floating] = shown / shown.sum(axis=1, keepdims=True)
        return free

    return of


def _of_items(behaviour: Distributions, columns: NDArray[np.int64]) -> NDArray[np.float64]:
    numbers = np.arange(len(columns))
    parts = np.array_split(numbers, max(1, len(columns) // 1000))
    found = [np.take_along_axis(behaviour(part), columns[part, None], axis=1)[:, 0] for part in parts]
    return np.concatenate(found).astype(np.float64)


def _told(logged: LoggedRows, contexts: Contexts, estimated: bool) -> str:
    """Say where propensities come from, and whether they add up: with the right ones, a uniform policy's weights are 1 on
    average.
    """
    if is_deterministic(logged.propensities):
        return "every logged propensity is 1: the logging policy was deterministic"
    free = np.concatenate([(~contexts.blocked(part)).sum(axis=1) for part in logged.parts()])
    even = float(np.mean(1 / (logged.propensities * free)))
    kind = "estimated from the log" if estimated else "as logged"
    return f"propensities are {kind}; the weights of uniform choice are {even:.2f} on average (1 if they are right)"
