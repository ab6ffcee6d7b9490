"""The observations and actions that the single and the vectorised environment share."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from darlr.errors import InputError, unknown
from darlr.simulator.environments.sessions import Game, Sessions
from darlr.world.window import OUTSIDE

Observation = dict[str, Any]

OnBlocked = Literal["end", "refuse"]
"""The effect of recommending a blocked item: it ends the episode unpaid, or raises an `InputError` and changes nothing."""


def observation_space(game: Game) -> spaces.Dict:
    """Return the space of one session's observations.

    - user: row of the world.
    - recent_items: (L,) the last L columns, newest last; `n_items` marks the start, `n_items + 1` positions before it.
    - recent_rewards: (L,) the normalised rewards of these items (see `Window`).

    No key is the name of an attribute of dictionaries or torch modules, because dictionary policies keep a module for every
    key.
    """
    length = game.window_length
    return spaces.Dict(
        {
            "user": spaces.Discrete(game.n_users),
            "recent_items": spaces.MultiDiscrete([game.n_items + OUTSIDE] * length),
            "recent_rewards": spaces.Box(-np.inf, 1.0, (length,), np.float32),
        }
    )


def observe(sessions: Sessions) -> Observation:
    """Return copies of the observations of N sessions, (N, ...) each, so that an agent may keep or change them."""
    return {
        "user": sessions.users.numpy().copy(),
        "recent_items": sessions.window.items.numpy().copy(),
        "recent_rewards": sessions.window.rewards.numpy().copy(),
    }


def row_of(observation: Observation, row: int) -> Observation:
    """Return one session's part of the observations (N, ...) of many."""
    return {name: values[row] for name, values in observation.items()}


def allowed_items(sessions: Sessions) -> NDArray[np.bool_]:
    """Return (N, n_items) bool: the items that may be recommended now."""
    allowed: NDArray[np.bool_] = (~sessions.blocked).numpy()
    return allowed


def chosen_items(actions: Any, sessions: Sessions, on_blocked: OnBlocked) -> Tensor:
    """Return (N,) int64, the columns that `actions` (N,) name.

    Raises:
        InputError: for an action outside the world's items, and for a blocked item if `on_blocked` is "refuse".
    """
    count, n_items = sessions.blocked.shape
    items = np.asarray(actions)
    if items.shape != (count,) or not np.issubdtype(items.dtype, np.integer):
        raise InputError(f"actions have shape {items.shape} and type {items.dtype}; expected ({count},) whole numbers")
    if not ((items >= 0) & (items < n_items)).all():
        wrong = items[(items < 0) | (items >= n_items)][0]
        raise InputError(f"action {wrong} is no item of the world; expected 0..{n_items - 1}")
    chosen = torch.from_numpy(items.astype(np.int64))
    if on_blocked == "refuse":
        blocked = sessions.blocked.gather(1, chosen[:, None])[:, 0]
        if blocked.any():
            raise InputError(
                f"action {int(chosen[blocked][0])} may not be recommended now, or not again in this episode; expected one that "
                "info['action_mask'] allows"
            )
    return chosen


def named_users(options: Mapping[str, Any] | None, count: int, n_users: int) -> NDArray[np.int64] | None:
    """Return (count,) the users that the `options` of a reset name ('user': one row, or one for each session), or None.

    Raises:
        InputError: for users that the world lacks, and for other options.
    """
    for name in options or {}:
        if name != "user":
            raise unknown("option of reset", name, ["user"])
    if not options:
        return None
    users = np.asarray(options["user"])
    if users.shape not in ((), (count,)) or not np.issubdtype(users.dtype, np.integer):
        raise InputError(f"option 'user' has shape {users.shape} and type {users.dtype}; expected one row or {count} rows")
    for user in users.flat:
        if not 0 <= user < n_users:
            raise InputError(f"user {user} is not in the world; expected 0..{n_users - 1}")
    return np.broadcast_to(users, count).astype(np.int64)
