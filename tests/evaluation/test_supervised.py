"""Every supervised opponent on logs that tell next to nothing: a score for everybody, or a reason in one line."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.agents.supervised import pairwise, sequences
from darlr.agents.supervised.supervised import Played
from darlr.data.dataset import Dataset
from darlr.evaluation.opponents import OPPONENTS, chosen_opponents
from darlr.evaluation.supervised import SUPERVISED, fit_now, supervised_scorer
from darlr.world.window import Window, absent_item, start_item
from darlr.world.world import World
from tests.worlds import CPU, dataset_of, log_of

POOR: Mapping[str, Dataset] = {
    "one row": dataset_of(log_of([(0, 0, 3.0)], 1, 2)),
    "one item": dataset_of(log_of([(0, 0, 3.0), (1, 0, 1.0)], 2, 1)),
    "two rows": dataset_of(log_of([(0, 0, 3.0), (0, 1, 1.0)], 1, 2)),
    "nothing liked": dataset_of(log_of([(0, 0, 3.0), (1, 1, 1.0)], 2, 2, positive_threshold=4.0)),
    "all alike": dataset_of(log_of([(user, item, 2.0) for user in range(3) for item in range(3)], 3, 3)),
    "worst reward alone": dataset_of(log_of([(user, 0, 0.0) for user in range(3)], 3, 2)),
    "everything liked": dataset_of(
        log_of([(user, item, 1.0) for user in range(3) for item in range(4)], 3, 4, reward_range=(0.0, 1.0), positive_only=True)
    ),
    "one row a user": dataset_of(log_of([(user, user % 2, 1.0 + user % 3) for user in range(6)], 7, 3)),
    "a world without rows": replace(
        dataset_of(log_of([(0, 0, 3.0), (0, 1, 1.0), (1, 1, 4.0), (1, 0, 2.0)], 4, 4)),
        world=World(np.array([3, 2]), np.array([3, 2])),
    ),
    "a pair again and again": dataset_of(log_of([(0, 0, 1.0 + place % 4) for place in range(12)] + [(1, 1, 2.0)], 2, 2)),
}


@pytest.mark.parametrize("poor", POOR)
@pytest.mark.parametrize("name", SUPERVISED)
def test_poor_logs_are_scored_or_refused(name: str, poor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for trained in (pairwise, sequences):
        monkeypatch.setattr(trained, "MOST_EPOCHS", 1)
        monkeypatch.setattr(trained, "LEAST_UPDATES", 1)
    dataset, told = POOR[poor], list[str]()
    played = Played(dataset, dataset.paid_range, CPU)
    scorer = supervised_scorer(name, played, fit_now(np.random.default_rng(0)), told.append)
    if scorer is None:
        assert [text.startswith(f"the opponent '{name}' is left out: ") for text in told] == [True]
        return
    n_users, n_items = dataset.world.n_users, dataset.world.n_items
    start, absent = start_item(n_items), absent_item(n_items)
    items = torch.tensor([[absent, start], [start, 0]]).repeat(n_users, 1)
    window = Window(items, torch.tensor([[0.0, 1.0], [1.0, 0.7]]).repeat(n_users, 1))
    scores = scorer(torch.arange(n_users).repeat_interleave(2), window)
    assert scores.shape == (2 * n_users, n_items)
    assert scores.isfinite().all()
    assert told == []


def test_who_is_left_out_is_said_why() -> None:
    reasons = {poor: [name for name, kind in SUPERVISED.items() if kind.unfit(dataset)] for poor, dataset in POOR.items()}
    ranking = [name for name in SUPERVISED if name not in ("lin_ucb", "linear_thompson")]
    assert reasons.pop("nothing liked") == ranking
    assert reasons.pop("one item") == ["item_knn"]
    assert not any(reasons.values())


def test_which_ones_are_chosen() -> None:
    dataset = POOR["all alike"]
    slow = {"bpr", "feature_factorisation", "sasrec", "gru4rec"}
    assert set(OPPONENTS) - set(chosen_opponents(["default"], dataset)) == slow
    assert chosen_opponents(["all"], dataset) == list(OPPONENTS)
    assert chosen_opponents(["ease"], dataset) == ["popular", "ease"]
    assert set(chosen_opponents(["default", "sasrec"], dataset)) == set(OPPONENTS) - slow | {"sasrec"}
    assert "ease" not in chosen_opponents(["default"], dataset_of(log_of([(0, 0, 1.0)], 1, 5_000)))
