"""REINFORCE's loss and its baseline, on numbers that were worked by hand."""

from math import log

import pytest
import torch

from darlr.agents.a2c import ValuedRollout
from darlr.agents.settings import A2CConfig
from darlr.methods.reinforce import Baseline, Reinforce, reinforce_loss
from darlr.simulator.simulator import Episodes
from tests.agents.test_a2c import Setting, agent

NOTHING = float("-inf")
# Probabilities (1/4, 1/2, 1/4) and, with the last action blocked, (1/3, 2/3).
LOGITS = torch.tensor([[0.0, log(2.0), 0.0], [0.0, log(2.0), NOTHING]])
ACTIONS = torch.tensor([1, 0])


def test_the_loss_by_hand() -> None:
    loss, terms = reinforce_loss(LOGITS, ACTIONS, torch.tensor([3.0, -1.0]), 0.0)
    assert float(loss) == pytest.approx((3 * log(2) - log(3)) / 2)
    assert terms.keys() == {"policy"}


def test_entropy_is_subtracted_where_it_is_weighted() -> None:
    loss, terms = reinforce_loss(LOGITS, ACTIONS, torch.tensor([3.0, -1.0]), 0.1)
    entropy = (1.5 * log(2) + log(3) - 2 / 3 * log(2)) / 2
    assert float(terms["entropy"]) == pytest.approx(entropy)
    assert float(loss) == pytest.approx((3 * log(2) - log(3)) / 2 - 0.1 * entropy)


def test_the_gradient_by_hand() -> None:
    logits = LOGITS.clone().requires_grad_()
    reinforce_loss(logits, ACTIONS, torch.tensor([3.0, -1.0]), 0.0)[0].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    # (probabilities - action) G / n
    torch.testing.assert_close(logits.grad, torch.tensor([[0.375, -0.75, 0.375], [1 / 3, -1 / 3, 0.0]]))


@pytest.mark.parametrize(
    ("baseline", "expected"),
    # Discounted by 1/2, the episodes are worth 2, 4 and 3 from the first step on, 3 on average; from the second one on 2 and 6,
    # 4 on average.
    [("none", [2.0, 2.0, 4.0, 3.0, 6.0]), ("mean", [-1.0, -2.0, 1.0, 0.0, 2.0])],
)
def test_returns_are_compared_with_the_collections_mean_at_the_same_step(baseline: Baseline, expected: list[float]) -> None:
    base = agent(Setting())
    learner = Reinforce(base.policy, base.simulator, 2, A2CConfig(discount=0.5), baseline)
    rewards = torch.tensor([[1.0, 2.0, 0.0], [4.0, 0.0, 0.0], [0.0, 6.0, 0.0]])
    lookback, absent, start = base.simulator.lookback, base.simulator.absent_item, base.simulator.start_item
    past = torch.full((3, lookback), absent)
    past[:, -1] = start
    items = torch.cat([past, torch.tensor([[0, 1, absent], [2, absent, absent], [3, 4, absent]])], dim=1)
    episodes = Episodes(torch.zeros(3, dtype=torch.long), torch.tensor([2, 1, 2]), items, torch.zeros(items.shape), rewards)
    rollout = ValuedRollout(episodes, torch.full((3, 3), 100.0))  # a critic's values count nothing
    assert learner.transitions(rollout, rewards).advantages.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("baseline", ["mean", "none"])
def test_learns_what_pays(baseline: Baseline) -> None:
    base = agent(Setting())
    learner = Reinforce(base.policy, base.simulator, 2, base.config, baseline)
    learner.epoch(100, 30_000, torch.Generator().manual_seed(0))
    log = learner.epoch(100, 300, torch.Generator().manual_seed(1))
    assert log.metrics()["train/r_tra"] > 2.5  # at random 3 * 3 / 20 = 0.45, at best 3
    assert "loss/value" not in log.metrics()
