"""Stable-Baselines3's agents in our environment (`pip install darlr[sb3]`)."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from darlr.rewards.table import TableReward
from darlr.simulator.environments.sessions import Game
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.leave import Never

pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed: pip install darlr[sb3]")
pytest.importorskip("sb3_contrib", reason="sb3-contrib is not installed: pip install darlr[sb3]")

from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.env_util import make_vec_env

USERS, ITEMS, STEPS = 2, 6, 3

Act = Callable[[RecommendationEnv, Any], Any]


def game() -> Game:
    """Each of two users likes three of six items, and is recommended three: 3 is the best return."""
    table = torch.zeros(USERS, ITEMS)
    table[0, :3] = table[1, 3:] = 1.0
    return Game(TableReward(table, 0.0, 1.0), Never(), USERS, ITEMS, STEPS, lookback=3, allow_repeats=False)


def mean_return(act: Act, episodes: int = 40) -> float:
    env, total = RecommendationEnv(game()), 0.0
    for episode in range(episodes):
        observation, _ = env.reset(options={"user": episode % USERS})
        ended = False
        while not ended:
            observation, reward, ended, _, _ = env.step(act(env, observation))
            total += float(reward)
    return total / episodes


def test_its_checker_finds_nothing_to_complain_of() -> None:
    for seed in range(10):  # it plays at random, without masks
        env = RecommendationEnv(game())
        env.action_space.seed(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env, warn=True)


def test_masks_are_found_through_its_wrappers() -> None:
    env = make_vec_env(lambda: RecommendationEnv(game()), n_envs=2, seed=0)
    env.reset()
    env.step(np.array([1, 4]))
    assert get_action_masks(env).tolist() == [[True, False, True, True, True, True], [True, True, True, True, False, True]]


@pytest.mark.parametrize("masked", [False, True])
def test_ppo_learns(masked: bool) -> None:
    random = np.random.default_rng(0)

    def at_random(env: RecommendationEnv, observation: Any) -> Any:
        return random.choice(np.flatnonzero(env.action_masks()) if masked else ITEMS)

    env = make_vec_env(lambda: RecommendationEnv(game()), n_envs=8, seed=0)
    method: Any = MaskablePPO if masked else PPO
    agent = method("MultiInputPolicy", env, n_steps=64, n_epochs=5, learning_rate=5e-3, seed=0, device="cpu").learn(2048)

    def learned(env: RecommendationEnv, observation: Any) -> Any:
        masks = {"action_masks": env.action_masks()} if masked else {}
        return agent.predict(observation, deterministic=True, **masks)[0]

    assert mean_return(at_random) < 1.8  # 1.5 with masks, less without
    assert mean_return(learned) > 2.4
