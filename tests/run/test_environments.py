"""The simulator of a run for agents from outside."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.data.readers.synthetic import generate
from darlr.data.settings import SyntheticConfig
from darlr.errors import InputError
from darlr.run.environments import simulated_environment
from tests.conftest import REPOSITORY
from tests.runs import SMALL


def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "gymnasium.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["ended"]
    assert names["episode_return"] >= 0  # rewards are shifted so that none is negative
    assert names["env"].action_space.n == 80
    [world_model] = Path("runs/synthetic/world-models").iterdir()
    fitted = world_model.stat().st_mtime_ns
    exec(example, names)
    assert world_model.stat().st_mtime_ns == fitted


def test_pays_the_methods_reward_until_the_user_leaves(tmp_path: Path) -> None:
    world = generate(SyntheticConfig(users=40, items=50))
    assert world.truth is not None
    truth, member = world.truth.rewards, world.dataset.items.membership()
    env = simulated_environment({**SMALL, "method": "gt", "synthetic": {"users": 40, "items": 50}}, out=tmp_path)
    for user in range(5):
        _, info = env.reset(options={"user": user})
        recommended: list[int] = []
        ended = False
        while not ended:
            action = np.flatnonzero(info["action_mask"])[-1]
            _, reward, ended, _, info = env.step(action)
            assert float(reward) == pytest.approx(truth[user, action] - truth.min(), abs=1e-5)
            shares = (member[recommended[-4:]] & member[action]).any()
            recommended.append(int(action))
            assert ended == (shares or len(recommended) == 30)


def test_refuses_what_train_refuses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown method 'drol'"):
        simulated_environment({"method": "drol"}, out=tmp_path)
    with pytest.raises(InputError, match="unknown data set 'nowhere'"):
        simulated_environment({"dataset": "nowhere"}, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []
