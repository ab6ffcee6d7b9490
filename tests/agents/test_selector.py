"""The selector: its rewards by hand, the rules of reference sets, and that it learns which users to pick."""

import dataclasses
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.agents import selector as module
from darlr.agents.acting import sample_items
from darlr.agents.learning import EpochLog
from darlr.agents.selector import Selections, Selector, diversity_gains
from darlr.agents.settings import A2CConfig, SelectorConfig
from tests.worlds import draws

# Cosines: 0-1 0.96, 0-2 0, 0-3 0.48, 1-2 0, 1-3 0.36, 2-3 0.8.
ROWS = torch.tensor([[3.0, 4.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 4.0]])
STATE_SIZE = 5
A2C = A2CConfig()


def selector(estimates: Tensor, learning: A2CConfig = A2C, **settings: Any) -> Selector:
    config = SelectorConfig(**{"width": 8, "references": 3, "pool": 0, **settings})
    return Selector(config, learning, estimates, STATE_SIZE, draws(7))


def random_rows(n_users: int, n_items: int = 6) -> Tensor:
    return torch.randn(n_users, n_items, generator=draws(8))


def visits(n_users: int, n: int = 200) -> tuple[Tensor, Tensor]:
    """Users and the recommender's states of n visits."""
    return torch.randint(n_users, (n,), generator=draws(9)), torch.randn(n, STATE_SIZE, generator=draws(10))


def picks(agent: Selector, users: list[int], references: list[list[int]], state: float = 0.0) -> Selections:
    """The selections that pick these references, in states that are `state` all over."""
    places = [
        [agent.pool[user].tolist().index(other) for other in others] for user, others in zip(users, references, strict=True)
    ]
    states = torch.full((len(users), STATE_SIZE), state)
    return agent._selections(torch.tensor(users), states, torch.tensor(places))


def every_cosine(agent: Selector) -> Tensor:
    users = torch.arange(len(agent.pool))[None]
    return agent.cosines.between(users, users)[0]


def test_similarity_and_diversity_by_hand() -> None:
    found = picks(selector(ROWS), [0, 2], [[1, 3, 2], [3, 0, 1]])
    assert found.references.tolist() == [[1, 3, 2], [3, 0, 1]]
    torch.testing.assert_close(found.similarity, torch.tensor([[0.96, 0.48, 0.0], [0.8, 0.0, 0.0]]))
    # User 0: nobody before 1; then 1 - cos(3, 1); then the mean of 1 - cos(2, 1) and 1 - cos(2, 3). User 2 alike.
    expected = torch.tensor([[0.0, 0.64, (1 + 0.2) / 2], [0.0, 0.52, (0.64 + 0.04) / 2]])
    torch.testing.assert_close(found.diversity, expected)


def test_similarities_may_be_of_centred_rows() -> None:
    rows = 100 + torch.tensor([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-2.0, 0.0]])
    assert float(every_cosine(selector(rows)).min()) > 0.999
    assert every_cosine(selector(rows, centred=True))[0].tolist() == pytest.approx([1.0, 1.0, -1.0, -1.0])


def test_the_first_pick_has_no_diversity() -> None:
    assert diversity_gains(torch.rand(5, 1, 1, generator=draws())).tolist() == [[0.0]] * 5


REWARDS = torch.tensor([[5.0, 1.0, 3.0]])


def to_come(discount: float = 0.9) -> list[float]:
    """Return the returns of `REWARDS`; the last pick ends the trajectory."""
    rewards = REWARDS[0].tolist()
    return [sum(discount**k * reward for k, reward in enumerate(rewards[step:])) for step in range(3)]


