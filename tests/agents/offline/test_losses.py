"""Every loss on numbers that were worked by hand."""

from math import exp, log
from typing import Literal

import pytest
import torch

from darlr.methods.bcq import likely_items
from darlr.methods.cql import conservative_loss
from darlr.methods.crr import CRRConfig, crr_losses
from darlr.methods.sqn import sqn_losses

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
