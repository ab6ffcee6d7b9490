"""Evaluation without a truth: how well a policy ranks the log's held-out rows.

This is weaker than the published protocol, because users chose the items that they rated, and it is always reported under
its own name.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.catalog import ItemCatalog
from darlr.data.log import Ids, InteractionLog
from darlr.errors import InputError
from darlr.evaluation.ranked_lists import LoggedItems, RankedLists
from darlr.evaluation.settings import Split
from darlr.evaluation.table import CUTOFF, values_of_lists
from darlr.evaluation.user_groups import UserGroups
from darlr.evaluation.user_items import UserItems
from darlr.world.window import Window
from darlr.world.world import ABSENT, World

USERS_AT_ONCE, CELLS_AT_ONCE = 1024, 20_000_000
"""Largest numbers of users whose lists are made at once, and of their pairs with items; they bound the memory of a test."""

RANKED_CELLS = 500_000_000
"""Largest number of judging users times items; it bounds the time of a test."""


@dataclass(frozen=True)
class HeldOut:
    """Liked rows that learning never saw, for q users of the world who have some.

    Attributes:
        users: (q,) rows of the world.
        liked: the held-out items that the user liked, without the known ones; each user has at least one.
        known: the user's items in the rows learned from; they are not recommended again.
        logged: statistics of the items, and of these users, in the rows learned from.
        n_users: number of users of the world with such rows; more than q if these are too many to be judges.
    """

    users: Tensor
    liked: UserItems
    known: UserItems
    logged: LoggedItems
    n_users: int

    @property
    def notes(self) -> list[str]:
        """Lines that a reader of the metrics must know."""
        if len(self.users) == self.n_users:
            return []
        return [
            f"{len(self.users):,} of the {self.n_users:,} users with held-out rows judge, spread evenly: lists of all of them "
            f"would rank more than {RANKED_CELLS:,} pairs of a user and an item"
        ]


def split_log(
    log: InteractionLog, share: float, generator: np.random.Generator, by: Split = "random"
) -> tuple[InteractionLog, InteractionLog]:
    """Split a log into rows to learn from and held-out rows.

    There are these ways to choose the held-out rows (`by`):

    - random: random rows.
    - time: the latest rows.
    - last: the latest row of each user who has two or more.
    - user: all rows of random users, whom learning never sees.
    - pair: all rows of random pairs of a user and an item, chosen by raw ids, so that the same generator chooses the same
      pairs when the log grows.

    Args:
        log: the log.
        share: the share of all rows, or of the users if `by` is "user"; ignored if `by` is "last".
        generator: draws the rows.
        by: the way to choose.

    Raises:
        InputError: if either part would be empty, or the log has no times to split by.
    """
    if by == "time" and log.times is None:
        raise InputError("config key 'evaluation.split' is 'time', but the log has no times; expected another split")
    held_out = _SPLITS[by](log, share, generator)
    if not 0 < held_out.sum() < len(log):
        raise InputError(f"the log has {len(log)} rows; expected enough to hold out a share of {share:g} and still learn")
    return log.rows(np.flatnonzero(~held_out)), log.rows(np.flatnonzero(held_out))


def _random_rows(log: InteractionLog, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    chosen = np.zeros(len(log), bool)
    chosen[generator.permutation(len(log))[: round(share * len(log))]] = True
    return chosen


def _latest_rows(log: InteractionLog, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    chosen = np.zeros(len(log), bool)
    chosen[_by_time(log)[len(log) - round(share * len(log)) :]] = True
    return chosen


def _last_of_users(log: InteractionLog, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    chosen = np.zeros(len(log), bool)
    order = _by_time(log)
    _, first_from_end = np.unique(log.users[order][::-1], return_index=True)
    chosen[order[len(log) - 1 - first_from_end]] = True
    several: NDArray[np.bool_] = np.bincount(log.users, minlength=log.n_users)[log.users] > 1
    return chosen & several


def _some_users(log: InteractionLog, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    users = np.unique(log.users)
    chosen: NDArray[np.bool_] = np.isin(log.users, generator.permutation(users)[: round(share * len(users))])
    return chosen


def _some_pairs(log: InteractionLog, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    salt = int(generator.integers(2**63)).to_bytes(8, "little")
    users, items = (_numbers(ids, salt + side) for ids, side in ((log.user_ids, b"u"), (log.item_ids, b"i")))
    # The sum of two uniform numbers modulo 2^64 is uniform; mixed once more, so that a user's pairs are independent.
    mixed = users[log.users] + items[log.items]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64 (Steele, Lea & Flood, 2014)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    chosen: NDArray[np.bool_] = (mixed ^ (mixed >> np.uint64(31))).astype(np.float64) < share * 2.0**64
    return chosen


def _numbers(ids: Ids, salt: bytes) -> NDArray[np.uint64]:
    """Return (n,) a number for each raw id that depends on its text and `salt` alone."""
    digests = [hashlib.blake2b(str(raw).encode(), digest_size=8, key=salt).digest() for raw in ids.tolist()]
    return np.frombuffer(b"".join(digests), "<u8")


def _by_time(log: InteractionLog) -> NDArray[np.intp]:
    """Return the numbers of the rows, earliest first; ties, and logs without times, keep the order of the rows."""
    return np.arange(len(log)) if log.times is None else np.argsort(log.times, kind="stable")


_SPLITS: Mapping[Split, Callable[[InteractionLog, float, np.random.Generator], NDArray[np.bool_]]] = {
    "random": _random_rows,
    "time": _latest_rows,
    "last": _last_of_users,
    "user": _some_users,
    "pair": _some_pairs,
}


def held_out_rows(
    learned: InteractionLog,
    held_out: InteractionLog,
    world: World,
    device: torch.device,
    catalog: ItemCatalog | None = None,
) -> HeldOut:
    """Return the held-out rows about users and items of the world, without pairs that were also learned from.

    If the log does not say which rows are liked, those are that reach the mean of the learned rows.

    Args:
        learned, held_out: the two parts of the log.
        world: the users and items.
        device: the device of the result.
        catalog: of the log's items; without it, metrics of categories are left out.

    Raises:
        InputError: if no liked row is left.
    """
    threshold = held_out.positive_threshold
    likes_known = held_out.likes is not None or not math.isinf(threshold)
    if not likes_known:
        threshold = float(learned.rewards.mean(dtype=np.float64))
    chosen = held_out.liked if likes_known else held_out.rewards >= threshold
    liked_users, liked_items = _cells(held_out, chosen, world)
    known_users, known_items = _cells(learned, np.ones(len(learned), bool), world)
    # A pair that is logged twice can be in both parts. It is not recommended again, so no policy could hit it.
    new = ~np.isin(liked_users * world.n_items + liked_items, known_users * world.n_items + known_items)
    liked_users, liked_items = liked_users[new], liked_items[new]
    users = np.unique(liked_users)
    if len(users) == 0:
        raise InputError(
            f"no held-out row has a reward of at least {threshold:g} for an item that is new to its user, so there is nothing "
            "to judge the policy by"
        )
    n_users, most = len(users), max(1, RANKED_CELLS // world.n_items)
    if n_users > most:
        users = users[np.linspace(0, n_users - 1, most).astype(np.int64)]
    categories = np.zeros((world.n_items, 0), np.int32) if catalog is None else catalog.categories[world.items]
    n_categories = 0 if catalog is None else catalog.n_categories
    logged = LoggedItems.of(known_users, known_items, users, world.n_users, world.n_items, categories, n_categories)
    return HeldOut(
        users=torch.from_numpy(users).to(device),
        liked=UserItems.of(liked_users, liked_items, users, world.n_items, device),
        known=UserItems.of(known_users, known_items, users, world.n_items, device),
        logged=logged,
        n_users=n_users,
    )


def held_out_signals(
    learned: InteractionLog, held_out: InteractionLog, world: World, device: torch.device, catalog: ItemCatalog
) -> dict[str, HeldOut]:
    """Return the held-out rows that have each signal of the log; signals without such a row are left out.

    The arguments are those of `held_out_rows`.
    """
    found = {}
    for name, values in held_out.signals.items():
        users, items = _cells(held_out, values > 0, world)
        known_users, known_items = _cells(learned, np.ones(len(learned), bool), world)
        if not np.isin(users * world.n_items + items, known_users * world.n_items + known_items).all():
            found[name] = held_out_rows(learned, replace(held_out, likes=values > 0), world, device, catalog)
    return found


def _cells(log: InteractionLog, chosen: NDArray[np.bool_], world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (m,) rows and columns of the world for the log's `chosen` rows (n,), without rows about other users and items."""
    users = world.rows(log.n_users)[log.users[chosen]]
    items = world.columns(log.n_items)[log.items[chosen]]
    inside = (users != ABSENT) & (items != ABSENT)
    return users[inside], items[inside]


