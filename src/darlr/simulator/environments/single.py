"""An environment with one user for each episode and gymnasium's interface."""

from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.simulator.environments.interface import (
    Observation,
    OnBlocked,
    allowed_items,
    chosen_items,
    named_users,
    observation_space,
    observe,
    row_of,
)
from darlr.simulator.environments.sessions import Game, Sessions
from darlr.simulator.learned_leave import LearnedLeave, Tempers


class RecommendationEnv(gymnasium.Env[Observation, np.int64]):
    """Recommends one item a step to a user drawn uniformly, until the user leaves or the length limit is reached.

    The limit ends an episode like a leaving user, so `terminated` covers both, and `truncated` stays False (protocol
    section 1). `observation_space` describes the observations. `info["action_mask"]` is (n_items,) int8, 1 for the items
    that may be recommended; `action_space.sample` accepts it. After the end all entries are 0.

    Attributes:
        game: the rules; further environments may share it.
        on_blocked: the effect of recommending an item that is not allowed.
    """

    def __init__(self, game: Game, on_blocked: OnBlocked = "end") -> None:
        self.game, self.on_blocked = game, on_blocked
        self.observation_space = observation_space(game)
        self.action_space = spaces.Discrete(game.n_items)
        self._sessions = Sessions(game, 1)
        self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; `options={"user": row}` names the user instead of drawing one. The observation's arrays are
        (L,).
        """
        super().reset(seed=seed)
        users = named_users(options, 1, self.game.n_users)
        if users is None:
            users = self.np_random.integers(self.game.n_users, size=1)
        tempers = None
        if isinstance(self.game.leave, LearnedLeave):
            tempers = Tempers(torch.tensor([self.np_random.exponential()]), torch.tensor([self.np_random.normal()]))
        self._sessions.begin(torch.tensor([0]), torch.from_numpy(users), tempers)
        self._running = True
        return row_of(observe(self._sessions), 0), self._info()

    def step(self, action: np.int64) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Recommend the item in column `action` (scalar).

        Raises:
            InputError: if no episode is running, for an action outside the items, and for a blocked item if `on_blocked` is
                "refuse".
        """
        if not self._running:
            raise InputError("no episode is running; call reset first")
        rewards, ended = self._sessions.step(chosen_items(np.reshape(action, -1), self._sessions, self.on_blocked))
        self._running = not ended
        return row_of(observe(self._sessions), 0), float(rewards), not self._running, False, self._info()

    def action_masks(self) -> NDArray[np.bool_]:
        """Return (n_items,) bool: the items that may be recommended now; sb3-contrib's MaskablePPO asks for this method."""
        allowed = allowed_items(self._sessions)[0]
        return allowed if self._running else np.zeros_like(allowed)

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().view(np.int8)}