def test_the_losses_are_those_of_an_actor_critic() -> None:
    agent = selector(ROWS)
    found = picks(agent, [0], [[1, 3, 2]], state=1.0)
    with torch.no_grad():
        logits, values = agent._replay(found)
    policy_loss = value_loss = 0.0
    for step, expected in enumerate(to_come()):
        advantage = expected - float(values[0, step])
        policy_loss -= float(logits[0, step].log_softmax(0)[found.places[0, step]]) * advantage / 3
        value_loss += advantage**2 / 3
    log = EpochLog()
    agent.update(found, REWARDS, log, draws())
    metrics = log.metrics()
    assert metrics["loss/selector_policy"] == pytest.approx(policy_loss, rel=1e-4)
    assert metrics["loss/selector_value"] == pytest.approx(value_loss, rel=1e-4)
    assert metrics["selector/reward"] == pytest.approx(3.0)
    assert "loss/selector_entropy" not in metrics


def test_the_losses_obey_the_recommenders_settings() -> None:
    agent = selector(ROWS, A2CConfig(entropy_weight=0.1, normalise_advantages=True))
    found = picks(agent, [0], [[1, 3, 2]], state=1.0)
    with torch.no_grad():
        logits, values = agent._replay(found)
    advantages = torch.tensor(to_come()) - values[0]
    normalised = (advantages - advantages.mean()) / advantages.std(correction=0)
    policy_loss = entropy = 0.0
    for step in range(3):
        log_probability = logits[0, step].log_softmax(0)
        policy_loss -= float(log_probability[found.places[0, step]] * normalised[step]) / 3
        entropy -= sum(float(share.exp() * share) for share in log_probability if torch.isfinite(share)) / 3
    log = EpochLog()
    agent.update(found, REWARDS, log, draws())
    metrics = log.metrics()
    assert metrics["loss/selector_policy"] == pytest.approx(policy_loss, rel=1e-4, abs=1e-5)
    assert metrics["loss/selector_entropy"] == pytest.approx(entropy, rel=1e-4)


def test_an_entropy_bonus_keeps_the_picks_spread() -> None:
    def likeliest(entropy_weight: float) -> float:
        """How likely the likeliest first pick is, mean over visits."""
        agent = selector(random_rows(20), A2CConfig(learning_rate=1e-2, entropy_weight=entropy_weight))
        train(agent, torch.arange(20), 60, similarity_weight=5.0)
        users, states = visits(20)
        with torch.no_grad():
            logits, _ = agent._replay(agent.select(users, states, draws()))
        return float(logits[:, 0].softmax(dim=1).amax(dim=1).mean())

    assert likeliest(20.0) < 0.2  # of 19 places
    assert likeliest(0.0) > 0.4


def test_clipping_bounds_an_update() -> None:
    # Adam divides a gradient by its size, so what clipping to next to nothing leaves is smaller than Adam's own epsilon.
    agent = selector(ROWS, A2CConfig(max_gradient_norm=1e-12))
    before = {name: parameter.detach().clone() for name, parameter in agent.network.named_parameters()}
    agent.update(picks(agent, [0], [[1, 3, 2]]), REWARDS, EpochLog(), draws())
    for name, parameter in agent.network.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize("pool", [0, 8, 12])
def test_reference_sets_obey_their_rules(pool: int) -> None:
    agent = selector(random_rows(20), references=4, pool=pool)
    users, states = visits(20)
    found = agent.select(users, states, draws())
    assert found.references.shape == (200, 4)
    for user, places, references in zip(users.tolist(), found.places.tolist(), found.references.tolist(), strict=True):
        assert len(set(references)) == 4
        assert user not in references
        assert [agent.pool[user, place] for place in places] == references


def test_the_pool_holds_the_nearest_users_or_all_others() -> None:
    agent = selector(random_rows(20), pool=8)
    for user in range(20):
        by_cosine = every_cosine(agent)[user].argsort(descending=True).tolist()
        assert agent.pool[user].tolist() == [other for other in by_cosine if other != user][:8]
    everybody = selector(random_rows(20), pool=0).pool
    assert [sorted(row) for row in everybody.tolist()] == [sorted(set(range(20)) - {user}) for user in range(20)]


