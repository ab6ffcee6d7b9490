"""The vectorised environment compared with the slow loop over one user, and with gymnasium's loop over single environments."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given

from darlr.errors import InputError
from darlr.rewards.table import TableReward
from darlr.simulator.environments.sessions import Game
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.environments.vector import RecommendationVectorEnv
from darlr.simulator.leave import leave_rule
from darlr.world.settings import LeaveBy, LeaveConfig
from tests.simulator.slow_worlds import HIGH, LOW, Past, SmallWorld, Spoilt, one_user, small_worlds
from tests.worlds import draws, membership_of

N_USERS, N_ITEMS = 5, 12
CATEGORIES = [[item % 4] for item in range(N_ITEMS)]


def game_of(world: SmallWorld) -> Game:
    table = torch.tensor(world.table)
    leave = leave_rule(world.leave, membership_of(world.categories), table)
    n_users, n_items = table.shape
    source = Spoilt(table, LOW, HIGH)
    return Game(source, leave, n_users, n_items, world.leave.max_steps, world.lookback, world.allow_repeats)


def game(by: LeaveBy = "category", allow_repeats: bool = False) -> Game:
    table = torch.rand(N_USERS, N_ITEMS, generator=draws())
    leave = leave_rule(LeaveConfig(by=by, window=2, tolerance=0 if by == "category" else 0.7), membership_of(CATEGORIES), table)
    return Game(TableReward(table, 0.0, 1.0), leave, N_USERS, N_ITEMS, max_steps=6, lookback=3, allow_repeats=allow_repeats)


@given(small_worlds())
def test_every_sub_environment_plays_as_one_user_does(world: SmallWorld) -> None:
    """Sub-environments end at different steps, and begin anew with other users, who are shown other items."""
    env = RecommendationVectorEnv(game_of(world), len(world.users))
    shown, seen = [0] * env.num_envs, list(world.wishes)

    def past_of(row: int, user: int) -> Past:
        return one_user(replace(world, users=[user], wishes=[seen[row]]), 0)

    def matches(observation: dict[str, Any], past: Past, step: int) -> bool:
        items, rewards = past.windows[step]
        recent = observation["recent_items"][-len(items) :].tolist(), observation["recent_rewards"][-len(items) :].tolist()
        return bool(recent == (items, pytest.approx(rewards, abs=1e-6)))

    observations, infos = env.reset(seed=1, options={"user": world.users})
    pasts = [past_of(row, user) for row, user in enumerate(world.users)]
    for _ in range(3 * world.leave.max_steps):
        for row, past in enumerate(pasts):
            assert matches({key: value[row] for key, value in observations.items()}, past, shown[row])
            allowed = world.allowed(past.items[: shown[row]])
            assert np.flatnonzero(infos["action_mask"][row]).tolist() == allowed
            assert np.flatnonzero(env.action_masks()[row]).tolist() == allowed
        actions = np.array([past.items[step] for past, step in zip(pasts, shown, strict=True)])
        observations, rewards, ended, truncated, infos = env.step(actions)
        assert not truncated.any()
        for row, past in enumerate(pasts):
            assert rewards[row] == pytest.approx(past.rewards[shown[row]], abs=1e-6)
            shown[row] += 1
            assert ended[row] == (shown[row] == len(past.items))
            if ended[row]:
                last = infos["final_obs"][row]
                assert last["recent_items"][-1] == past.items[-1]
                assert last["recent_rewards"][-1] == pytest.approx(past.seen[-1], abs=1e-6)
                seen[row] = [wish + 1 for wish in seen[row]]
                shown[row], pasts[row] = 0, past_of(row, int(observations["user"][row]))


def assert_alike(one: Any, other: Any) -> None:
    """Compare nested dictionaries, tuples and object arrays."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    elif one is not None:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("by", "allow_repeats"), [("category", False), ("distance", True), ("never", False)])
def test_equals_single_environments_in_gymnasiums_own_loop(by: LeaveBy, allow_repeats: bool, masked: bool) -> None:
    rules = game(by, allow_repeats)
    ours = RecommendationVectorEnv(rules, 4)
    theirs = SyncVectorEnv([lambda: RecommendationEnv(rules)] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    random, ends = np.random.default_rng(0), set()
    for seed in (7, None, [1, None, 5, 1]):
        mine: tuple[Any, ...] = ours.reset(seed=seed)
        assert_alike(mine, theirs.reset(seed=seed))
        for _ in range(40):
            assert mine[0] in ours.observation_space
            weights = mine[-1]["action_mask"] if masked else np.ones((4, N_ITEMS))
            actions = np.array([random.choice(np.flatnonzero(row)) for row in weights])
            mine = ours.step(actions)
            assert_alike(mine, theirs.step(actions))
            ends.add(tuple(mine[2]))
    all_last = by == "never" and masked  # to the length limit, and so together; the others end each at its own step
    assert len(ends) == 2 if all_last else len(ends) > 2


def test_the_seed_decides_the_users_of_each_sub_environment() -> None:
    def users(seed: int) -> list[list[int]]:
        env = RecommendationVectorEnv(game(), 3)
        first = env.reset(seed=seed)[0]["user"].tolist()
        return [first, *(env.reset()[0]["user"].tolist() for _ in range(30))]

    assert users(1) == users(1)
    assert [row[1:] for row in users(1)] == [row[:-1] for row in users(2)]  # the second of seed 1 is the first of seed 2
    assert {user for row in users(1) for user in row} == set(range(N_USERS))


def test_what_an_agent_holds_does_not_change_under_it() -> None:
    env = RecommendationVectorEnv(game("never"), 2)
    observation, _ = env.reset(seed=0, options={"user": 3})
    assert observation["user"].tolist() == [3, 3]
    kept = {key: value.copy() for key, value in observation.items()}
    later = env.step(np.array([0, 1]))[0]
    assert_alike(observation, kept)
    later["recent_items"][:] = 5
    assert env.step(np.array([2, 3]))[0]["recent_items"].tolist() == [[N_ITEMS, 0, 2], [N_ITEMS, 1, 3]]


def test_refuses_what_cannot_be_done() -> None:
    with pytest.raises(InputError, match="the number of environments is 0; expected at least 1"):
        RecommendationVectorEnv(game(), 0)
    env = RecommendationVectorEnv(game("never"), 2, on_blocked="refuse")
    with pytest.raises(InputError, match="no episode is running; call reset first"):
        env.step(np.array([0, 1]))
    env.reset(seed=0)
    env.step(np.array([0, 1]))
    with pytest.raises(InputError, match="action 1 may not be recommended now, or not again"):
        env.step(np.array([2, 1]))
    with pytest.raises(InputError, match=r"action 12 is no item of the world; expected 0..11"):
        env.step(np.array([2, 12]))
    with pytest.raises(InputError, match=r"actions have shape \(1,\) and type int64; expected \(2,\) whole numbers"):
        env.step(np.array([2]))
    with pytest.raises(InputError, match="3 seeds were given; expected one for each of 2 environments"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(InputError, match=r"user 5 is not in the world; expected 0..4"):
        env.reset(options={"user": [0, 5]})
    env.reset(seed=0)
    env.step(np.array([0, 1]))
    assert env.step(np.array([2, 3]))[2].tolist() == [False, False]  # the refused left no trace
