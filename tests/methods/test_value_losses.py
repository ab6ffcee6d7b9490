"""The targets and losses of the value-based methods, on numbers that were worked by hand."""

from math import log

import pytest
import torch
from torch import Tensor, nn

from darlr.agents.offline.policy import Batch, Moments
from darlr.methods.c51 import C51, c51_loss, projected, support_of
from darlr.methods.dqn import DQN, dqn_loss
from darlr.methods.dueling_dqn import DuelingDQN, dueling_values
from darlr.methods.qr_dqn import QRDQN, quantile_loss
from darlr.rewards.table import TableReward
from tests.agents.replaying.small import NOTHING, policy_of
from tests.worlds import window_of

ONE = torch.zeros(1, dtype=torch.long)


def test_dqn() -> None:
    values = torch.tensor([1.0, 3.0], requires_grad=True)
    loss = dqn_loss(values, torch.tensor([1.5, 0.0]))
    assert loss.item() == pytest.approx((0.125 + 2.5) / 2)  # Huber of 0.5 and of 3
    loss.backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([-0.25, 0.5])  # errors of -0.5 and of 3, the latter cut to 1


def moments(blocked: list[int]) -> Moments:
    blocking = torch.zeros(1, 4)
    blocking[0, blocked] = NOTHING
    return Moments(ONE, window_of([[4, 5]]), blocking)


def fixed(policy: DQN, values: list[float]) -> DQN:
    """The policy with these values of its four items, whatever the state."""
    head = policy.heads["advantage" if isinstance(policy, DuelingDQN) else "value"]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor(values))
    return policy


def batch(blocked: list[int]) -> Batch:
    return Batch(moments([]), ONE, torch.tensor([2.0]), torch.tensor([0.5]), lambda: moments(blocked))


@pytest.mark.parametrize(
    ("name", "blocked", "following"),
    # The policy likes item 1 best, then 3; the target network 2, then 0.
    [("dqn", [], 8.0), ("dqn", [2], 7.0), ("double-dqn", [], 1.0), ("double-dqn", [1], 4.0)],
)
def test_what_follows(name: str, blocked: list[int], following: float) -> None:
    policy, target = policy_of(name, 4), policy_of(name, 4)
    assert isinstance(policy, DQN)
    assert isinstance(target, DQN)
    fixed(policy, [0.0, 9.0, 1.0, 5.0])
    fixed(target, [7.0, 1.0, 8.0, 4.0])
    assert policy.following(moments(blocked), target).tolist() == [following]
    loss, _ = policy.losses(batch(blocked), target)  # Q is 0, its target 2 + following / 2
    assert float(loss.detach()) == pytest.approx(2 + following / 2 - 0.5)


def test_dueling() -> None:
    values = dueling_values(torch.tensor([[10.0]]), torch.tensor([[1.0, 2.0, 6.0]]))
    assert values.tolist() == [[8.0, 9.0, 13.0]]
    policy = policy_of("dueling-dqn", 4)
    assert isinstance(policy, DuelingDQN)
    hidden = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    items = torch.tensor([0, 3, 1, 2, 3])
    every = policy.values(hidden)
    torch.testing.assert_close(policy.value_of(hidden, items), every.gather(1, items[:, None]).squeeze(1))
    torch.testing.assert_close(every.mean(dim=1), policy.heads["state"](hidden).squeeze(1))


