from typing import Any

import numpy as np
import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.run.resolution import resolve
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from tests.worlds import catalog_of, dataset_of, log_of

LEAVE = LeaveConfig(by="category", window=2, tolerance=1.0, max_steps=20)


def loaded(
    name: str = "mine",
    categories: bool = True,
    truth: bool = True,
    n_items: int = 40,
    rewards: tuple[float, float] = (1.0, 4.0),
    users: int = 200,
) -> LoadedDataset:
    dataset = dataset_of(
        log_of([(0, 0, rewards[0]), (1, 1, rewards[1])], 200, n_items),
        catalog_of([[item % 3] if categories else [] for item in range(n_items)]),
        name=name,
        world=World(np.arange(users), np.arange(n_items)),
        leave=LEAVE if categories else LeaveConfig(by="never", max_steps=20),
    )
    return LoadedDataset(dataset, Truth(dataset.world, np.zeros((users, n_items), np.float32)) if truth else None)


def test_defaults_with_the_data_sets_leave_rule_and_the_methods_published_settings() -> None:
    config = resolve({"method": "dorl", "dataset": "coat"}, loaded("coat"))
    assert config.leave == LEAVE
    assert (config.reward.uncertainty_weight, config.reward.entropy_weight) == (0.005, 1.0)
    assert config.a2c == ExperimentConfig().a2c


@pytest.mark.parametrize(
    ("method", "dataset", "weights"),
    [
        ("mbpo", "coat", (0.0, 0.0)),
        ("mopo", "coat", (0.2, 0.0)),
        ("mopo", "kuairand", (0.01, 0.0)),
        ("mopo", "mine", (0.05, 0.0)),  # KuaiRec's, where nothing was published
        ("dorl", "yahoo", (0.01, 1.0)),
        ("dorl", "mine", (0.05, 5.0)),
        ("roler", "coat", (0.005, 1.0)),
        ("darlr", "coat", (0.1, 0.1)),
        ("sqn", "coat", (0.0, 0.0)),
        ("gt", "coat", (0.0, 0.0)),
    ],
)
def test_published_weights(method: str, dataset: str, weights: tuple[float, float]) -> None:
    config = resolve({"method": method, "dataset": dataset}, loaded(dataset))
    assert (config.reward.uncertainty_weight, config.reward.entropy_weight) == weights


def test_recipes_leave_out_what_the_data_lack() -> None:
    varied = resolve({"method": "darlr-plus"}, loaded()).policy
    assert (varied.prior_weight, varied.category_window) == (100.0, 4)
    assert resolve({"method": "darlr-plus"}, loaded(categories=False)).policy.category_window == 0


def test_the_batch_size_that_the_log_asks_for_is_told() -> None:
    config = resolve({}, loaded())
    assert config.world_model.batch_size == 256
    assert resolve({"world_model": {"batch_size": 0}}, loaded()) == config
    assert resolve({"world_model": {"batch_size": 7}}, loaded()).world_model.batch_size == 7


def test_what_is_asked_for_wins() -> None:
    values = {"method": "dorl", "reward": {"entropy_weight": 0.3}, "leave": {"window": 7}, "training": {"epochs": 3}}
    config = resolve(values, loaded())
    assert (config.reward.entropy_weight, config.reward.uncertainty_weight) == (0.3, 0.05)
    assert (config.leave.window, config.leave.tolerance) == (7, 1.0)
    assert config.training.epochs == 3


