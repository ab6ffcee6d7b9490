"""gymnasium's interface over the simulator, for agents from outside: one user an episode."""

from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from darlr.errors import InputError
from darlr.simulator.simulator import Simulator

Observation = dict[str, Any]


class RecommendationEnv(gymnasium.Env[Observation, np.int64]):
    """Recommends one item a step to a user drawn uniformly, until the user leaves or the length limit is reached.

    The limit ends an episode as a leaving user does, so `terminated` says both and `truncated` stays False
    (protocol section 1).

    Observation:
        user: row of the world.
        items: (L,) the last L columns, newest last; `n_items` stands for the start, `n_items + 1` for what lies before it.
        rewards: (L,) how these were received, normalised (see `Window`).

    Where the simulator allows no repeats, `info["action_mask"]` is (n_items,) int8, 1 for the items that may be recommended
    (`action_space.sample` takes it); after the end no item may be.
    """

    def __init__(self, simulator: Simulator, n_users: int) -> None:
        """Args: simulator: the world to play in; the environment has it to itself."""
        self._simulator = simulator
        positions = (simulator.lookback,)
        self.observation_space = spaces.Dict(
            {
                "user": spaces.Discrete(n_users),
                "items": spaces.Box(0, simulator.n_items + 1, positions, np.int64),
                "rewards": spaces.Box(-np.inf, 1.0, positions, np.float32),
            }
        )
        self.action_space = spaces.Discrete(simulator.n_items)
        self._n_users = n_users

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; `options={"user": row}` names the user instead of drawing one."""
        super().reset(seed=seed)
        user = (options or {}).get("user", self.np_random.integers(self._n_users))
        if not 0 <= user < self._n_users:
            raise InputError(f"user {user} is not in the world; expected 0..{self._n_users - 1}")
        self._simulator.reset(torch.tensor([user]))
        return self._observation(), self._info()

    def step(self, action: np.int64) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Recommend the item in column `action`; raises `InputError` if it may not be recommended now."""
        simulator = self._simulator
        if not simulator.running:
            raise InputError("no episode is running; call reset first")
        if not self.action_space.contains(action):
            raise InputError(f"action {action} is no item of the world; expected 0..{simulator.n_items - 1}")
        if simulator.blocked is not None and simulator.blocked[0, action]:
            raise InputError(
                f"action {action} was already recommended in this episode; expected one that info['action_mask'] allows"
            )
        step = simulator.step_number
        simulator.step(torch.tensor([action]))
        reward = float(simulator.episodes().rewards[0, step])
        return self._observation(), reward, not simulator.running, False, self._info()

    def _observation(self) -> Observation:
        episodes, step = self._simulator.episodes(), self._simulator.step_number
        window = slice(step, step + episodes.lookback)
        return {
            "user": np.int64(episodes.users[0]),
            "items": episodes.items[0, window].numpy().copy(),
            "rewards": episodes.seen_rewards[0, window].numpy().copy(),
        }

    def _info(self) -> dict[str, Any]:
        blocked = self._simulator.blocked
        if blocked is None:
            return {}
        mask = (~blocked[0]).numpy() if self._simulator.running else np.zeros(self._simulator.n_items)
        return {"action_mask": mask.astype(np.int8)}