def judge_held_out(rows: HeldOut, scorer: Scorer, start: Window) -> Mapping[str, float]:
    """Return every applicable metric of held-out rows, for the lists of `scorer` at the start of an episode.

    Args:
        rows: the held-out rows.
        scorer: the policy.
        start: (1, L) the window before the first step.
    """
    return values_of_lists(ranked_lists(rows, scorer, start))


def judge_by_group(rows: HeldOut, groups: UserGroups, scorers: Mapping[str, Scorer], start: Window) -> dict[str, Any]:
    """Return every metric of held-out rows by groups of users, for several policies, in the form of the summary.

    The keys are `feature`; `users`: group -> number; `values`: policy -> group -> metric -> value.

    Args:
        rows: the held-out rows.
        groups: of the q users of `rows`.
        scorers: the policies.
        start: as in `judge_held_out`.
    """
    members = {label: groups.members(group) for group, label in enumerate(groups.labels)}
    values = {}
    for name, scorer in scorers.items():
        lists = ranked_lists(rows, scorer, start)
        values[name] = {label: values_of_lists(lists.of(users)) for label, users in members.items()}
    return {"feature": groups.feature, "users": {label: len(users) for label, users in members.items()}, "values": values}


@torch.no_grad()
def ranked_lists(rows: HeldOut, scorer: Scorer, start: Window) -> RankedLists:
    """Return the `CUTOFF` best items (q, k) of every user with held-out rows, at the start of an episode, as in
    `judge_held_out`.
    """
    items, shown, hits = [], [], []
    step = max(1, min(USERS_AT_ONCE, CELLS_AT_ONCE // rows.liked.n_items))
    for part in torch.split(torch.arange(len(rows.users), device=rows.users.device), step):
        window = Window(start.items.expand(len(part), -1), start.rewards.expand(len(part), -1))
        scores = scorer(rows.users[part], window, rows.known.matrix(part))
        best = scorer.listed(rows.users[part], scores, min(CUTOFF, scores.shape[1]))
        # If fewer items are allowed, masked items fill the list; they do not count as shown.
        free = scores.gather(1, best).isfinite()
        items.append(best)
        shown.append(free)
        hits.append(rows.liked.matrix(part).gather(1, best) & free)
    return RankedLists(
        items=torch.cat(items).cpu().numpy(),
        shown=torch.cat(shown).cpu().numpy(),
        hits=torch.cat(hits).cpu().numpy(),
        n_liked=rows.liked.counts.cpu().numpy(),
        cutoff=CUTOFF,
        logged=rows.logged,
    )
