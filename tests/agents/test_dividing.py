"""Collections in groups: the same wherever they are played."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from darlr.agents.believing.factors import FactorBelief
from darlr.agents.dividing import Divided
from darlr.agents.recommending import RecommendingAgent
from darlr.agents.settings import PolicyConfig
from darlr.cluster.workers import HERE, Workers
from darlr.rewards.posterior import LargePosteriorReward
from tests.agents.believing.test_learning import LEVELS, responses
from tests.agents.believing.test_learning import Setting as BelievingSetting
from tests.agents.believing.test_learning import agent as believing_agent
from tests.agents.believing.test_learning import learner_of as believing_learner
from tests.agents.test_a2c import Setting, agent
from tests.workers import Elsewhere
from tests.worlds import draws

Agent = RecommendingAgent[Any]


def without_a_table() -> Agent:
    """Make an agent whose simulator computes rewards when they are paid."""
    posterior = LargePosteriorReward(responses(), LEVELS)
    return believing_learner(BelievingSetting(), FactorBelief(responses(), LEVELS), posterior, posterior)


AGENTS: dict[str, Callable[[], Agent]] = {
    "a network": lambda: agent(Setting(tracker="transformer")),
    "a network whose users leave": lambda: agent(Setting(leave="category")),
    "tied items": lambda: agent(Setting(policy=PolicyConfig(hidden_sizes=(16,), head="tied"))),
    "a belief": believing_agent,
    "a belief in a large world": without_a_table,
}


def learned(make: Callable[[], Agent], groups: int, workers: Workers, epochs: int = 2) -> dict[str, torch.Tensor]:
    """Return the state of an agent after epochs of 10 episodes at a time."""
    learner = make()
    learner.divide(groups, workers)
    for epoch in range(epochs):
        learner.epoch(10, 150, draws(epoch))
    return learner.tensors()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
@pytest.mark.parametrize("groups", [2, 3, 10])
def test_groups_that_are_played_elsewhere_give_the_same_bits(make: Callable[[], Agent], groups: int) -> None:
    assert same(learned(make, groups, HERE), learned(make, groups, Elsewhere()))


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_the_number_of_groups_is_part_of_the_result(make: Callable[[], Agent]) -> None:
    assert not same(learned(make, 2, HERE), learned(make, 3, HERE))


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_what_is_restored_goes_on_to_the_same_bits(make: Callable[[], Agent]) -> None:
    first, second = make(), make()
    for learner in (first, second):
        learner.divide(3, HERE)
    first.epoch(10, 150, draws(0))
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    for learner in (first, second):
        learner.epoch(10, 150, draws(1))
    assert same(first.tensors(), second.tensors())


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_a_collection_has_all_groups_in_their_order(make: Callable[[], Agent]) -> None:
    learner = make()
    divided = Divided(learner.player, 3, HERE)
    whole = divided.sample(10, draws(), 0)
    assert len(whole.episodes.users) == 10
    # Later groups overwrite nothing of the first ones: another number of episodes behind them leaves those alone.
    shorter = divided.sample(9, draws(), 0)
    assert torch.equal(whole.episodes.items[4:7], shorter.episodes.items[3:6])
    assert len(whole.visits.items) == int(whole.episodes.lengths.sum())
    assert not torch.equal(whole.episodes.items[4:7], whole.episodes.items[7:10])


def test_groups_leave_the_agents_own_episodes_alone() -> None:
    learner = agent(Setting())
    played = learner.sample(5, draws(1)).episodes
    items = played.items.clone()
    Divided(learner.player, 2, HERE).sample(10, draws(), 0)  # groups of five, too
    assert torch.equal(played.items, items)


def test_every_collection_and_every_epoch_has_draws_of_its_own() -> None:
    divided = Divided(agent(Setting()).player, 2, HERE)
    collections = [divided.sample(20, draws(epoch), number).episodes.items for epoch, number in [(0, 0), (0, 1), (1, 0)]]
    assert not torch.equal(collections[0], collections[1])
    assert not torch.equal(collections[0], collections[2])
    assert torch.equal(collections[0], divided.sample(20, draws(0), 0).episodes.items)


def test_values_and_records_belong_to_the_steps_that_they_stand_beside() -> None:
    learner = agent(Setting(leave="category"))
    rollout = Divided(learner.player, 3, HERE).sample(10, draws(), 0)
    visits = rollout.visits
    with torch.no_grad():
        _, values = learner.policy(visits.users, visits.window)
    torch.testing.assert_close(rollout.values[visits.row, visits.step], values)
    believing = believing_agent()
    collection = Divided(believing.player, 3, HERE).sample(10, draws(), 0)
    again = Divided(believing.player, 3, Elsewhere()).sample(10, draws(), 0)
    assert len(collection.summaries) == len(collection.visits.items)
    assert torch.equal(collection.log_probabilities, again.log_probabilities)


def test_learns_what_pays_in_groups() -> None:
    learner = agent(Setting())
    learner.divide(4, HERE)
    learner.epoch(100, 30_000, draws())
    last = learner.epoch(500, 1_500, draws(1)).metrics()
    assert last["train/r_tra"] > 2.5  # at random 0.45, at best 3


def test_an_agent_that_is_not_divided_plays_its_collections_whole() -> None:
    expected = agent(Setting()).sample(10, draws()).episodes.items
    assert torch.equal(agent(Setting()).collect(10, draws(), 0).episodes.items, expected)
    divided = agent(Setting())
    divided.divide(1, HERE)
    assert not torch.equal(divided.collect(10, draws(), 0).episodes.items, expected)  # one group has a stream of its own
