"""The simulator of a run as a gymnasium environment, for agents from outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from darlr.data.registry import load
from darlr.methods.experiment import experiment_config
from darlr.methods.world import LearningWorld
from darlr.run.choosing import method_of, ways_of
from darlr.run.resolution import resolve
from darlr.run.world_models import obtain_world_model, world_model_path
from darlr.run.worlds import lookback_of
from darlr.simulator.gym import RecommendationEnv

CPU = torch.device("cpu")  # one user an episode: a GPU would only wait


def simulated_environment(
    values: Mapping[str, Any], data_dir: Path | None = None, out: Path = Path("runs")
) -> RecommendationEnv:
    """The world in which the run that `values` describe (keys of `ExperimentConfig`) learns.

    It pays the reward of the run's method, DARLR's as it is at first. Row r of its users is index `dataset.world.users[r]` of
    the log's, and likewise for items.

    Args:
        data_dir: where data sets lie, as `--data-dir`.
        out: where results lie; the world model is taken from there, or fitted and written there.

    Raises:
        InputError: for settings or data that cannot be used.
    """
    loaded = load(experiment_config(values), data_dir)
    config, dataset = resolve(values, loaded), loaded.dataset
    ways = ways_of(config)
    path = world_model_path(out, config, dataset)
    model, _ = obtain_world_model(path, config, dataset, ways, CPU, None, lambda text: None)
    truth = None if loaded.truth is None else loaded.truth.rewards
    world = LearningWorld.of(config, method_of(config), ways, dataset, truth, model, CPU)
    simulator = world.simulator(config, world.reward, ways, lookback_of(config))
    return RecommendationEnv(simulator, dataset.world.n_users)
