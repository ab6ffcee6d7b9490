"""The training loop of the replaying agents: exploring, learning, blocked items, state."""

from dataclasses import replace
from math import isfinite

import pytest
import torch

from darlr.agents.acting import greedy, sampled
from darlr.agents.learning import EpochLog
from darlr.agents.offline.policy import Moments
from darlr.agents.replaying.policy import random_items
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.errors import RunError
from darlr.simulator.simulator import roll_out
from tests.agents.replaying.small import (
    N_ITEMS,
    NOTHING,
    POLICIES,
    QUICK,
    STEPS,
    USERS,
    excluded,
    learner,
    policy_of,
    simulator,
    updates_of,
)
from tests.worlds import draws, window_of


@pytest.mark.parametrize("name", POLICIES)
def test_learns_what_pays(name: str) -> None:
    agent = learner(name)
    log = agent.epoch(20, 4000, draws())
    assert (log.steps, log.episodes) == (4000, 800)
    assert all(isfinite(value) for value in log.metrics().values())
    users = torch.zeros(100, dtype=torch.long)
    for choose in (greedy(agent.policy.scorer()), sampled(agent.policy.scorer(), draws())):
        paid = roll_out(agent.simulator, users, choose).rewards.sum(dim=1).mean()
        # At random 2.5, at best 5. Twelve vectors at random in four dimensions have no direction with the six liked ones first.
        assert float(paid) > (3.5 if name in ("ddpg", "td3") else 4.5)


@pytest.mark.parametrize("name", POLICIES)
def test_neither_acts_nor_explores_among_blocked_items(name: str) -> None:
    policy = policy_of(name)
    window = window_of([[0, 1], [N_ITEMS, 0], [N_ITEMS + 1, N_ITEMS]])
    blocking = torch.full((3, N_ITEMS), NOTHING)
    blocking[:, [3, 7]] = 0.0
    moments = Moments(torch.zeros(3, dtype=torch.long), window, blocking)
    assert (policy.scores(moments) == NOTHING).tolist() == (blocking == NOTHING).tolist()
    drawn = {int(item) for seed in range(20) for item in policy.explore(moments, 0.5, draws(seed))}
    assert drawn <= {3, 7}


@pytest.mark.parametrize("name", [name for name in POLICIES if name not in ("ddpg", "td3")])
def test_targets_do_not_see_what_is_blocked(name: str) -> None:
    agent = learner(name)
    agent.epoch(20, 1000, draws())
    batch = agent.replay.batch(torch.tensor([4]), torch.tensor([2]), 1, 0.9, 2)
    had = excluded(batch.after)[0]
    assert had.sum() == 3
    policy = agent.policy
    head = {"c51": "atoms", "qr-dqn": "quantiles", "dueling-dqn": "advantage"}.get(name, "value")

    def loss_with(items: torch.Tensor) -> float:
        other = policy_of(name)
        other.load_state_dict(policy.state_dict())
        with torch.no_grad():
            bias = other.heads[head].bias
            assert isinstance(bias, torch.Tensor)
            spread = bias.view(N_ITEMS, -1)
            # An equal shift changes no distribution over atoms, so there the greatest atom becomes likelier.
            spread[items, -1 if name == "c51" else slice(None)] += 100.0
            if name == "dueling-dqn":
                spread -= 100.0 * items.float().mean()  # what the mean over items takes away
            chosen = other.scores(batch.after).argmax(dim=1)
            assert not had[chosen].any()
            return float(policy.losses(batch, other)[1]["value"])

    free = torch.zeros(N_ITEMS, dtype=torch.bool)
    if name != "dueling-dqn":  # whose mean takes part in every value
        assert loss_with(had) == pytest.approx(loss_with(free), rel=1e-5)
    assert abs(loss_with(~had) - loss_with(free)) > 0.3


@pytest.mark.parametrize("name", ["ddpg", "td3"])
def test_a_targets_vector_is_that_of_an_item_that_is_left(name: str) -> None:
    policy = policy_of(name)
    assert isinstance(policy, VectorPolicy)
    blocking = torch.full((2, N_ITEMS), NOTHING)
    blocking[0, [3, 7]] = blocking[1, 5] = 0.0
    wanted = policy.vectors[[2, 2]]
    found = policy.nearest(wanted, blocking)
    inner = policy.vectors[[3, 7]] @ policy.vectors[2]
    assert torch.equal(found[0], policy.vectors[3 if inner[0] > inner[1] else 7])
    assert torch.equal(found[1], policy.vectors[5])
    torch.testing.assert_close(policy.vectors.norm(dim=1), torch.ones(N_ITEMS))


