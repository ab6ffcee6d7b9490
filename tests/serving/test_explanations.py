"""Explanations of the methods: the parts add up, name the reward that moved an item, and agree with the list."""

from pathlib import Path
from typing import Any

import pytest
import torch

from darlr import Recommender, Request
from tests.runs import train_small
from tests.serving.shop import ITEMS, WINDOW

ANSWERED = Request("u4", ("i1", "i8", "i5"), (5, 1, 4), exclude_seen=False)


def of_run(shop: Path, method: str, **settings: Any) -> Recommender:
    changes = {"dataset": "shop", "method": method, "training": {"epochs": 1}, "world_model": {"kind": "factors"}, **settings}
    return Recommender.load(train_small(shop / "runs", changes, shop).path)


def test_only_items_that_share_a_category_with_recent_ones_have_a_penalty(recommends: Recommender) -> None:
    [answer] = recommends.recommend([ANSWERED], ITEMS, explain=True)
    recent = {int(str(item)[1:]) % 6 for item in ANSWERED.items[-WINDOW:]}
    for entry in answer:
        assert entry.explanation is not None
        assert (entry.explanation.penalty != 0) == (int(str(entry.item)[1:]) % 6 in recent)


@pytest.mark.parametrize("method", ["mbpo", "dorl"])
def test_a_belief_on_what_a_method_learns_from_explains_its_own_list(shop: Path, method: str) -> None:
    recommends = of_run(shop, method, policy={"actor": "belief"})
    [answer] = recommends.recommend([ANSWERED], ITEMS, explain=True)
    [before] = recommends.recommend([Request("u4", exclude_seen=False, history="none")], ITEMS)
    untold = {entry.item: entry.expected_reward for entry in before}
    for entry in answer:
        why = entry.explanation
        assert why is not None
        assert why.estimate == pytest.approx(untold[entry.item], abs=1e-4)
        assert why.estimate + why.change == pytest.approx(entry.expected_reward, abs=1e-4)
        assert why.moved_by is None or (why.moved_by.item, why.moved_by.reward) in zip(
            ANSWERED.items, ANSWERED.rewards, strict=True
        )
    assert any(entry.explanation and entry.explanation.moved_by for entry in answer)


def test_a_method_without_a_belief_explains_by_the_world_models_estimate_alone(shop: Path) -> None:
    recommends = of_run(shop, "dorl")
    [answer] = recommends.recommend([ANSWERED], 5, explain=True)
    order = recommends.item_ids.tolist()
    items = torch.tensor([order.index(entry.item) for entry in answer])
    user = torch.tensor([recommends.understanding.users.find("u4")])
    estimates = recommends.served.policy.model.predict(user, items)[0][0].tolist()
    for entry, estimate in zip(answer, estimates, strict=True):
        why = entry.explanation
        assert why is not None
        assert why.estimate == pytest.approx(estimate)
        assert (why.change, why.penalty, why.moved_by) == (0, 0, None)
