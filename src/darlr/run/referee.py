"""The referee: a second opinion on a policy, without the truth, from a world model that the policy did not learn from.

The return in the simulator cannot compare different rewards: penalties, shaping and shifts change its scale, and a policy
may exploit errors of its world model. The referee is another world model, fitted to the same rows with other random
numbers. It pays its plain estimates, in the users' units, whatever reward the policy learned from.
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
    """Judges scorers by NX_0 in `world`, which consists of a world model's estimates as the true world consists of the
    truth.
    """

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
        """Fit the referee's world model, or load it from the results folder `out`.

        Args:
            config: the run's settings.
            dataset: the data to learn from.
            ways: darlr's way of building runs, or that of the reference code.
            membership: (n_items, C) bool, whether an item of the world has a category.
            out: the results folder.
            device: the device that computes.
            monitor: is told about the fit.
            notice: is called with lines for the user.
        """
        own = replace(config, seed=derive_seed(config.seed, "referee") % SEEDS)
        model, _ = obtain_world_model(world_model_path(out, own, dataset), own, dataset, ways, device, monitor, notice)
        estimates = Predicted.of(model, dataset.world.users, dataset.world.items, device, config.reward.table_cells).rewards
        world = estimated_world(config, dataset, estimates, membership)
        return cls(config, world, device)

    def test(self, scorer: Scorer, epoch: int) -> dict[str, float | None]:
        """Return `referee/sampled/metric` -> value, after `epoch` epochs of learning; all runs of a seed draw the same
        users.
        """
        generator = torch_generator(self.config.seed, "referee", str(epoch), device=self.device)
        users = self.world.draw_users(self.config.evaluation.episodes, generator)
        return self.world.measure_as(REFEREE, users, scorer, generator)
