"""The replay of steps that showed slates, and the learner that fills it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from darlr.agents.offline.policy import Batch
from darlr.agents.replaying.learner import ReplayLearner
from darlr.agents.replaying.replay import EpisodeReplay
from darlr.simulator.simulator import Episodes
from darlr.simulator.slates import SlateSimulator
from darlr.world.window import OUTSIDE, absent_item


@dataclass(frozen=True)
class SlateBatch(Batch):
    """B steps that showed slates. `items` has what was chosen, and the column n_items where nothing was.

    Attributes:
        make_following: computes `following`.
    """

    make_following: Callable[[], Tensor]

    @cached_property
    def following(self) -> Tensor:
        """(B, k) the slates that were shown at `after`; absence where the episode ended before."""
        return self.make_following()


class SlateReplay(EpisodeReplay):
    """A replay of episodes that showed slates; what they showed is blocked, if repeats are not allowed."""

    def __init__(self, capacity: int, simulator: SlateSimulator, n_users: int, device: torch.device) -> None:
        super().__init__(capacity, simulator, n_users, device)
        shape = (capacity, simulator.max_steps, simulator.rules.size)
        self._slates = torch.full(shape, simulator.absent_item, device=device)

    def _store(self, places: Tensor, episodes: Episodes, chosen: Tensor) -> None:
        super()._store(places, episodes, chosen)
        assert episodes.slates is not None
        self._slates[places] = episodes.slates[chosen]

    def _had(self, rows: Tensor, earlier: Tensor) -> Tensor:
        return torch.where(earlier[..., None], self._slates[rows], absent_item(self._n_items)).flatten(1)

    def batch(self, rows: Tensor, steps: Tensor, n_step: int, discount: float, window: int) -> SlateBatch:
        batch = super().batch(rows, steps, n_step, discount, window)

        def following() -> Tensor:
            later = steps + n_step
            slates = self._slates[rows, later.clamp(max=self._longest - 1)]
            return torch.where((later < self._lengths[rows])[:, None], slates, absent_item(self._n_items))

        return SlateBatch(batch.now, batch.items, batch.returns, batch.discounts, batch.make_after, following)

    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors(), "replay.slates": self._slates}

    def _bounds(self) -> dict[str, int]:
        return {**super()._bounds(), "slates": self._n_items + OUTSIDE}


class SlateLearner(ReplayLearner):
    """Trains a policy whose `explore` returns slates (B, k), on its own steps in a simulator of slates."""

    simulator: SlateSimulator

    def _empty_replay(self, device: torch.device) -> SlateReplay:
        return SlateReplay(self._config.episodes, self.simulator, self._n_users, device)