@pytest.mark.parametrize(("references", "pool", "size"), [(3, 4, 6), (3, 8, 8), (3, 50, 19), (12, 5, 19), (19, 0, 19)])
def test_the_pool_is_twice_the_references_where_the_world_has_so_many(references: int, pool: int, size: int) -> None:
    agent = selector(random_rows(20), references=references, pool=pool)
    assert agent.pool.shape == (20, size)
    users, states = visits(20, 10)
    found = agent.select(users, states, draws()).references
    assert all(len(set(row)) == references for row in found.tolist())


@pytest.mark.parametrize("window", [1, 2, 3, 8])
@pytest.mark.parametrize("layers", [1, 2])
def test_learning_replays_what_was_seen_while_selecting(monkeypatch: pytest.MonkeyPatch, window: int, layers: int) -> None:
    agent = selector(random_rows(15), references=5, pool=11, window=window, layers=layers, heads=2)
    users, states = visits(15, 40)
    seen: list[Tensor] = []

    def watched(logits: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(logits.clone())
        return sample_items(logits, generator)

    monkeypatch.setattr(module, "sample_items", watched)
    found = agent.select(users, states, draws())
    with torch.no_grad():
        logits, values = agent._replay(found)
    assert logits.shape == (40, 5, 11)
    assert values.shape == (40, 5)
    torch.testing.assert_close(logits, torch.stack(seen, dim=1))
    assert torch.isneginf(logits).sum(dim=2).tolist() == [[0, 1, 2, 3, 4]] * 40
    finite = logits.masked_fill(torch.isneginf(logits), 0)
    moved = [(later - earlier).abs().amax() > 1e-4 for earlier, later in pairwise(finite.unbind(dim=1))]
    assert all(moved)  # each pick changes what is thought of the rest


def test_a_state_remembers_the_window_alone() -> None:
    agent = selector(ROWS, window=2, references=3)
    found = picks(agent, [0, 0], [[1, 3, 2], [1, 2, 3]], state=1.0)
    with torch.no_grad():
        logits, values = agent._replay(found)
    torch.testing.assert_close(values[0, :2], values[1, :2])  # the user alone; the user and 1
    assert abs(float(values[0, 2] - values[1, 2])) > 1e-4  # 1 and 3 against 1 and 2
    torch.testing.assert_close(logits[0, :2], logits[1, :2])


def test_selecting_in_chunks_is_selecting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = selector(random_rows(20), references=4)
    users, states = visits(20)
    monkeypatch.setattr(module, "sample_items", lambda logits, generator: logits.argmax(dim=1))
    whole = agent.select(users, states, draws())
    for scores in (1, 20 * 7, 20 * 200):  # one visit at a time, seven, and all
        monkeypatch.setattr(module, "SCORES_AT_ONCE", scores)
        chunked = agent.select(users, states, draws())
        assert torch.equal(chunked.references, whole.references)
        torch.testing.assert_close(chunked.similarity, whole.similarity)
        torch.testing.assert_close(chunked.diversity, whole.diversity)


def test_same_seed_same_picks() -> None:
    agent = selector(random_rows(20))
    users, states = visits(20)
    first, again, other = (agent.select(users, states, draws(seed)).references for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(selector(random_rows(20)).select(users, states, draws(1)).references, first)


def test_the_picks_depend_on_the_recommenders_state() -> None:
    agent = selector(random_rows(20))
    users, states = visits(20, 40)
    found = agent.select(users, states, draws())
    with torch.no_grad():
        logits = agent._replay(found)[0][:, 0]
        others = agent._replay(dataclasses.replace(found, states=states + 1))[0][:, 0]
    assert bool(((logits - others).abs().amax(dim=1) > 1e-4).all())


def test_rows_of_selections() -> None:
    found = picks(selector(ROWS), [0, 2], [[1, 3, 2], [3, 0, 1]])
    chosen = found.rows(torch.tensor([1]))
    for field in dataclasses.fields(Selections):
        assert torch.equal(getattr(chosen, field.name), getattr(found, field.name)[1:])


@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_reach_all_of_the_selector_and_nothing_else(layers: int) -> None:
    estimates = random_rows(20).requires_grad_()
    agent = selector(estimates.detach(), layers=layers)
    users, states = visits(20)
    states.requires_grad_()
    found = agent.select(users, states, draws())
    before = {name: parameter.detach().clone() for name, parameter in agent.network.named_parameters()}
    agent.update(found, torch.rand(200, 3, generator=draws()), EpochLog(), draws())
    for name, parameter in agent.network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert not torch.equal(parameter, before[name]), name
    assert states.grad is None
    held = {id(parameter) for group in agent.optimiser.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for parameter in agent.network.parameters()}


def train(agent: Selector, users: Tensor, updates: int, similarity_weight: float = 1.0) -> None:
    """Pay for similarity and a little for diversity."""
    for number in range(updates):
        generator = draws(number)
        chosen = users[torch.randint(len(users), (64,), generator=generator)]
        states = torch.randn(64, STATE_SIZE, generator=generator)
        found = agent.select(chosen, states, generator)
        agent.update(found, similarity_weight * found.similarity + 0.1 * found.diversity, EpochLog(), generator)


def share_picked(agent: Selector, users: Tensor, wanted: Tensor) -> float:
    """Return the share of the picks of 2,000 visits for which `wanted` (n_users, n_users) is true."""
    chosen = users[torch.randint(len(users), (2000,), generator=draws(1))]
    found = agent.select(chosen, torch.randn(2000, STATE_SIZE, generator=draws(2)), draws(3))
    return float(wanted[chosen[:, None], found.references].float().mean())


FAST = A2CConfig(learning_rate=1e-2)


def test_comes_to_pick_copies_of_the_user_rather_than_noise() -> None:
    # Half of the users are of one type, less some noise; the others' rows are noise alone.
    generator = draws(4)
    copies = torch.randn(1, 12, generator=generator) + 0.3 * torch.randn(20, 12, generator=generator)
    agent = selector(torch.cat([copies, torch.randn(20, 12, generator=generator)]), FAST, references=5)
    users, wanted = torch.arange(20), (torch.arange(40) < 20).expand(40, -1)
    assert 0.3 < share_picked(agent, users, wanted) < 0.65  # at random 19 of 39
    train(agent, users, 150)
    assert share_picked(agent, users, wanted) > 0.95


def test_comes_to_pick_each_users_own_type() -> None:
    generator = draws(5)
    types = torch.arange(40) % 2
    rows = torch.randn(2, 12, generator=generator)[types] + 0.3 * torch.randn(40, 12, generator=generator)
    agent = selector(rows, FAST, references=5)
    own_type = types == types[:, None]
    assert 0.35 < share_picked(agent, torch.arange(40), own_type) < 0.65
    train(agent, torch.arange(40), 150)
    assert share_picked(agent, torch.arange(40), own_type) > 0.95


def test_comes_to_pick_who_rates_the_item_high() -> None:
    agent = selector(random_rows(20), FAST)
    liked = torch.arange(20) < 5
    users = torch.arange(20)
    before = share_picked(agent, users, liked.expand(20, -1))
    for number in range(100):
        generator = draws(number)
        states = torch.randn(20, STATE_SIZE, generator=generator)
        found = agent.select(users, states, generator)
        agent.update(found, liked[found.references].float(), EpochLog(), generator)
    assert before < 0.4
    assert share_picked(agent, users, liked.expand(20, -1)) > 0.8


def test_with_many_users_only_those_who_can_be_picked_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, found = random_rows(40), []
    users, states = visits(6, n=9)  # a few of the users, whose pools have fewer than all others
    for many in (40, 39):
        monkeypatch.setattr(module, "MANY_USERS", many)
        agent = selector(rows, references=3, pool=6)
        chosen = agent.select(users, states, draws(1))
        found.append((chosen, *agent._replay(chosen)))
    assert len(agent._within_reach(users)[0]) < 40
    (all_chosen, *all_replayed), (chosen, *replayed) = found
    assert chosen.references.tolist() == all_chosen.references.tolist()
    for ours, theirs in zip(replayed, all_replayed, strict=True):
        torch.testing.assert_close(ours, theirs)