ATOMS = torch.tensor([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("chances", "returned", "discount", "expected"),
    [
        # All of 1 goes to 0.25 + 0.5 = 0.75: a quarter of it to the atom 0.
        ([0.0, 1.0, 0.0], 0.25, 0.5, [0.25, 0.75, 0.0]),
        # 0.25, 0.75 and 1.25.
        ([0.2, 0.4, 0.4], 0.25, 0.5, [0.2 * 0.75 + 0.4 * 0.25, 0.2 * 0.25 + 0.4 * 0.75 + 0.4 * 0.75, 0.4 * 0.25]),
        ([0.2, 0.4, 0.4], 1.5, 0.0, [0.0, 0.5, 0.5]),  # an episode that ended
        ([0.5, 0.0, 0.5], 1.0, 1.0, [0.0, 0.5, 0.5]),  # 1, and 3, which is cut
        ([0.5, 0.0, 0.5], -5.0, 1.0, [1.0, 0.0, 0.0]),
    ],
)
def test_a_distribution_is_moved_onto_the_atoms(
    chances: list[float], returned: float, discount: float, expected: list[float]
) -> None:
    found = projected(torch.tensor([chances]), torch.tensor([returned]), torch.tensor([discount]), ATOMS)
    assert found[0].tolist() == pytest.approx(expected)


def test_c51() -> None:
    logits = torch.tensor([[0.0, log(2.0), 0.0], [0.0, 0.0, 0.0]])
    masses = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert float(c51_loss(logits, masses)) == pytest.approx(((log(4) + log(2)) / 2 + log(3)) / 2)


def test_c51_values_are_expectations_over_the_atoms() -> None:
    policy = policy_of("c51", 4)
    assert isinstance(policy, C51)
    now = Moments(torch.zeros(3, dtype=torch.long), window_of([[0, 1], [4, 2], [5, 4]]), None)
    with torch.no_grad():
        hidden = policy.hidden(now)
        every = policy.heads["atoms"](hidden).view(3, 4, 11).softmax(dim=2)
        torch.testing.assert_close(policy.scores(now), (every * policy.atoms).sum(dim=2))
        items = torch.tensor([3, 0, 2])
        torch.testing.assert_close(policy.logits_of(hidden, items).softmax(dim=1), every[torch.arange(3), items])
    assert policy.atoms.tolist() == pytest.approx([0.5 * number for number in range(11)])


@pytest.mark.parametrize(
    ("low", "high", "discount", "expected"),
    [(0.0, 4.0, 0.5, (0.0, 7.0)), (1.0, 4.0, 1.0, (1.0, 12.0)), (-1.0, 0.5, 1.0, (-3.0, 1.5)), (-2.0, -1.0, 0.0, (-2.0, -1.0))],
)
def test_atoms_reach_over_all_returns(low: float, high: float, discount: float, expected: tuple[float, float]) -> None:
    assert support_of(TableReward(torch.zeros(1, 1), low, high), discount, 3) == expected


def test_quantile_loss() -> None:
    # Levels 1/4 and 3/4. Quantile 0 against targets 1 and -2: Huber 0.5 and 1.5, weights 1/4 (above) and 3/4 (below).
    # Quantile 2 against them: Huber 0.5 and 3.5, weights 1/4 (both lie below: 1 - 3/4).
    expected = ((0.5 / 4 + 1.5 * 3 / 4) + (0.5 + 3.5) / 4) / 2
    quantiles = torch.tensor([[0.0, 2.0]], requires_grad=True)
    found = quantile_loss(quantiles, torch.tensor([[1.0, -2.0]]))
    assert found.item() == pytest.approx(expected)
    # All differences are 1 or more, so each pulls with its weight: -1/4 + 3/4, and 1/4 + 1/4; a mean of two.
    found.backward()  # type: ignore[no-untyped-call]
    assert quantiles.grad is not None
    assert quantiles.grad.tolist() == [pytest.approx([0.25, 0.25])]


def test_qr_dqn_values_are_means_of_quantiles() -> None:
    policy = policy_of("qr-dqn", 4)
    assert isinstance(policy, QRDQN)
    now = moments([2])
    with torch.no_grad():
        every: Tensor = policy.heads["quantiles"](policy.hidden(now)).view(1, 4, 5).mean(dim=2)
        found = policy.scores(now)
    torch.testing.assert_close(found[:, [0, 1, 3]], every[:, [0, 1, 3]])
    assert found[0, 2] == NOTHING
