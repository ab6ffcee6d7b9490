"""What the single and the vectorised environment show an agent, and what they take from it."""

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
"""What a blocked item does: it ends the episode unpaid, or it is refused with an `InputError` that changes nothing."""


def observation_space(game: Game) -> spaces.Dict:
    """What an agent sees of one session.

    user: row of the world. recent_items: (L,) the last L columns, newest last; `n_items` stands for the start, `n_items + 1`
    for what lies before it. recent_rewards: (L,) how these were received, normalised (see `Window`).

    No key is the name of a dictionary's or a torch module's attribute: dictionary policies keep a module for every key.
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
    """The observations of N sessions, (N, ...) each; copies, so that an agent may keep or change them."""
    return {
        "user": sessions.users.numpy().copy(),
        "recent_items": sessions.window.items.numpy().copy(),
        "recent_rewards": sessions.window.rewards.numpy().copy(),
    }


def row_of(observation: Observation, row: int) -> Observation:
    """One session's part of the observations of many."""
    return {name: values[row] for name, values in observation.items()}


def allowed_items(sessions: Sessions) -> NDArray[np.bool_]:
    """(N, n_items) the items that may be recommended now."""
    allowed: NDArray[np.bool_] = (~sessions.blocked).numpy()
    return allowed


def chosen_items(actions: Any, sessions: Sessions, on_blocked: OnBlocked) -> Tensor:
    """(N,) int64, the columns that `actions` (N,) name.

    Raises:
        InputError: for what is no item of the world, and for blocked items where these are to be refused.
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
    """(count,) the users that `options` of a reset ask for ('user': one row, or one a session), or None.

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
