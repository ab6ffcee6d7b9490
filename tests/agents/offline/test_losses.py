"""Every loss on numbers that were worked by hand."""

from math import exp, log
from typing import Literal

import pytest
import torch

from darlr.methods.bc import imitation_loss
from darlr.methods.bcq import likely_items
from darlr.methods.cql import conservative_loss
from darlr.methods.crr import CRRConfig, crr_losses
from darlr.methods.iql import IQLConfig, iql_losses
from darlr.methods.sqn import sqn_losses
from darlr.methods.topk_reinforce import TopKConfig, topk_losses
from darlr.methods.weighted_likelihood import WeightedLikelihoodConfig, weighted_loss, weights

NOTHING = float("-inf")
ITEMS = torch.tensor([1, 0])
NONE_LEFT = torch.tensor([[0.0, 0.0, NOTHING], [0.0, 0.0, 0.0]])


def test_sqn() -> None:
    values = torch.tensor([1.0, 3.0])
    imitation = torch.tensor([[0.0, log(2.0), 0.0], [0.0, 0.0, 0.0]])
    found = sqn_losses(values, imitation, ITEMS, torch.tensor([1.5, 0.0]), None)
    # Huber of 0.5 is 0.125, of 3 it is 2.5. The logged items have the probabilities 2/4 and 1/3.
    assert float(found["value"]) == pytest.approx((0.125 + 2.5) / 2)
    assert float(found["imitation"]) == pytest.approx((log(2) + log(3)) / 2)
    assert float(found["logits"]) == pytest.approx(log(2) ** 2 / 6)
    without_last = sqn_losses(values, imitation, ITEMS, torch.tensor([1.5, 0.0]), NONE_LEFT)
    assert float(without_last["imitation"]) == pytest.approx((log(3 / 2) + log(3)) / 2)  # 2/3 where the last item is out
    assert without_last["value"] == found["value"]


def test_which_items_bcq_finds_likely() -> None:
    logits = torch.tensor([[0.0, log(0.6) + 1e-4, log(0.6) - 1e-4], [NOTHING, 1.0, -5.0]])
    assert likely_items(logits, 0.6).tolist() == [[True, True, False], [False, True, False]]
    assert likely_items(logits, 0.0)[0].tolist() == [True, True, True]
    assert likely_items(logits, 1.0).tolist() == [[True, False, False], [False, True, False]]


def test_conservative_loss() -> None:
    values = torch.tensor([[log(1.0), log(2.0), NOTHING], [log(4.0), log(2.0), log(2.0)]])
    assert float(conservative_loss(values, ITEMS)) == pytest.approx((log(3 / 2) + log(8 / 4)) / 2)


@pytest.mark.parametrize(
    ("weighting", "bound", "weights"),
    # The policy is (1/4, 1/2, 1/4) and even; the advantages are 1 - 0.5 = 0.5 and 0 - 1 = -1.
    [
        ("exp", 20.0, (exp(0.25), exp(-0.5))),
        ("exp", 1.2, (1.2, exp(-0.5))),
        ("binary", 20.0, (1.0, 0.0)),
        ("none", 20.0, (1.0, 1.0)),
    ],
)
def test_crr(weighting: Literal["exp", "binary", "none"], bound: float, weights: tuple[float, float]) -> None:
    logits = torch.tensor([[0.0, log(2.0), 0.0], [0.0, 0.0, 0.0]])
    values = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    settings = CRRConfig(weighting=weighting, beta=2.0, bound=bound)
    found = crr_losses(logits, values, ITEMS, torch.tensor([3.0, 1.0]), None, settings)
    assert float(found["actor"]) == pytest.approx((weights[0] * log(2) + weights[1] * log(3)) / 2)
    assert float(found["critic"]) == pytest.approx(0.5 * (4 + 1) / 2)
    assert float(found["conservative"]) == pytest.approx((log(2 + exp(1)) - 1 + log(1 + exp(1) + exp(2))) / 2)


def test_crr_leaves_blocked_items_out_of_everything() -> None:
    logits = torch.tensor([[0.0, 0.0, 7.0]], requires_grad=True)
    values = torch.tensor([[0.0, 2.0, 9.0]], requires_grad=True)
    blocking = torch.tensor([[0.0, 0.0, NOTHING]])
    found = crr_losses(logits, values, torch.tensor([1]), torch.tensor([2.0]), blocking, CRRConfig())
    assert found["actor"].item() == pytest.approx(exp(1.0) * log(2))  # an advantage of 2 - 1
    assert found["conservative"].item() == pytest.approx(log(1 + exp(2)) - 2)
    sum(found.values(), start=torch.zeros(())).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert values.grad is not None
    assert logits.grad[0, 2] == values.grad[0, 2] == 0.0


def test_crrs_weight_is_a_constant_for_the_gradient() -> None:
    values = torch.randn(4, 3, requires_grad=True)
    logits = torch.randn(4, 3, requires_grad=True)
    found = crr_losses(logits, values, torch.zeros(4, dtype=torch.long), torch.zeros(4), None, CRRConfig())
    found["actor"].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert values.grad is None


