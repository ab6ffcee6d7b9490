"""Deterministic policy gradients: losses and targets on numbers that were worked by hand."""

import pytest
import torch
from torch import Tensor

from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Moments
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.methods.ddpg import DDPGConfig, DeterministicUpdates, critic_loss
from darlr.methods.td3 import TD3Config, TwinUpdates
from tests.agents.replaying.small import NOTHING, policy_of
from tests.worlds import draws, window_of


class Sums(torch.nn.Module):
    """A critic that adds up a multiple of the vector's coordinates, whatever the state."""

    def __init__(self, factor: float, size: int) -> None:
        super().__init__()
        self.factor, self.size = factor, size

    def forward(self, inputs: Tensor) -> Tensor:
        return self.factor * inputs[:, -self.size :].sum(dim=1, keepdim=True)


def planted(name: str, *factors: float) -> VectorPolicy:
    """Three items that are the axes of three dimensions; the actor always gives (0.8, 0.6, 0)."""
    policy = policy_of(name, 3)
    assert isinstance(policy, VectorPolicy)
    policy.vectors = torch.eye(3)
    policy.critics = torch.nn.ModuleList(Sums(factor, 3) for factor in factors)

    def acted(states: Tensor) -> Tensor:
        return torch.tensor([[0.8, 0.6, 0.0]]).expand(len(states), 3)

    policy.acted = acted  # type: ignore[method-assign]
    return policy


def after(blocked: list[int]) -> Moments:
    blocking = torch.zeros(1, 3)
    blocking[0, blocked] = NOTHING
    return Moments(torch.zeros(1, dtype=torch.long), window_of([[3, 4]]), blocking)


def test_the_critics_losses_are_added() -> None:
    values = torch.tensor([[1.0, 2.0], [0.0, 4.0]])
    assert float(critic_loss(values[:1], torch.tensor([3.0, 2.0]))) == pytest.approx((4 + 0) / 2)
    assert float(critic_loss(values, torch.tensor([3.0, 2.0]))) == pytest.approx((4 + 0) / 2 + (9 + 4) / 2)


@pytest.mark.parametrize(("blocked", "item"), [([], 0), ([0], 1), ([0, 1], 2)])
def test_the_item_with_the_greatest_inner_product_is_recommended(blocked: list[int], item: int) -> None:
    policy = planted("ddpg", 1.0)
    scores = policy.scores(after(blocked))[0]
    assert int(scores.argmax()) == item
    assert scores[blocked].tolist() == [NOTHING] * len(blocked)
    assert policy.nearest(torch.tensor([[0.8, 0.6, 0.0]]), after(blocked).blocking).tolist() == [torch.eye(3)[item].tolist()]


def test_what_follows_is_the_value_of_an_items_vector() -> None:
    policy = planted("ddpg", 2.0)
    updates = DeterministicUpdates(policy, 1e-3, DDPGConfig())
    updates.target = planted("ddpg", 5.0)
    assert updates.following(after([]), draws()).tolist() == [5.0]  # of (1, 0, 0), and not of (0.8, 0.6, 0), which has 7


def test_td3_believes_the_lower_of_two_critics() -> None:
    updates = TwinUpdates(planted("td3", 1.0, 1.0), 1e-3, DDPGConfig(), TD3Config(target_noise=0.0))
    updates.target = planted("td3", 5.0, 3.0)
    assert updates.following(after([]), draws()).tolist() == [3.0]


@pytest.mark.parametrize(("bound", "others"), [(0.05, False), (1e6, True)])
def test_td3s_targets_are_smoothed_by_noise_that_is_cut(bound: float, others: bool) -> None:
    """The first two items differ by 0.2 for the actor's vector, so noise of at most 0.05 changes nothing."""
    updates = TwinUpdates(planted("td3", 1.0, 1.0), 1e-3, DDPGConfig(), TD3Config(target_noise=1.0, bound=bound))
    target = planted("td3", 1.0, 1.0)
    chosen: set[int] = set()
    nearest = target.nearest

    def remembered(vectors: Tensor, blocking: Tensor | None) -> Tensor:
        found = nearest(vectors, blocking)
        chosen.add(int(found.argmax()))
        return found

    target.nearest = remembered  # type: ignore[method-assign]
    updates.target = target
    for seed in range(30):
        updates.following(after([]), draws(seed))
    assert (chosen == {0, 1, 2}) is others
    assert others or chosen == {0}


def test_the_actor_goes_where_the_critic_says() -> None:
    """The critic values the first coordinate alone, so after some updates the first item is recommended in every state."""
    policy = policy_of("ddpg", 3)
    assert isinstance(policy, VectorPolicy)

    class First(torch.nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs[:, -4:-3]  # items have four dimensions here

    policy.vectors = torch.eye(4)[:3]
    policy.critics = torch.nn.ModuleList([First()])
    updates = DeterministicUpdates(policy, 1e-3, DDPGConfig(actor_learning_rate=0.02))
    now = Moments(torch.zeros(5, dtype=torch.long), window_of([[0, 1], [1, 2], [2, 0], [3, 1], [4, 3]]), None)
    log = EpochLog()
    for _ in range(200):
        updates.follow_critic(now, log)
    assert policy.scores(now).argmax(dim=1).tolist() == [0] * 5
    with torch.no_grad():
        assert float(policy.acted(policy.states(now))[:, 0].min()) > 0.9
