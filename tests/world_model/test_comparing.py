from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.data.catalog import Features
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.world_model import comparing
from darlr.world_model.comparing import Comparison, compare
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.settings import WorldModelConfig
from tests.worlds import CPU, catalog_of, dataset_of, log_of, low_rank_world

CONFIG = WorldModelConfig(members=5, hidden_sizes=(32,), learning_rate=2e-2, weight_decay=1e-3, batch_size=64, held_out=0.2)


def contrary_world(n_users: int = 1500, rows_each: int = 3) -> Dataset:
    """Make a world in which users with exactly one trait like the items that the others dislike, which no product of
    factors can model.

    Users have two traits, items one; the parity of all three decides a high rating. Users rate so little, and with so much
    noise, that their own ratings do not reveal their tastes.
    """
    random = np.random.default_rng(0)
    traits, kinds = random.integers(2, size=(n_users, 2)), random.integers(2, size=60)
    rows = [
        (user, int(item), 2.0 * float((traits[user].sum() + kinds[item]) % 2) + random.normal())
        for user in range(n_users)
        for item in random.choice(60, rows_each, replace=False)
    ]
    users, items = (
        Features(names, codes.astype(np.int32), (2,) * len(names), (), np.zeros((len(codes), 0), np.float32))
        for names, codes in ((("first", "second"), traits), (("kind",), kinds[:, None]))
    )
    return dataset_of(log_of(rows, n_users, 60, reward_range=(-5.0, 8.0)), catalog_of([[]] * 60, items), users)


def test_factors_win_where_the_truth_has_factors() -> None:
    found = compare(low_rank_world(60, 60)[0], CONFIG, FactorSettings(), 0, CPU)
    assert found.deepfm is not None
    assert found.factors is not None
    assert found.factors > found.deepfm
    assert found.kind == "factors"
    assert found.reason.startswith("factors: of users' pairs of held-out rows, factors orders 0.")


def test_deepfm_wins_where_features_act_together() -> None:
    found = compare(contrary_world(), replace(CONFIG, max_epochs=20, held_out=0.3), FactorSettings(), 0, CPU)
    assert found.deepfm is not None
    assert found.factors is not None
    assert found.deepfm > found.factors + 0.03
    assert found.kind == "deepfm"


def test_the_faster_one_is_taken_where_nothing_can_be_ordered() -> None:
    found = Comparison(None, None, 12)
    assert found.kind == "factors"
    assert "no user has two held-out rows" in found.reason


def test_large_logs_are_compared_on_whole_users(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = low_rank_world(60, 60)[0]
    monkeypatch.setattr(comparing, "MOST_ROWS", 300)
    counts = np.bincount(dataset.log.users)
    found = compare(dataset, replace(CONFIG, max_epochs=1), FactorSettings(size=1, link="identity"), 0, CPU)
    assert 300 <= found.rows < 300 + counts.max()


def test_a_log_without_rows_to_hold_out_is_refused() -> None:
    with pytest.raises(InputError, match="the log has 2 rows; expected enough to hold out"):
        compare(dataset_of(log_of([(0, 0, 1.0), (1, 1, 2.0)], 2, 2)), CONFIG, FactorSettings(), 0, torch.device("cpu"))
