"""The worlds of a run for agents from outside."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.data.readers.synthetic import generate
from darlr.data.settings import SyntheticConfig
from darlr.errors import InputError
from darlr.run.environments import environment_of, make_env
from darlr.run.resolution import resolve
from darlr.run.worlds import true_world
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.simulator import Simulator, roll_out
from tests.conftest import REPOSITORY
from tests.runs import SMALL, SMALL_WORLD
from tests.worlds import CPU

GT = {**SMALL, **SMALL_WORLD, "method": "gt"}


@pytest.fixture(scope="module")
def results_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


def documented(number: int) -> str:
    examples = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "gymnasium.md").read_text(), re.DOTALL)
    assert len(examples) == 3
    return str(examples[number])


def test_the_examples_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(documented(0), names)
    assert names["ended"]
    assert names["episode_return"] >= 0  # rewards are shifted so that none is negative
    assert names["env"].action_space.n == 80
    [world_model] = Path("runs/synthetic/world-models").iterdir()
    fitted = world_model.stat().st_mtime_ns
    exec(documented(2), names)
    assert names["observations"]["user"].shape == (64,)
    assert world_model.stat().st_mtime_ns == fitted


def test_the_example_with_stable_baselines_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sb3_contrib", reason="sb3-contrib is not installed: pip install darlr[sb3]")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(documented(0) + documented(1), names)
    assert names["ended"]
    world = generate(SyntheticConfig(users=100, items=80))
    assert world.truth is not None
    assert 0 < names["true_return"] <= 30 * float(world.truth.rewards[7].max())


def play_the_last_allowed(env: RecommendationEnv, user: int) -> tuple[list[int], list[float]]:
    """Return items and rewards of an episode that recommends the last column that the mask allows."""
    items: list[int] = []
    rewards: list[float] = []
    _, info = env.reset(options={"user": user})
    ended = False
    while not ended:
        items.append(int(np.flatnonzero(info["action_mask"])[-1]))
        _, reward, ended, _, info = env.step(np.int64(items[-1]))
        rewards.append(float(reward))
    return items, rewards


@pytest.mark.parametrize("world", ["simulated", "true"])
def test_pays_until_the_user_leaves(results_folder: Path, world: Any) -> None:
    """GT pays the truth in the simulated world, too, but shifted."""
    loaded = generate(SyntheticConfig(users=40, items=50))
    assert loaded.truth is not None
    truth, member = loaded.truth.rewards, loaded.dataset.items.membership()
    shift = truth.min() if world == "simulated" else 0.0
    env = make_env(GT, out=results_folder, world=world)
    for user in range(5):
        items, rewards = play_the_last_allowed(env, user)
        assert rewards == pytest.approx(truth[user, items] - shift, abs=1e-5)
        shared = [bool((member[items[max(0, step - 4) : step]] & member[item]).any()) for step, item in enumerate(items)]
        assert not any(shared[:-1])
        assert shared[-1] or len(items) == 30


def test_the_true_world_is_the_one_that_methods_are_tested_in(tmp_path: Path) -> None:
    loaded = generate(SyntheticConfig(users=40, items=50))
    assert loaded.truth is not None
    values = {**SMALL, **SMALL_WORLD}
    env = environment_of(values, loaded, tmp_path, world="true")
    assert isinstance(env, RecommendationEnv)
    tested = true_world(resolve(values, loaded), loaded.dataset, loaded.truth, loaded.dataset.world.items, CPU)

    def last_allowed(simulator: Simulator) -> Tensor:
        assert simulator.blocked is not None
        return simulator.n_items - 1 - simulator.blocked.flip(1).to(torch.int8).argmin(dim=1)

    simulator = Simulator(tested.rewards, tested.leave, tested.n_items, tested.max_steps, tested.lookback, allow_repeats=False)
    episodes = roll_out(simulator, tested.every_user, last_allowed)
    for user in range(40):
        items, rewards = play_the_last_allowed(env, user)
        length = int(episodes.lengths[user])
        assert items == episodes.actions[user, :length].tolist()
        assert rewards == episodes.rewards[user, :length].tolist()
    assert list(tmp_path.iterdir()) == []  # no world model is needed


def test_many_users_are_paid_as_one_is(results_folder: Path) -> None:
    values = {**SMALL, **SMALL_WORLD}
    one, many = make_env(values, out=results_folder), make_env(values, out=results_folder, num_envs=3)
    many.reset(options={"user": [4, 0, 31]})
    _, rewards, *_ = many.step(np.array([7, 9, 49]))
    for user, item, reward in zip([4, 0, 31], [7, 9, 49], rewards, strict=True):
        one.reset(options={"user": user})
        assert one.step(np.int64(item))[1] == reward
    assert make_env(values, out=results_folder, num_envs=1).num_envs == 1


def test_settings_reach_the_game(results_folder: Path) -> None:
    values = {**GT, "training": {**SMALL["training"], "allow_repeats": True}, "leave": {"by": "never", "max_steps": 3}}
    env = make_env(values, out=results_folder, world="true")
    assert play_the_last_allowed(env, 0)[0] == [49, 49, 49]
    strict = make_env(GT, out=results_folder, world="true", on_blocked="refuse", num_envs=2)
    strict.reset(seed=0)
    strict.step(np.array([1, 2]))
    with pytest.raises(InputError, match="action 2 may not be recommended now"):
        strict.step(np.array([0, 2]))


def test_with_the_references_slips_the_start_is_normalised_later(results_folder: Path) -> None:
    values = {**SMALL, **SMALL_WORLD, "reference_quirks": True, "training": {**SMALL["training"], "allow_repeats": True}}
    env = make_env(values, out=results_folder)
    source = env.game.rewards
    assert env.reset(seed=0)[0]["recent_rewards"][-1] == 1.0
    expected = min((1 - source.low) / (source.high - source.low), 1.0)
    assert env.step(np.int64(0))[0]["recent_rewards"][-2] == pytest.approx(expected)


def test_refuses_what_train_refuses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown method 'drol'"):
        make_env({"method": "drol"}, out=tmp_path)
    with pytest.raises(InputError, match="unknown data set 'nowhere'"):
        make_env({"dataset": "nowhere"}, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_refuses_worlds_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown world 'real'; did you mean 'true'\? \(known: simulated, true\)"):
        make_env(SMALL_WORLD, out=tmp_path, world="real")  # type: ignore[call-overload]
    loaded = generate(SyntheticConfig(users=40, items=50))
    untested = replace(loaded, truth=None)
    with pytest.raises(InputError, match="the data set 'synthetic' has no truth; expected world 'simulated'"):
        environment_of(SMALL_WORLD, untested, tmp_path, world="true")