@pytest.mark.parametrize(
    ("values", "data", "message"),
    [
        ({"method": "mpbo"}, {}, r"unknown method 'mpbo'; did you mean 'mbpo'\?"),
        ({"method": "xyz"}, {}, r"unknown method 'xyz' \(known: .*dorl.*gt.*mbpo.*mopo.*\)"),
        ({"reward": {"entropy": 1}}, {}, r"unknown config key 'reward.entropy'; did you mean 'reward.entropy_\w+'"),
        ({"a2c": {"discount": 2}}, {}, r"'a2c.discount' is 2.0; expected from 0 to 1"),
        (
            {"method": "mbpo", "reward": {"uncertainty_weight": 0.1}},
            {},
            r"'reward.uncertainty_weight' is 0.1, but method 'mbpo' is defined by 0.0",
        ),
        (
            {"method": "mopo", "reward": {"entropy_weight": 1}},
            {},
            r"'reward.entropy_weight' is 1.0, but method 'mopo' is defined by 0.0",
        ),
        (
            {"method": "gt", "reward": {"uncertainty_weight": 1}},
            {},
            r"'reward.uncertainty_weight' is 1.0, but method 'gt' is defined by 0.0",
        ),
        ({"method": "gt"}, {"truth": False}, "method 'gt' learns from the truth, but the data set has none"),
        ({"method": "crr", "offline": {"n_step": 3}}, {}, "'offline.n_step' is 3, but method 'crr' is defined by 1"),
        ({"method": "cql-plain", "cql": {"quantiles": 9}}, {}, "'cql.quantiles' is 9, but method 'cql-plain' is defined by 1"),
        ({"method": "sqn", "policy": {"head": "tied"}}, {}, "'policy.head' is 'tied', .* 'sqn' are plain linear .* 'linear'"),
        ({"method": "bcq", "policy": {"prior_weight": 2}}, {}, "'policy.prior_weight' is 2.0, .* expected 0.0"),
        ({"method": "cql", "policy": {"category_window": 1}}, {}, "'policy.category_window' is 1, .* expected 0"),
        ({"method": "dqn", "policy": {"head": "tied"}}, {}, "'policy.head' is 'tied', .* 'dqn' are plain linear .* 'linear'"),
        (
            {"method": "ppo", "policy": {"actor": "belief"}, "world_model": {"kind": "factors"}},
            {},
            "'policy.actor' is 'belief', but method 'ppo' learns a network; expected 'network'",
        ),
        ({"method": "cirs", "world_model": {"kind": "deepfm"}}, {}, "'world_model.kind' is 'deepfm', but method 'cirs'"),
        ({"method": "intrinsic", "reward": {"kind": "observed"}}, {}, "'reward.kind' is 'observed', but method 'intrinsic'"),
        ({"method": "sqn", "tracker": {"user_state": True}}, {"users": 150}, "the log has 50 users whom the test world lacks"),
        ({"method": "ips", "world_model": {"weighting": "equal"}}, {}, "'world_model.weighting' is 'equal', but method 'ips'"),
        ({"method": "ucb", "static": {"epsilon": 0.1}}, {}, "'static.epsilon' is 0.1, but method 'ucb' is defined by 0.0"),
        ({"method": "epsilon-greedy", "static": {"bonus": 1}}, {}, "'static.bonus' is 1.0, but method 'epsilon-greedy'"),
        (
            {"method": "mopo", "world_model": {"error": "squared"}},
            {},
            "'reward.uncertainty_weight' is 0.05, but a world model with the error 'squared' has no uncertainty; expected 0",
        ),
        ({"leave": {"by": "category"}}, {"categories": False}, "'leave.by' is 'category', but the data set's items have no"),
        ({"policy": {"category_window": 4}}, {"categories": False}, "'policy.category_window' needs items with categories"),
        ({"dataset": "coat", "synthetic": {"users": 9}}, {}, r"'synthetic.\*' shape the data set 'synthetic', but .* 'coat'"),
        (
            {"data": {"missing_truth": "masked"}, "reference_quirks": True},
            {},
            r"'data.missing_truth' is 'masked', but the references' masks \('reference_quirks'\) treat .*; expected 'zero'",
        ),
        ({"world_model": {"loss": "logged"}}, {"rewards": (1.0, 1.0)}, "every logged reward is the same"),
        (
            {"method": "slateq", "slate": {"size": 3}, "leave": {"max_steps": 20}},
            {},
            "recommends up to 60 items, but the test world has 40; expected more items or a smaller 'slate.size' or",
        ),
        (
            {"method": "mbpo", "slate": {"size": 2}, "leave": {"max_steps": 10}},
            {},
            "'slate.size' is 2, but method 'mbpo' recommends one item at a time; expected 1, or a method that shows slates",
        ),
        (
            {"method": "dqn", "slate": {"nothing": 0.5}},
            {},
            "'slate.nothing' is 0.5, but method 'dqn' recommends one item at a time; expected null, or a method",
        ),
        (
            {"method": "ucb", "slate": {"size": 2}, "reference_quirks": True, "leave": {"max_steps": 5}},
            {},
            "asks for slates, which",
        ),
        ({"slate": {"size": 0}}, {}, "config key 'slate.size' is 0; expected from 1 to 100"),
        ({"slate": {"leave": "all"}}, {}, "'slate.leave'"),
        ({"leave": {"max_steps": 41}}, {}, "recommends up to 41 items, but the test world has 40; expected more items"),
        ({"leave": {"max_steps": 3}}, {"n_items": 9}, "recommends up to 10 items, but the test world has 9"),
    ],
)
def test_refuses_contradictions(values: dict[str, Any], data: dict[str, Any], message: str) -> None:
    accepted = {"method": "dorl", "leave": {"max_steps": 5}}
    resolve(accepted, loaded(truth=False))
    with pytest.raises(InputError, match=message):
        resolve(merge(accepted, values), loaded(**data))