def test_random_items_are_equally_likely() -> None:
    blocking = torch.zeros(30_000, 5)
    blocking[:, 2] = NOTHING
    items = random_items(Moments(torch.zeros(30_000, dtype=torch.long), window_of([[0]]), blocking), 5, draws())
    shares = torch.bincount(items, minlength=5) / 30_000
    assert shares.tolist() == pytest.approx([0.25, 0.25, 0.0, 0.25, 0.25], abs=0.01)


def test_exploring_falls_with_the_steps_played() -> None:
    agent = learner("dqn", replace(QUICK, epsilon=0.2, annealing_steps=1000))
    found = [agent.epsilon]
    for seed in range(3):
        agent.epoch(20, 500, draws(seed))
        found.append(agent.epsilon)
    assert found == pytest.approx([1.0, 0.6, 0.2, 0.2])
    assert learner("dqn", replace(QUICK, epsilon=0.2, annealing_steps=0)).epsilon == pytest.approx(0.2)


def test_there_is_an_update_for_so_many_steps() -> None:
    log = learner("dqn", replace(QUICK, steps_per_update=10)).epoch(20, 300, draws())
    assert log.counts["loss/value"] == 30
    few = learner("dqn", replace(QUICK, steps_per_update=10_000)).epoch(20, 300, draws())
    assert few.counts["loss/value"] == 3  # one a collection at least


@pytest.mark.parametrize("name", POLICIES)
def test_every_part_learns(name: str) -> None:
    agent = learner(name)
    before = {key: parameter.detach().clone() for key, parameter in agent.policy.named_parameters()}
    agent.epoch(20, 200, draws())
    for key, parameter in agent.policy.named_parameters():
        assert not torch.equal(parameter, before[key]), key
    assert not agent.policy.tracker.item_vectors[agent.simulator.absent_item].any()


@pytest.mark.parametrize("name", POLICIES)
def test_goes_on_from_its_tensors_to_the_same_numbers(name: str) -> None:
    first, second = learner(name), learner(name)
    first.epoch(20, 300, draws(1))
    second.restore({key: tensor.clone() for key, tensor in first.tensors().items()})
    logs = [agent.epoch(20, 300, draws(2)).metrics() for agent in (first, second)]
    assert logs[0]["train/r_tra"] == logs[1]["train/r_tra"]
    again = second.tensors()
    assert first.tensors().keys() == again.keys()
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.tensors().items())
    other = learner(name)
    other.epoch(20, 300, draws(3))
    assert any(not torch.equal(tensor, again[key]) for key, tensor in other.tensors().items())


def test_the_targets_of_deterministic_gradients_follow_slowly() -> None:
    policy = policy_of("ddpg")
    assert isinstance(policy, VectorPolicy)
    updates = updates_of(policy)
    before = policy.state_dict()["heads.actor.weight"].clone()
    world = learner("dqn")
    world.epoch(20, 100, draws())
    updates.descend(world.replay.batch(*world.replay.draw(32, draws()), 1, 0.9, 2), EpochLog(), draws())
    own, slow = (updates.tensors()[name] for name in ("policy.heads.actor.weight", "target.heads.actor.weight"))
    assert not torch.equal(own, before)
    torch.testing.assert_close(slow, before + 0.005 * (own - before))


def test_a_delayed_actor_learns_at_every_second_update() -> None:
    log = learner("td3", replace(QUICK, steps_per_update=10)).epoch(20, 300, draws())
    assert (log.counts["loss/critic"], log.counts["loss/actor"]) == (30, 15)


def test_a_loss_that_is_not_finite_stops_the_learning() -> None:
    with pytest.raises(RunError, match=r"loss is (nan|inf); stopped"):
        learner("dqn", replace(QUICK, learning_rate=1e30)).epoch(20, 500, draws())


@pytest.mark.parametrize("allow_repeats", [False, True])
def test_an_episode_repeats_items_only_where_it_may(allow_repeats: bool) -> None:
    agent = learner("dqn", replace(QUICK, epsilon=0.0, annealing_steps=0), simulator(allow_repeats))
    actions = agent.sample(50, draws()).episodes.actions
    distinct = [len(set(row)) for row in actions.tolist()]
    assert (min(distinct) == STEPS) is not allow_repeats
    assert int(agent.sample(50, draws()).episodes.users.max()) < USERS