def test_bc() -> None:
    logits = torch.tensor([[0.0, log(2.0), 0.0], [0.0, 0.0, 0.0]])
    assert float(imitation_loss(logits, ITEMS, None)) == pytest.approx((log(2) + log(3)) / 2)  # the logged items have 2/4, 1/3
    assert float(imitation_loss(logits, ITEMS, NONE_LEFT)) == pytest.approx((log(3 / 2) + log(3)) / 2)


def test_weighted_likelihood() -> None:
    returns = torch.tensor([0.5, 2.0])
    assert weights(returns, WeightedLikelihoodConfig()).tolist() == [0.5, 2.0]
    exponential = WeightedLikelihoodConfig(weighting="exp", beta=0.5, bound=50.0)
    assert weights(returns, exponential).tolist() == pytest.approx([exp(1.0), 50.0])  # exp(4) is 54.6
    scores = torch.tensor([[0.0, log(2.0), NOTHING], [0.0, 0.0, 0.0]])
    assert float(weighted_loss(scores, ITEMS, returns)) == pytest.approx((0.5 * log(3 / 2) + 2 * log(3)) / 2)


def test_iql() -> None:
    scores = torch.tensor([[0.0, log(2.0), NOTHING], [0.0, 0.0, 0.0]])
    critics, values = torch.tensor([[1.0, 2.0], [0.0, 3.0]]), torch.tensor([0.5, 4.0])
    logged, targets = torch.tensor([1.5, 2.0]), torch.tensor([2.0, 1.0])
    found = iql_losses(scores, critics, values, ITEMS, logged, targets, IQLConfig(expectile=0.8, beta=2.0, bound=5.0))
    # Advantages 1 and -2: above the value they weigh 0.8, below it 0.2.
    assert float(found["value"]) == pytest.approx((0.8 * 1 + 0.2 * 4) / 2)
    assert float(found["critic"]) == pytest.approx(((1 + 0) + (1 + 4)) / 2)
    assert float(found["actor"]) == pytest.approx((5.0 * log(3 / 2) + exp(-4.0) * log(3)) / 2)  # exp(2) is 7.4, cut to 5


def test_iqls_terms_reach_their_own_head_alone() -> None:
    scores, critics, values = (torch.randn(*size, requires_grad=True) for size in ((4, 3), (4, 2), (4,)))
    parts = iql_losses(scores, critics, values, torch.zeros(4, dtype=torch.long), torch.ones(4), torch.zeros(4), IQLConfig())
    for name, own in (("actor", scores), ("critic", critics), ("value", values)):
        gradients = torch.autograd.grad(parts[name], (scores, critics, values), allow_unused=True, retain_graph=True)
        assert [gradient is not None for gradient in gradients] == [own is each for each in (scores, critics, values)]


@pytest.mark.parametrize(
    ("items", "cap", "factors"),
    # pi of the logged items is 2/3 and 1/3, beta 1/3 and 1/3: importance 2 and 1. lambda_2 is 2 (1 - pi): 2/3 and 4/3.
    [(1, 20.0, (2.0, 1.0)), (1, 1.5, (1.5, 1.0)), (2, 20.0, (2 * 2 / 3, 4 / 3)), (3, 20.0, (2 * 3 / 9, 3 * 4 / 9))],
)
def test_topk_reinforce(items: int, cap: float, factors: tuple[float, float]) -> None:
    scores = torch.tensor([[0.0, log(2.0), NOTHING], [0.0, 0.0, 0.0]], requires_grad=True)
    behaviour = torch.tensor([[log(2.0), 0.0, NOTHING], [0.0, 0.0, 0.0]], requires_grad=True)
    found = topk_losses(scores, behaviour, ITEMS, torch.tensor([3.0, 1.0]), TopKConfig(items=items, cap=cap))
    assert found["actor"].item() == pytest.approx((factors[0] * 3 * log(3 / 2) + factors[1] * log(3)) / 2, rel=1e-5)
    assert found["behaviour"].item() == pytest.approx((log(3) + log(3)) / 2)
    # What stands before the logarithm is a constant: the gradient of -f log pi(a) is f (pi - 1) at the logged item.
    found["actor"].backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    assert behaviour.grad is None
    assert scores.grad.gather(1, ITEMS[:, None]).flatten().tolist() == pytest.approx(
        [-factors[0] * 3 * (1 / 3) / 2, -factors[1] * (2 / 3) / 2], rel=1e-5
    )


def test_a_top_k_of_one_learns_the_policy_gradient() -> None:
    """Over all items, weighed as the behaviour has it, the gradient is that of the mean reward of pi."""
    scores, behaviour = torch.randn(4, requires_grad=True), torch.randn(4)
    rewards, chances = torch.rand(4), behaviour.softmax(0)
    each = [
        topk_losses(scores[None], behaviour[None], torch.tensor([item]), rewards[item, None], TopKConfig(items=1, cap=1e6))
        for item in range(4)
    ]
    loss = sum((chances[item] * parts["actor"] for item, parts in enumerate(each)), start=torch.zeros(()))
    [found] = torch.autograd.grad(loss, scores)
    [expected] = torch.autograd.grad(-(scores.softmax(0) * rewards).sum(), scores)
    torch.testing.assert_close(found, expected)
