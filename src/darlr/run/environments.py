"""The worlds of a run as gymnasium environments, in which agents from outside learn and are evaluated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, overload

import torch

from darlr.config.experiment import ExperimentConfig
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.errors import InputError, unknown
from darlr.methods.experiment import experiment_config
from darlr.rewards.source import RewardSource
from darlr.run.choosing import method_of, ways_of
from darlr.run.resolution import resolve
from darlr.run.world_models import obtain_world_model, world_model_path
from darlr.run.worlds import lookback_of, true_world
from darlr.simulator.environments.interface import OnBlocked
from darlr.simulator.environments.sessions import Game
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.environments.vector import RecommendationVectorEnv
from darlr.simulator.learned_leave import LearnedLeave
from darlr.simulator.leave import LeaveRule

CPU = torch.device("cpu")  # a step has few users, for which a GPU is slower

WorldKind = Literal["simulated", "true"]


@overload
def make_env(
    values: Mapping[str, Any],
    data_dir: Path | None = None,
    out: Path = Path("runs"),
    num_envs: None = None,
    world: WorldKind = "simulated",
    on_blocked: OnBlocked = "end",
) -> RecommendationEnv: ...
@overload
def make_env(
    values: Mapping[str, Any],
    data_dir: Path | None = None,
    out: Path = Path("runs"),
    *,
    num_envs: int,
    world: WorldKind = "simulated",
    on_blocked: OnBlocked = "end",
) -> RecommendationVectorEnv: ...
def make_env(
    values: Mapping[str, Any],
    data_dir: Path | None = None,
    out: Path = Path("runs"),
    num_envs: int | None = None,
    world: WorldKind = "simulated",
    on_blocked: OnBlocked = "end",
) -> RecommendationEnv | RecommendationVectorEnv:
    """Make the world in which the run that `values` describe (keys of `ExperimentConfig`) learns, or the one in which it is
    tested.

    Row r of its users is index `dataset.world.users[r]` of the log's, and so for items. Users are drawn with the seed of
    the environment's `reset`; `values["seed"]` is the world model's.

    Args:
        values: nested settings.
        data_dir: the folder of data sets, as `--data-dir`.
        out: the results folder; the world model is loaded from there, or fitted and written there.
        num_envs: the number of sub-environments of a vectorised environment; None gives a single environment.
        world: "simulated" pays the reward of the run's method (for DARLR, the initial one). "true" pays the truth, and
            users leave by it; it is for evaluation alone, because an agent that learns there has seen the answers.
        on_blocked: the effect of recommending an item that is not allowed: it ends the episode unpaid, or raises `InputError`.

    Raises:
        InputError: for settings or data that cannot be used.
    """
    return environment_of(values, load(experiment_config(values), data_dir), out, num_envs, world, on_blocked)


def environment_of(
    values: Mapping[str, Any],
    loaded: LoadedDataset,
    out: Path = Path("runs"),
    num_envs: int | None = None,
    world: WorldKind = "simulated",
    on_blocked: OnBlocked = "end",
) -> RecommendationEnv | RecommendationVectorEnv:
    """Make the environment for data that are loaded; for the arguments see `make_env`."""
    config = resolve(values, loaded)
    if config.slate.active:
        raise InputError("config key 'slate' asks for slates, but environments take one item a step; expected its defaults")
    if world not in _GAMES:
        raise unknown("world", world, _GAMES)
    game = _GAMES[world](config, loaded, out)
    return RecommendationEnv(game, on_blocked) if num_envs is None else RecommendationVectorEnv(game, num_envs, on_blocked)


def _simulated_game(config: ExperimentConfig, loaded: LoadedDataset, out: Path) -> Game:
    dataset, ways = loaded.dataset, ways_of(config)
    model, _ = obtain_world_model(world_model_path(out, config, dataset), config, dataset, ways, CPU, None, lambda text: None)
    truth = None if loaded.truth is None else loaded.truth.rewards
    learned_in = method_of(config).learning_world(config, ways, dataset, truth, model, CPU)
    return _game(config, learned_in.reward, learned_in.leave, dataset.world.n_users, dataset.world.n_items)


def _true_game(config: ExperimentConfig, loaded: LoadedDataset, out: Path) -> Game:
    """Return the game of the test in mode NX_0, or of FB if `training.allow_repeats` is set."""
    if loaded.truth is None:
        raise InputError(f"the data set '{loaded.dataset.name}' has no truth; expected world 'simulated'")
    tested = true_world(config, loaded.dataset, loaded.truth, loaded.dataset.world.items, CPU)
    return _game(config, tested.rewards, tested.leave, tested.n_users, tested.n_items, tested.forbidden)


_GAMES = {"simulated": _simulated_game, "true": _true_game}


def _game(
    config: ExperimentConfig,
    reward: RewardSource,
    leave: LeaveRule | LearnedLeave,
    n_users: int,
    n_items: int,
    forbidden: torch.Tensor | None = None,
) -> Game:
    return Game(
        rewards=reward,
        leave=leave,
        n_users=n_users,
        n_items=n_items,
        max_steps=config.leave.max_steps,
        lookback=lookback_of(config),
        allow_repeats=config.training.allow_repeats,
        forbidden=forbidden,
        start_reward=ways_of(config).start_reward(reward.low, reward.high),
    )
