"""Notices about a run's settings before it begins."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from darlr.agents.settings import ReplayConfig, SelectorConfig
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.methods.experiment import experiment_config
from darlr.methods.registry import METHODS
from darlr.run.notices import data_notes, notices
from darlr.run.resolution import resolve
from darlr.run.worlds import lookback_of
from tests.worlds import dataset_of, log_of

N_USERS, N_ITEMS = 12, 40  # so few users that recipes take fewer references than their default
DATASET = dataset_of(log_of([(item % N_USERS, item, item / 8) for item in range(N_ITEMS)], N_USERS, N_ITEMS))
LOADED = LoadedDataset(DATASET, Truth(DATASET.world, np.zeros((N_USERS, N_ITEMS), np.float32)))


@pytest.mark.parametrize("method", METHODS)
def test_settings_of_other_learners_are_told(method: str) -> None:
    values = {
        "a2c": {"learning_rate": 0.1},
        "selector": {"pool": 30, "window": 2},
        "offline": {"discount": METHODS[method].fixed.get("offline.discount", 0.5)},
        "sqn": {"logit_penalty": 0.5},
        "policy": {"hidden_sizes": [8]},
    }
    unread = {
        "a2c": ["selector.pool", "selector.window", "offline.discount", "sqn.logit_penalty"],
        "darlr": ["offline.discount", "sqn.logit_penalty"],
        "sqn": ["a2c.learning_rate", "selector.pool", "selector.window"],
        "static": ["a2c.learning_rate", "selector.pool", "selector.window", "offline.discount", "sqn.logit_penalty"],
    }
    own = METHODS[method]
    families = {"sqn": "sqn", **dict.fromkeys(("ucb", "epsilon-greedy"), "static")}
    learner = "static" if ReplayConfig in own.reads else "a2c" if own.simulated else ""
    family = families.get(method, "darlr" if SelectorConfig in own.reads else learner)
    keys = unread.get(family, [*unread["sqn"], "sqn.logit_penalty"])
    told = [text for text in notices(resolve({"method": method, **values}, LOADED), LOADED) if "does not read" in text]
    [line] = told
    start, end = f"method '{method}' does not read ", " (no effect)"
    assert line.startswith(start)
    assert sorted(line.removeprefix(start).removesuffix(end).split(", ")) == sorted(keys)
    assert not [text for text in notices(resolve({"method": method}, LOADED), LOADED) if "does not read" in text]


@pytest.mark.parametrize(
    ("method", "values", "idle"),
    [
        ("roler", {"neighbours": {"uncertainty": "none"}}, True),
        ("roler", {"neighbours": {"uncertainty": "variance"}}, False),
        ("roler", {"neighbours": {"uncertainty": "none"}, "reward": {"uncertainty_weight": 0}}, False),
        ("darlr-static-penalty", {}, True),
        ("darlr-static-penalty", {"neighbours": {"users": 0}}, False),
        ("darlr", {}, False),
        ("mopo", {}, False),
    ],
)
def test_a_weight_of_no_uncertainty_is_told(method: str, values: dict[str, Any], idle: bool) -> None:
    config = resolve({"method": method, **values}, LOADED)
    weight = f"(reward.uncertainty_weight {config.reward.uncertainty_weight:g} has no effect)"
    text = f"neighbours.uncertainty is 'none', so no uncertainty is penalised {weight}"
    assert [told for told in notices(config, LOADED) if "uncertainty" in told] == ([text] if idle else [])


@pytest.mark.parametrize(
    ("tracker", "leave", "category_window", "orders", "lookback"),
    [(5, 2, 0, [1], 5), (1, 6, 0, [1], 6), (1, 2, 7, [1], 7), (1, 2, 0, [1, 4], 4), (1, 1, 0, [], 1)],
)
def test_a_simulator_shows_as_much_as_its_widest_reader_needs(
    tracker: int, leave: int, category_window: int, orders: list[int], lookback: int
) -> None:
    values = {
        "tracker": {"window": tracker},
        "leave": {"window": leave},
        "policy": {"category_window": category_window},
        "reward": {"entropy_orders": orders},
    }
    assert lookback_of(experiment_config(values)) == lookback


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"method": "mbpo"},
            "a world model of the kind 'deepfm' does not read the ratings of randomly shown items (no effect)",
        ),
        ({"method": "bayes-adaptive"}, None),
        (
            {"method": "bayes-adaptive", "selection": {"exponent": 0.2}},
            "selection.exponent is set to 0.2, so the ratings of randomly shown items are not read (no effect)",
        ),
    ],
)
def test_randomly_shown_ratings_that_nothing_reads_are_told(values: dict[str, Any], told: str | None) -> None:
    shown = replace(LOADED, dataset=replace(DATASET, randomised=DATASET.log))
    config = resolve(values, shown)
    assert [text for text in notices(config, shown) if "randomly shown" in text] == ([] if told is None else [told])
    assert not [text for text in notices(config, LOADED) if "randomly shown" in text]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "the world model takes pairs without a row as worth 1, in a range of 1..5"),
        ({"world_model": {"kind": "factors"}}, "the world model takes pairs without a row as worth 1, in a range of 1..5"),
        ({"reference_quirks": True}, "the world model takes pairs without a row as worth 0, in a range of 1..5"),
    ],
)
def test_what_pairs_without_a_row_are_taken_for_is_told(settings: dict[str, Any], told: str) -> None:
    rows = [(item % N_USERS, item, 4.0) for item in range(N_ITEMS)]
    loaded = LoadedDataset(dataset_of(log_of(rows, N_USERS, N_ITEMS, reward_range=(1.0, 5.0))), None)
    config = resolve({"method": "mbpo", **settings}, loaded)
    noted = data_notes(config, loaded)
    assert told in noted
    assert notices(config, loaded)[: len(noted)] == noted
    ratings = resolve({"method": "mbpo"}, LOADED)
    assert not [text for text in data_notes(ratings, LOADED) if "without a row" in text]


def test_groups_of_users_without_effect_are_told() -> None:
    config = resolve({"method": "mbpo", "evaluation": {"by_group": "age"}}, LOADED)
    told = "the truth judges, not held-out rows (evaluation.by_group 'age' has no effect)"
    assert told in notices(config, LOADED)
    assert told not in notices(config, replace(LOADED, truth=None))
