"""A second opinion on a policy, without the truth: what a world model gives that the policy did not learn from.

The return in the simulator is no measure of different rewards: penalties, shaping and shifts move its scale, and a policy may
do well there on what its world model gets wrong. The referee is another world model, fitted to the same rows with other
random draws. It pays its plain estimates, as users would give their rewards, whatever the policy learned from.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.evaluation.modes import REFEREE
from darlr.evaluation.protocol import EvaluationWorld
from darlr.methods.ways import Ways
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.world_models import obtain_world_model, world_model_path
from darlr.run.worlds import estimated_world
from darlr.seeding import derive_seed, torch_generator
from darlr.world_model.training import FitMonitor

SEEDS = 2**31


@dataclass(frozen=True)
class Referee:
    """Judges scorers by NX_0 in `world`, which is made of the estimates of a world model as the true one is of the truth."""

    config: ExperimentConfig
    world: EvaluationWorld
    device: torch.device

    @classmethod
    def of(
        cls,
        config: ExperimentConfig,
        dataset: Dataset,
        ways: Ways,
        membership: Tensor,
        out: Path,
        device: torch.device,
        monitor: FitMonitor,
        notice: Callable[[str], None],
    ) -> Self:
        """Fits the referee's world model, or takes it from the results folder `out`.

        Args:
            membership: (n_items, C) bool, which of the world's items has which category.
        """
        own = replace(config, seed=derive_seed(config.seed, "referee") % SEEDS)
        model, _ = obtain_world_model(world_model_path(out, own, dataset), own, dataset, ways, device, monitor, notice)
        estimates = Predicted.of(model, dataset.world.users, dataset.world.items, device, config.reward.table_cells).rewards
        world = estimated_world(config, dataset, estimates, membership)
        return cls(config, world, device)

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        """`referee/sampled/metric` -> value, after `epoch` epochs of learning; every run of a seed draws the same users."""
        generator = torch_generator(self.config.seed, "referee", str(epoch), device=self.device)
        users = self.world.draw_users(self.config.evaluation.episodes, generator)
        return self.world.measure_as(REFEREE, users, scorer, generator)
