"""The loss that the recommender and the selector share, on numbers that were worked by hand."""

from math import log

import pytest
import torch

from darlr.agents.actor_critic import actor_critic_loss, descend, entropies
from darlr.agents.settings import A2CConfig

NOTHING = float("-inf")
# Probabilities (1/4, 1/2, 1/4) and, with the last action blocked, (1/3, 2/3).
LOGITS = torch.tensor([[0.0, log(2.0), 0.0], [0.0, log(2.0), NOTHING]])
ACTIONS = torch.tensor([1, 0])
VALUES = torch.tensor([1.0, 2.0])
ADVANTAGES = torch.tensor([3.0, -1.0])
RETURNS = torch.tensor([4.0, 1.0])
POLICY = (3 * log(2) - log(3)) / 2
VALUE = (9 + 1) / 2
ENTROPY = (1.5 * log(2) + log(3) - 2 / 3 * log(2)) / 2


def test_the_terms_by_hand() -> None:
    loss, terms = actor_critic_loss(LOGITS, VALUES, ACTIONS, ADVANTAGES, RETURNS, A2CConfig(value_weight=0.25))
    assert {name: float(term) for name, term in terms.items()} == pytest.approx({"policy": POLICY, "value": VALUE})
    assert float(loss) == pytest.approx(POLICY + 0.25 * VALUE)


def test_entropy_is_subtracted_where_it_is_weighted() -> None:
    config = A2CConfig(value_weight=0.25, entropy_weight=0.1)
    loss, terms = actor_critic_loss(LOGITS, VALUES, ACTIONS, ADVANTAGES, RETURNS, config)
    assert float(terms["entropy"]) == pytest.approx(ENTROPY)
    assert float(loss) == pytest.approx(POLICY + 0.25 * VALUE - 0.1 * ENTROPY)
    assert entropies(LOGITS).tolist() == pytest.approx([1.5 * log(2), log(3) - 2 / 3 * log(2)])


def test_advantages_may_be_brought_to_mean_0_and_deviation_1() -> None:
    config = A2CConfig(normalise_advantages=True)
    _, terms = actor_critic_loss(LOGITS, VALUES, ACTIONS, ADVANTAGES, RETURNS, config)  # of 3 and -1: 1 and -1
    assert float(terms["policy"]) == pytest.approx((log(2) - log(3)) / 2)
    assert float(terms["value"]) == pytest.approx(VALUE)


def test_the_gradient_by_hand() -> None:
    logits, values = LOGITS.clone().requires_grad_(), VALUES.clone().requires_grad_()
    loss, _ = actor_critic_loss(logits, values, ACTIONS, ADVANTAGES, RETURNS, A2CConfig(value_weight=0.5))
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert values.grad is not None
    # (probabilities - action) A / n; 2 * 0.5 (V - R) / n.
    expected = torch.tensor([[0.25 * 1.5, -0.5 * 1.5, 0.25 * 1.5], [2 / 3 * 0.5, -2 / 3 * 0.5, 0.0]])
    torch.testing.assert_close(logits.grad, expected)
    torch.testing.assert_close(values.grad, torch.tensor([-1.5, 0.5]))


@pytest.mark.parametrize(("max_gradient_norm", "step"), [(0.0, [3.0, 4.0]), (10.0, [3.0, 4.0]), (1.0, [0.6, 0.8])])
def test_a_step_is_cut_to_the_greatest_norm(max_gradient_norm: float, step: list[float]) -> None:
    network = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        network.weight.zero_()
    loss = (network.weight * torch.tensor([[3.0, 4.0]])).sum()  # a gradient of norm 5
    descend(loss, network, torch.optim.SGD(network.parameters(), lr=1.0), max_gradient_norm)
    torch.testing.assert_close(network.weight.detach(), -torch.tensor([step]))
