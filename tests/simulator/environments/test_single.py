import warnings

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from torch import Tensor, nn

from darlr.errors import InputError
from darlr.rewards.table import TableReward
from darlr.simulator.environments.interface import OnBlocked
from darlr.simulator.environments.sessions import Game
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveConfig
from tests.worlds import draws, membership_of

N_USERS, N_ITEMS = 4, 9
CATEGORIES = [[0], [1], [2], [3], [4], [0, 1], [2, 3], [4], []]


TABLE = torch.rand(N_USERS, N_ITEMS, generator=draws())
LEAVE = leave_rule(LeaveConfig(window=2), membership_of(CATEGORIES), TABLE)


def simulator(allow_repeats: bool) -> Simulator:
    return Simulator(TableReward(TABLE, 0.0, 1.0), LEAVE, N_ITEMS, max_steps=5, lookback=3, allow_repeats=allow_repeats)


def environment(
    allow_repeats: bool = False, on_blocked: OnBlocked = "end", forbidden: Tensor | None = None
) -> RecommendationEnv:
    reward = TableReward(TABLE, 0.0, 1.0)
    return RecommendationEnv(Game(reward, LEAVE, N_USERS, N_ITEMS, 5, 3, allow_repeats, forbidden), on_blocked)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("allow_repeats", [False, True])
def test_same_episode_as_the_batched_simulator(seed: int, allow_repeats: bool) -> None:
    env = environment(allow_repeats)
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    observations, actions, rewards, ended = [observation], [], [], False
    while not ended:
        action = env.action_space.sample(info["action_mask"])
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
        assert np.array_equal(before["recent_items"], windows.items[step])
        assert np.array_equal(before["recent_rewards"], windows.rewards[step])
    assert np.asarray(observation["recent_items"]).tolist()[-1] == actions[-1]  # what the last action led to is seen too


def test_gymnasium_finds_nothing_to_complain_of() -> None:
    for allow_repeats in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A reward may be far below its bound after shaping, so minus infinity is meant.
            warnings.filterwarnings("ignore", ".*Box observation space minimum value is -infinity.*")
            check_env(environment(allow_repeats), skip_render_check=True)


def test_no_key_of_an_observation_is_an_attribute_of_what_holds_modules_by_key() -> None:
    for key in environment().reset()[0]:
        assert not hasattr(nn.ModuleDict(), key)
        assert not hasattr({}, key)


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
    with pytest.raises(InputError, match=r"unknown option of reset 'users'; did you mean 'user'\?"):
        env.reset(options={"users": 3})


def test_the_mask_follows_the_episode() -> None:
    env = environment()
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1] * N_ITEMS == env.action_masks().tolist()
    info = env.step(np.int64(8))[-1]
    assert info["action_mask"].tolist() == [1] * 8 + [0] == env.action_masks().tolist()
    env.step(np.int64(0))
    _, _, ended, _, info = env.step(np.int64(5))  # shares category 0
    assert ended
    assert not info["action_mask"].any()
    free = environment(allow_repeats=True)
    free.reset(seed=0)
    assert free.step(np.int64(8))[-1]["action_mask"].tolist() == [1] * N_ITEMS


def test_the_length_limit_terminates() -> None:
    env = environment()
    env.reset()
    assert [env.step(np.int64(action))[2:4] for action in range(5)] == [(False, False)] * 4 + [(True, False)]


def test_a_repeated_item_ends_the_episode_unpaid_and_was_not_recommended() -> None:
    env = environment()
    env.reset(options={"user": 1})
    before = env.step(np.int64(2))[0]
    after, reward, ended, truncated, info = env.step(np.int64(2))
    assert (reward, ended, truncated) == (0.0, True, False)
    assert all(np.array_equal(after[key], before[key]) for key in before)
    assert not info["action_mask"].any()
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.int64(0))


def test_where_repeats_are_allowed_they_are_paid() -> None:
    env = environment(allow_repeats=True)
    env.reset(options={"user": 1})
    assert [env.step(np.int64(8))[1:3] for _ in range(5)] == [(float(TABLE[1, 8]), False)] * 4 + [(float(TABLE[1, 8]), True)]


def test_forbidden_cells_are_masked_for_their_user_alone() -> None:
    forbidden = torch.zeros(N_USERS, N_ITEMS, dtype=torch.bool)
    forbidden[2, [0, 7]] = True
    for allow_repeats in (False, True):
        env = environment(allow_repeats, forbidden=forbidden)
        for user in range(N_USERS):
            _, info = env.reset(options={"user": user})
            assert np.array_equal(info["action_mask"] == 0, forbidden[user])
        env.reset(options={"user": 2})
        assert env.step(np.int64(7))[1:3] == (0.0, True)
    everywhere = environment(forbidden=torch.arange(N_ITEMS) < 2).reset()[1]["action_mask"]
    assert everywhere.tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1]
    with pytest.raises(InputError, match="a user may be recommended 4 items, but an episode recommends up to 5 different ones"):
        environment(forbidden=torch.arange(N_ITEMS) < 5)


def test_refuses_what_cannot_be_done() -> None:
    env = environment(on_blocked="refuse")
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.int64(0))
    env.reset()
    env.step(np.int64(2))
    with pytest.raises(InputError, match="action 2 may not be recommended now, or not again in this episode"):
        env.step(np.int64(2))
    for action in (-1, N_ITEMS):
        with pytest.raises(InputError, match=rf"action {action} is no item of the world; expected 0..8"):
            env.step(np.int64(action))
    env.step(np.int64(6))  # the refused left no trace; this one shares a category, and the user leaves
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.int64(0))
