"""A policy that chooses among candidates in episodes is the policy over all items, restricted to them."""

import pytest
import torch
from torch import Tensor

from darlr.agents.acting import greedy, sampled
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.candidates import Candidates
from darlr.agents.settings import A2CConfig
from darlr.evaluation.protocol import EvaluationWorld
from darlr.rewards.posterior import LargePosteriorReward
from darlr.rewards.table import observed_reward
from darlr.simulator.leave import SharedCategory
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world_model.factors.responses import FactorResponses, ResponseScale
from tests.worlds import draws, membership_of, window_of

N_USERS, N_ITEMS, STEPS, LEVELS = 30, 60, 8, (0.1, 1.0)
CATEGORIES = [[item % 5, 5] if item % 7 == 0 else [item % 5] for item in range(N_ITEMS - 1)] + [[]]
"""Six categories; some items have two, and the last item none."""
MEMBERSHIP = membership_of(CATEGORIES)
LEAVE = SharedCategory(MEMBERSHIP, 2, 0)
USERS = torch.arange(N_USERS)


def responses() -> FactorResponses:
    generator = draws(1)
    return FactorResponses(
        intercepts=torch.randn(N_ITEMS, generator=generator) * 0.5,
        loadings=torch.randn(N_ITEMS, 3, generator=generator) * 0.5,
        noise=torch.full((N_ITEMS,), 0.4),
        log_noise=0.3,
        user_means=torch.randn(N_USERS, 3, generator=generator),
        user_covariances=0.5 * torch.eye(3).repeat(N_USERS, 1, 1),
        scale=ResponseScale("identity", 1.0, 5.0, 1.0, 3.0, 1.0),
    )


def policy(count: int | None) -> BayesAdaptivePolicy:
    belief = FactorBelief(responses(), LEVELS)
    candidates = None if count is None else Candidates(MEMBERSHIP, count, STEPS, belief.expected_rows)
    made = BayesAdaptivePolicy(belief, MEMBERSHIP, 2, STEPS, (1.0, 5.0), 8, draws(2), candidates)
    with torch.no_grad():
        made.log_sharpness.fill_(1.5)
        made.shared_category_weight.fill_(-2.0)
    return made


def shortlist(count: int) -> tuple[Tensor, Tensor]:
    """Return items, and which of them repeat an earlier one, for every user."""
    listed = policy(count).shortlist(USERS)
    assert listed is not None
    return listed.items, listed.repeated


def test_the_best_items_and_the_best_of_each_category_are_there() -> None:
    of = responses()
    expected = of.intercepts + of.user_means @ of.loadings.T
    items, repeated = shortlist(10)
    for user in range(N_USERS):
        best = set(expected[user].topk(10).indices.tolist())
        for column in MEMBERSHIP.bool().T:  # two of each of six categories make eight steps
            own = column.nonzero().squeeze(1)
            best |= set(own[expected[user, own].topk(2).indices].tolist())
        assert set(items[user].tolist()) == best
        assert sorted(items[user][~repeated[user]].tolist()) == sorted(best)  # each once


def test_logits_and_shares_are_those_of_all_items() -> None:
    window = window_of([[item, (item * 7 + 3) % N_ITEMS] for item in range(N_USERS)])
    own, every = policy(10), policy(None)
    listed = own.shortlist(USERS)
    assert listed is not None
    believed = own.belief.begin(USERS).observe(window)
    logits, shares, summary = own.logits_among(believed, window, listed)
    all_logits, all_shares, all_summary = every.logits(every.belief.begin(USERS).observe(window), window)
    assert shares is not None
    assert all_shares is not None
    torch.testing.assert_close(logits, all_logits.gather(1, listed.items))
    torch.testing.assert_close(shares, all_shares.gather(1, listed.items))
    torch.testing.assert_close(summary, all_summary)


def game() -> Simulator:
    reward = LargePosteriorReward(responses(), LEVELS)
    reward.redraw(USERS, draws(5))
    return Simulator(reward, LEAVE, N_ITEMS, STEPS, STEPS, allow_repeats=False)


def test_episodes_among_all_items_are_those_of_the_policy_without_candidates() -> None:
    ours, theirs = (roll_out(game(), USERS, greedy(policy(count).scorer())) for count in (N_ITEMS, None))
    assert ours.actions.tolist() == theirs.actions.tolist()


@pytest.mark.parametrize("draw", [False, True])
def test_episodes_name_candidates_alone_and_none_twice(draw: bool) -> None:
    items, _ = shortlist(10)
    scorer = policy(10).scorer()
    episodes = roll_out(game(), USERS, sampled(scorer, draws()) if draw else greedy(scorer))
    assert int(episodes.lengths.max()) > 2
    for user in range(N_USERS):
        taken = episodes.actions[user][: episodes.lengths[user]].tolist()
        assert len(set(taken)) == len(taken)
        assert set(taken) <= set(items[user].tolist())


def test_lists_rank_all_items() -> None:
    window = window_of([[N_ITEMS]] * N_USERS)
    scores = [policy(count).scorer()(USERS, window) for count in (10, None)]
    assert scores[0].tolist() == scores[1].tolist()


def test_where_no_candidate_may_be_recommended_all_items_are_scored() -> None:
    forbidden = torch.zeros(N_USERS, N_ITEMS, dtype=torch.bool)
    items, _ = shortlist(10)
    forbidden.scatter_(1, items[:5], True)
    table = torch.rand(N_USERS, N_ITEMS, generator=draws())
    world = EvaluationWorld.of_table(observed_reward(table, (0.0, 1.0)), LEAVE, STEPS, STEPS, forbidden=forbidden)
    tested = world.episodes("nx_10", USERS, policy(10).scorer(), None)
    for user in range(N_USERS):
        taken = tested.actions[user].tolist()
        assert len(set(taken)) == 10
        assert not forbidden[user, taken].any()


def test_it_learns_to_skip_among_candidates() -> None:
    simulator = game()
    posterior = simulator.rewards
    assert isinstance(posterior, LargePosteriorReward)
    config = A2CConfig(learning_rate=0.03, discount=1.0, gae_lambda=0.95, normalise_advantages=True, minibatch_size=200)
    fresh = policy(10)
    with torch.no_grad():
        fresh.log_sharpness.fill_(0.0)
        fresh.shared_category_weight.fill_(0.0)
    learner = BayesAdaptive(fresh, simulator, posterior, N_USERS, config, 0.1)
    before = learner.epoch(100, 200, draws(6)).metrics()["train/length"]
    learner.epoch(100, 12_000, draws(7))
    assert before < 5
    assert learner.epoch(100, 200, draws(8)).metrics()["train/length"] > 7
    assert fresh.shared_category_weight.item() < -1
