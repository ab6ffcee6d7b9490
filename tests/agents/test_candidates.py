"""Candidates, and an actor that chooses among them: the policy over all items, restricted to the candidates."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.acting import greedy, sampled
from darlr.agents.candidates import Candidates, Kept
from darlr.agents.learning import EpochLog
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import A2CConfig, HeadKind, PolicyConfig, TrackerConfig
from darlr.evaluation.protocol import EvaluationWorld
from darlr.methods.ppo import PPO, PPOConfig
from darlr.methods.reinforce import Reinforce
from darlr.rewards.table import TableReward, observed_reward
from darlr.simulator.leave import SharedCategory
from darlr.simulator.simulator import Simulator, roll_out
from tests.worlds import draws, membership_of, window_of

N_USERS, N_ITEMS, STEPS = 30, 60, 8
CATEGORIES = [[item % 5, 5] if item % 7 == 0 else [item % 5] for item in range(N_ITEMS - 1)] + [[]]
"""Six categories; some items have two, and the last item none."""
MEMBERSHIP = membership_of(CATEGORIES)
USERS = torch.arange(N_USERS)
TABLE = torch.randn(N_USERS, N_ITEMS, generator=draws(1))
WINDOW = window_of([[item, (item * 7 + 3) % N_ITEMS] for item in range(N_USERS)])


def candidates(count: int, table: Tensor = TABLE, membership: Tensor = MEMBERSHIP, steps: int = STEPS) -> Candidates:
    return Candidates(membership, count, steps, lambda users: table[users])


def policy(count: int | None, **changes: Any) -> ActorCritic:
    """Return a policy that chooses among `count` candidates; None: all items."""
    config = replace(PolicyConfig(hidden_sizes=(16,), category_window=2), **changes)
    tracker = state_tracker(
        TrackerConfig(window=2), torch.randn(N_ITEMS, 4, generator=draws(2)), torch.zeros(N_USERS, 0), draws(3)
    )
    prior = TABLE if config.prior_weight else None
    listed = None if count is None else candidates(count)
    made = ActorCritic(config, tracker, MEMBERSHIP.float(), prior, draws(4), listed)
    with torch.no_grad():
        made.shared_category_weight.fill_(-2.0)
        if config.head == "tied":
            made.category_vectors.normal_(generator=draws(5))
            made.item_bias.normal_(generator=draws(6))
    return made


def game(allow_repeats: bool = False) -> Simulator:
    reward = TableReward(TABLE, float(TABLE.min()), float(TABLE.max()))
    return Simulator(reward, SharedCategory(MEMBERSHIP, 2, 0), N_ITEMS, STEPS, STEPS, allow_repeats)


def test_by_hand() -> None:
    # Items 0 to 4 have categories 0, 0, 1, 1, none. Two steps and two categories: the best item of each.
    membership = membership_of([[0], [0], [1], [1], []])
    table = torch.tensor([[5.0, 4.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    listed = candidates(2, table, membership, 2).of(torch.tensor([0, 1]))
    assert listed.items.tolist() == [[0, 0, 1, 3], [1, 3, 3, 4]]
    assert listed.repeated.tolist() == [[False, True, False, False], [False, False, True, False]]
    counts = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    assert listed.shares(counts).tolist() == [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
    assert listed.shares(counts, torch.tensor([1, 0])).tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("at_once", [10**9, 100])
def test_the_best_items_and_the_best_of_each_category_are_there(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.agents.candidates.CELLS_AT_ONCE", at_once)
    listed = candidates(10).of(USERS)
    for user in range(N_USERS):
        best = set(TABLE[user].topk(10).indices.tolist())
        for column in MEMBERSHIP.bool().T:  # two of each of six categories make eight steps
            own = column.nonzero().squeeze(1)
            best |= set(own[TABLE[user, own].topk(2).indices].tolist())
        assert set(listed.items[user].tolist()) == best
        assert sorted(listed.items[user][~listed.repeated[user]].tolist()) == sorted(best)  # each once


def test_without_categories_they_are_the_best_items_alone() -> None:
    listed = candidates(7, membership=torch.zeros(N_ITEMS, 0)).of(USERS)
    assert listed.items.tolist() == TABLE.topk(7).indices.sort().values.tolist()
    assert not listed.repeated.any()
    assert listed.shares(torch.zeros(N_USERS, 0)).tolist() == torch.zeros(N_USERS, 7).tolist()


def test_the_same_users_are_searched_once() -> None:
    searches: list[list[int]] = []

    def find(users: Tensor) -> Tensor:
        searches.append(users.tolist())
        return users * 10

    kept = Kept(find)
    for asked in ([5, 3, 5], [3], [7, 3]):
        found, rows = kept.of(torch.tensor(asked))
        assert found[rows].tolist() == [user * 10 for user in asked]
    assert searches == [[3, 5], [3, 7]]


@pytest.mark.parametrize("head", ["linear", "tied"])
@pytest.mark.parametrize("prior_weight", [0.0, 1.5])
def test_logits_are_those_of_all_items(head: HeadKind, prior_weight: float) -> None:
    own, every = (policy(count, head=head, prior_weight=prior_weight) for count in (10, None))
    assert own.candidates is not None
    listed = own.candidates.of(USERS)
    logits, values = own.among(USERS, WINDOW, own.offer(USERS, listed), USERS)
    all_logits, all_values = every(USERS, WINDOW)
    assert logits.isneginf().tolist() == listed.repeated.tolist()
    free = ~listed.repeated
    torch.testing.assert_close(logits[free], all_logits.gather(1, listed.items)[free])
    torch.testing.assert_close(values, all_values)


@pytest.mark.parametrize("head", ["linear", "tied"])
def test_with_all_items_as_candidates_their_probabilities_are_the_same(head: HeadKind) -> None:
    own, every = (policy(count, head=head, prior_weight=0.5) for count in (N_ITEMS, None))
    among = own.scorer().among(USERS, WINDOW)
    assert among is not None
    assert among.items.shape[1] > N_ITEMS  # the best of each category are there twice
    probabilities = torch.zeros(N_USERS, N_ITEMS).scatter_add(1, among.items, among.scores.softmax(dim=1))
    torch.testing.assert_close(probabilities, every(USERS, WINDOW)[0].softmax(dim=1).detach())


def test_a_user_may_have_many_queries_or_none() -> None:
    own = policy(10)
    assert own.candidates is not None
    offer = own.offer(USERS, own.candidates.of(USERS))
    users = torch.tensor([3, 7, 3, 3, 29])
    windows = WINDOW.rows(torch.tensor([1, 2, 3, 4, 5]))
    together, _ = own.among(users, windows, offer, users)
    alone, _ = own.among(users, windows, offer.rows(users), torch.arange(5))
    torch.testing.assert_close(together, alone)


def test_lists_rank_all_items() -> None:
    scores = [policy(count).scorer()(USERS, WINDOW) for count in (10, None)]
    assert scores[0].tolist() == scores[1].tolist()
    assert policy(None).scorer().among(USERS, WINDOW) is None


@pytest.mark.parametrize("draw", [False, True])
def test_episodes_among_all_items_are_those_of_the_policy_without_candidates(draw: bool) -> None:
    scorers = [policy(count).scorer() for count in (N_ITEMS, None)]
    ours, theirs = (roll_out(game(), USERS, sampled(scorer, draws()) if draw else greedy(scorer)) for scorer in scorers)
    assert (ours.actions == theirs.actions).float().mean() > 0.95  # rounding may turn a draw


@pytest.mark.parametrize("draw", [False, True])
def test_episodes_name_candidates_alone_and_none_twice(draw: bool) -> None:
    scorer, listed = policy(10).scorer(), candidates(10).of(USERS)
    episodes = roll_out(game(), USERS, sampled(scorer, draws()) if draw else greedy(scorer))
    assert int(episodes.lengths.max()) > 2
    for user in range(N_USERS):
        taken = episodes.actions[user][: episodes.lengths[user]].tolist()
        assert len(set(taken)) == len(taken)
        assert set(taken) <= set(listed.items[user].tolist())


def test_where_no_candidate_may_be_recommended_all_items_are_scored() -> None:
    forbidden = torch.zeros(N_USERS, N_ITEMS, dtype=torch.bool)
    forbidden.scatter_(1, candidates(10).of(USERS).items[:5], True)
    world = EvaluationWorld.of_table(
        observed_reward(TABLE, (-5.0, 5.0)), SharedCategory(MEMBERSHIP, 2, 0), STEPS, STEPS, forbidden=forbidden
    )
    tested = world.episodes("nx_10", USERS, policy(10).scorer(), None)
    for user in range(N_USERS):
        taken = tested.actions[user].tolist()
        assert len(set(taken)) == 10
        assert not forbidden[user, taken].any()


def learner(kind: str, count: int | None, allow_repeats: bool = False, **config: Any) -> A2C:
    """Return an agent that chooses among `count` candidates; None: all items."""
    parts = policy(count), game(allow_repeats), N_USERS, A2CConfig(minibatch_size=64, entropy_weight=0.1, **config)
    if kind == "ppo":
        return PPO(*parts, PPOConfig())
    return A2C(*parts) if kind == "a2c" else Reinforce(*parts, "mean")


def test_masks_of_learning_by_hand() -> None:
    agent = learner("a2c", 10)
    rollout = agent.sample(40, draws())
    steps = agent.transitions(rollout, rollout.episodes.rewards)
    logits, _ = agent.masked(steps)
    episodes, visits, listed = rollout.episodes, rollout.visits, candidates(10).of(rollout.episodes.users)
    assert int(episodes.lengths.max()) > 2
    for number, (row, step) in enumerate(zip(visits.row.tolist(), visits.step.tolist(), strict=True)):
        earlier, offered = set(episodes.actions[row, :step].tolist()), listed.items[row].tolist()
        masked = [item in offered[:place] or item in earlier for place, item in enumerate(offered)]
        assert logits[number].isneginf().tolist() == masked
        assert offered[int(steps.actions[number])] == int(visits.items[number])


@pytest.mark.parametrize("kind", ["a2c", "ppo", "reinforce"])
@pytest.mark.parametrize("allow_repeats", [False, True])
def test_among_all_items_the_losses_and_gradients_are_those_without_candidates(kind: str, allow_repeats: bool) -> None:
    own, every = (learner(kind, count, allow_repeats) for count in (N_ITEMS, None))
    rollout = own.sample(40, draws())
    found = []
    for agent, played in ((own, rollout), (every, replace(rollout, candidates=None, places=None))):
        loss, terms = agent.loss(agent.transitions(played, rollout.episodes.rewards))
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = {name: parameter.grad for name, parameter in agent.policy.named_parameters()}
        found.append(({name: float(term.detach()) for name, term in terms.items()}, gradients))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4, abs=1e-6)
    for name, gradient in found[0][1].items():
        torch.testing.assert_close(gradient, found[1][1][name], rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("kind", ["a2c", "ppo", "reinforce"])
def test_learns_among_candidates(kind: str) -> None:
    agent = learner(kind, 10, learning_rate=1e-2, tracker_learning_rate=1e-2)
    with torch.no_grad():
        agent.policy.shared_category_weight.zero_()
    before = agent.epoch(100, 200, draws(1)).metrics()
    agent.epoch(100, 15_000, draws(2))
    after = agent.epoch(100, 200, draws(3)).metrics()
    assert after["train/length"] > before["train/length"] + 1
    assert after["train/r_tra"] > before["train/r_tra"] + 1


def test_only_what_candidates_have_is_learned_of_items() -> None:
    agent = learner("a2c", 3)
    rollout = agent.sample(5, draws())
    agent.update(agent.transitions(rollout, rollout.episodes.rewards), EpochLog(), draws(1))
    fresh = policy(3)
    offered = torch.zeros(N_ITEMS, dtype=torch.bool)
    assert rollout.candidates is not None
    offered[rollout.candidates.flatten()] = True
    moved = (agent.policy.actor.weight != fresh.actor.weight).any(dim=1)
    assert not moved[~offered].any()
    assert moved[offered].float().mean() > 0.9
