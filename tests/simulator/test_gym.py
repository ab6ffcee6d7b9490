import warnings

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from torch import Tensor

from darlr.errors import InputError
from darlr.rewards.table import TableReward
from darlr.simulator.gym import RecommendationEnv
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveConfig
from tests.worlds import draws, membership_of

N_USERS, N_ITEMS = 4, 9
CATEGORIES = [[0], [1], [2], [3], [4], [0, 1], [2, 3], [4], []]


def simulator(allow_repeats: bool) -> Simulator:
    table = torch.rand(N_USERS, N_ITEMS, generator=draws())
    rule = leave_rule(LeaveConfig(window=2), membership_of(CATEGORIES), table)
    return Simulator(TableReward(table, 0.0, 1.0), rule, N_ITEMS, max_steps=5, lookback=3, allow_repeats=allow_repeats)


def environment(allow_repeats: bool = False) -> RecommendationEnv:
    return RecommendationEnv(simulator(allow_repeats), N_USERS)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("allow_repeats", [False, True])
def test_same_episode_as_the_batched_simulator(seed: int, allow_repeats: bool) -> None:
    env = environment(allow_repeats)
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    observations, actions, rewards, ended = [observation], [], [], False
    while not ended:
        action = env.action_space.sample(info.get("action_mask"))
        observation, reward, ended, truncated, info = env.step(action)
        assert not truncated
        observations.append(observation)
        actions.append(action)
        rewards.append(reward)

    def follow(batched: Simulator) -> Tensor:
        return torch.tensor([actions[batched.step_number]])

    user = int(observation["user"])
    episodes = roll_out(simulator(allow_repeats), torch.tensor([user]), follow)
    assert episodes.lengths.tolist() == [len(actions)]
    assert episodes.rewards[0, : len(actions)].tolist() == rewards
    windows = episodes.visits().window
    for step, before in enumerate(observations[:-1]):
        assert before["user"] == user
        assert np.array_equal(before["items"], windows.items[step])
        assert np.array_equal(before["rewards"], windows.rewards[step])
    assert np.asarray(observation["items"]).tolist()[-1] == actions[-1]  # what the last action led to is seen too


def test_gymnasium_finds_nothing_to_complain_of() -> None:
    for allow_repeats in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A reward may be far below its bound after shaping, so minus infinity is meant.
            warnings.filterwarnings("ignore", ".*Box observation space minimum value is -infinity.*")
            check_env(environment(allow_repeats), skip_render_check=True)


def test_the_seed_decides_the_users() -> None:
    def users(seed: int) -> list[int]:
        env = environment()
        first = env.reset(seed=seed)[0]["user"]
        return [int(first), *(int(env.reset()[0]["user"]) for _ in range(30))]

    assert users(1) == users(1) != users(2)
    assert set(users(1)) == set(range(N_USERS))


def test_a_user_can_be_asked_for() -> None:
    env = environment()
    assert env.reset(options={"user": 3})[0]["user"] == 3
    with pytest.raises(InputError, match=r"user 4 is not in the world; expected 0..3"):
        env.reset(options={"user": 4})


def test_the_mask_follows_the_episode() -> None:
    env = environment()
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1] * N_ITEMS
    info = env.step(np.int64(8))[-1]
    assert info["action_mask"].tolist() == [1] * 8 + [0]
    env.step(np.int64(0))
    _, _, ended, _, info = env.step(np.int64(5))  # shares category 0
    assert ended
    assert not info["action_mask"].any()
    assert "action_mask" not in environment(allow_repeats=True).reset()[1]


def test_the_length_limit_terminates() -> None:
    env = environment()
    env.reset()
    assert [env.step(np.int64(action))[2:4] for action in range(5)] == [(False, False)] * 4 + [(True, False)]


def test_refuses_what_cannot_be_done() -> None:
    env = environment()
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.int64(0))
    env.reset()
    env.step(np.int64(2))
    with pytest.raises(InputError, match="action 2 was already recommended in this episode"):
        env.step(np.int64(2))
    for action in (-1, N_ITEMS):
        with pytest.raises(InputError, match=rf"action {action} is no item of the world; expected 0..8"):
            env.step(np.int64(action))
    env.step(np.int64(6))  # the refused left no trace; this one shares a category, and the user leaves
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.int64(0))
