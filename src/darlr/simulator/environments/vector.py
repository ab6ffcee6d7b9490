"""An environment with many users at once and gymnasium's interface for vectorised environments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

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

Infos = dict[str, Any]


class RecommendationVectorEnv(VectorEnv[Observation, NDArray[np.int64], NDArray[Any]]):
    """N sub-environments like `RecommendationEnv`, computed together.

    A sub-environment whose episode ends begins the next one in the same step (`AutoresetMode.SAME_STEP`). The observation
    is then the new episode's, and `infos["final_obs"]` has that of the ended one. Sub-environment i draws the same users as
    a `RecommendationEnv` that was reset with `seed + i`, whenever the others end. `infos["action_mask"]` is (N, n_items)
    int8.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 (gymnasium's)

    def __init__(self, game: Game, num_envs: int, on_blocked: OnBlocked = "end") -> None:
        if num_envs < 1:
            raise InputError(f"the number of environments is {num_envs}; expected at least 1")
        self.game, self.on_blocked = game, on_blocked
        self.num_envs = num_envs
        self.single_observation_space = observation_space(game)
        self.single_action_space = spaces.Discrete(game.n_items)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._sessions = Sessions(game, num_envs)
        self._generators: list[np.random.Generator] = []
        self._begun = False

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]  # as SyncVectorEnv has it
        """(N,) the generators that draw the users."""
        return tuple(self._generators)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Infos]:
        """Begin an episode in every sub-environment.

        Args:
            seed: sub-environment i gets `seed + i`; or one seed for each; None continues the present generators.
            options: `{"user": row}` or `{"user": (N,) rows}` names the users instead of drawing them.
        """
        self._seed(seed)
        users = named_users(options, self.num_envs, self.game.n_users)
        rows = torch.arange(self.num_envs)
        self._begin(rows, self._drawn(rows) if users is None else torch.from_numpy(users))
        self._begun = True
        return observe(self._sessions), self._infos()

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """Recommend the items in columns `actions` (N,).

        Raises:
            InputError: before the first reset, for an action outside the items, and for a blocked item if `on_blocked` is
                "refuse"; nothing has changed then.
        """
        if not self._begun:
            raise InputError("no episode is running; call reset first")
        rewards, ended = self._sessions.step(chosen_items(actions, self._sessions, self.on_blocked))
        finals: Infos = {}
        if ended.any():
            finals = self._finals(ended.numpy())
            rows = ended.nonzero()[:, 0]
            self._begin(rows, self._drawn(rows))
        truncated = np.zeros(self.num_envs, bool)
        return observe(self._sessions), rewards.numpy().astype(np.float64), ended.numpy(), truncated, finals | self._infos()

    def action_masks(self) -> NDArray[np.bool_]:
        """Return (N, n_items) bool: the items that may be recommended now."""
        return allowed_items(self._sessions)

    def _seed(self, seed: int | Sequence[int | None] | None) -> None:
        if seed is None and self._generators:
            return
        seeds = [None if seed is None else seed + i for i in range(self.num_envs)] if not isinstance(seed, Sequence) else seed
        if len(seeds) != self.num_envs:
            raise InputError(f"{len(seeds)} seeds were given; expected one for each of {self.num_envs} environments")
        kept: Sequence[np.random.Generator | None] = self._generators or [None] * self.num_envs
        self._generators = [
            seeding.np_random(own)[0] if own is not None or before is None else before
            for own, before in zip(seeds, kept, strict=True)
        ]

    def _drawn(self, rows: Tensor) -> Tensor:
        """Return (K,) users for the sub-environments `rows` (K,), each drawn from its own generator."""
        return torch.tensor([int(self._generators[row].integers(self.game.n_users)) for row in rows.tolist()])

    def _begin(self, rows: Tensor, users: Tensor) -> None:
        """Begin sessions `rows` (K,) with `users` (K,), whose tempers their own generators draw if they leave at random."""
        tempers = None
        if isinstance(self.game.leave, LearnedLeave):
            own = [self._generators[row] for row in rows.tolist()]
            drawn = torch.tensor([[each.exponential(), each.normal()] for each in own], dtype=torch.float32)
            tempers = Tempers(drawn[:, 0], drawn[:, 1])
        self._sessions.begin(rows, users, tempers)

    def _infos(self) -> Infos:
        return {"action_mask": self.action_masks().view(np.int8), "_action_mask": np.ones(self.num_envs, bool)}

    def _finals(self, ended: NDArray[np.bool_]) -> Infos:
        """Return gymnasium's entries for ended episodes, as in `SyncVectorEnv`, (N,) each; after the end no item is allowed."""
        observations = np.full(self.num_envs, None, object)
        last = observe(self._sessions)
        for row in np.flatnonzero(ended).tolist():
            observations[row] = row_of(last, row)
        masks = np.zeros((self.num_envs, self.game.n_items), np.int8)
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": {"action_mask": masks, "_action_mask": ended.copy()},
            "_final_info": ended.copy(),
        }
