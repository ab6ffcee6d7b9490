"""The number of candidates, and the methods that choose among them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from darlr.config.loading import merge
from darlr.data.registry import load
from darlr.errors import InputError
from darlr.methods.candidates import candidate_count, whole_episode
from darlr.methods.experiment import experiment_config
from darlr.methods.registry import METHODS
from tests.runs import SMALL, SMALL_WORLD

AMONG = {"bayes-adaptive", "cirs", "dorl", "intrinsic", "ips", "mbpo", "mopo", "ppo", "reinforce", "roler"}
"""Those that learn by A2C, PPO or REINFORCE, besides DARLR and its variants."""


@pytest.mark.parametrize(
    ("candidates", "n_items", "count"),
    [(None, 20_000, 20_000), (None, 20_001, 500), (600, 20_001, 600), (600, 300, 300), (3, 300, 30), (3, 20, 20), (None, 8, 8)],
)
def test_the_number_of_candidates(candidates: int | None, n_items: int, count: int) -> None:
    config = experiment_config({"policy": {"candidates": candidates}, "leave": {"max_steps": 30}})
    assert candidate_count(config, n_items) == count
    assert METHODS["mopo"].scored(config, n_items) == count
    assert METHODS["dqn"].scored(config, n_items) == n_items


def test_an_episode_is_as_long_as_the_longest_mode() -> None:
    config = experiment_config({"leave": {"max_steps": 4}})
    assert whole_episode(config) == 10
    assert whole_episode(replace(config, leave=replace(config.leave, max_steps=11))) == 11


def test_which_methods_choose_among_candidates() -> None:
    config = experiment_config({"policy": {"candidates": 30}})
    among = {name for name, method in METHODS.items() if not method.scores_all(config)}
    assert among == AMONG | {name for name in METHODS if name.startswith("darlr")}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"method": "dqn"}, "method 'dqn' scores all items"),
        ({"method": "sqn"}, "method 'sqn' scores all items"),
        ({"method": "ucb"}, "method 'ucb' scores all items"),
        ({"method": "gt"}, "method 'gt' learns from the true rewards, which name no candidates"),
        ({"method": "gt-adaptive"}, "method 'gt-adaptive' learns from the true rewards, which name no candidates"),
        (
            {"method": "mopo", "policy": {"actor": "belief"}, "world_model": {"kind": "factors"}},
            "method 'mopo' has an actor on a table of all items ('policy.actor')",
        ),
        ({"method": "mopo", "reference_quirks": True}, "method 'mopo' follows the references, which score all items"),
    ],
)
def test_others_refuse_in_one_line(changes: Mapping[str, Any], why: str) -> None:
    config = experiment_config(merge(merge(SMALL, SMALL_WORLD), merge(changes, {"policy": {"candidates": 1_234}})))
    with pytest.raises(InputError, match=r"^config key 'policy\.candidates' is 1,234, but ") as refused:
        METHODS[config.method].check(config, load(config, None).dataset)
    assert why in str(refused.value)
    assert str(refused.value).endswith("; expected it left open")
    assert "\n" not in str(refused.value)


def test_a_step_among_few_items_is_cheap() -> None:
    few, all_items = (experiment_config({"policy": {"candidates": count}}) for count in (50, None))
    for name in ("mopo", "bayes-adaptive"):
        assert METHODS[name].work(few, 5_000).seconds < METHODS[name].work(all_items, 5_000).seconds / 3
