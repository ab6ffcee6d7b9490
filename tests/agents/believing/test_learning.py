from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from darlr.agents.acting import greedy, sampled
from darlr.agents.believing.belief import Belief, BelievedList
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy, Critic
from darlr.agents.believing.tables import Certainty, standardised
from darlr.agents.learning import EpochLog
from darlr.agents.settings import A2CConfig
from darlr.agents.static.scorers import TableScorer
from darlr.errors import RunError
from darlr.rewards.posterior import PosteriorReward
from darlr.rewards.table import TableReward
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.settings import LeaveBy, LeaveConfig
from darlr.world_model.factors.responses import FactorResponses, ResponseScale
from tests.worlds import draws, membership_of

N_USERS, N_ITEMS, STEPS, N_CATEGORIES = 40, 24, 8, 6
CATEGORIES = [[item % N_CATEGORIES] for item in range(N_ITEMS)]
LEVELS = (0.01, 1.0)
A2C = A2CConfig(learning_rate=0.03, discount=1.0, gae_lambda=0.95, normalise_advantages=True, minibatch_size=200)


def responses() -> FactorResponses:
    """Make users of two types, which the log cannot distinguish: each likes one half of the items and not the other.

    The first item of a half is a little better than the second, and so on.
    """
    side = torch.where(torch.arange(N_ITEMS) < N_ITEMS // 2, 1.0, -1.0)
    return FactorResponses(
        intercepts=3.0 - 0.01 * (torch.arange(N_ITEMS) % (N_ITEMS // 2)),
        loadings=side[:, None],
        noise=torch.full((N_ITEMS,), 0.3),
        log_noise=0.25,
        user_means=torch.zeros(N_USERS, 1),
        user_covariances=torch.ones(N_USERS, 1, 1),
        scale=ResponseScale("identity", 1.0, 5.0, 1.0, 0.0, 1.0),
    )


@dataclass(frozen=True)
class Setting:
    """The differences between the agents of these tests."""

    leave: LeaveBy = "category"
    allow_repeats: bool = False
    a2c: A2CConfig = A2C


def agent(setting: Setting = Setting(), of: FactorResponses | None = None) -> BayesAdaptive:
    of = responses() if of is None else of
    posterior = PosteriorReward(of, LEVELS)
    return learner_of(setting, FactorBelief(of, LEVELS), posterior, posterior)


def learner_of(
    setting: Setting, belief: Belief, reward: PosteriorReward | TableReward, posterior: PosteriorReward | None
) -> BayesAdaptive:
    membership = membership_of(CATEGORIES)
    rule = leave_rule(LeaveConfig(by=setting.leave, window=2), membership, torch.zeros(1, N_ITEMS))
    simulator = Simulator(reward, rule, N_ITEMS, STEPS, STEPS, setting.allow_repeats)
    window = 2 if setting.leave == "category" else 0
    policy = BayesAdaptivePolicy(belief, membership, window, STEPS, (reward.low, reward.high), 16, draws(3))
    return BayesAdaptive(policy, simulator, posterior, N_USERS, setting.a2c, 0.1)


def mean_return(learner: BayesAdaptive, scorer_of: Tensor | None = None) -> tuple[float, float]:
    """Return mean return and length of greedy episodes of 2,000 newly drawn users, for the policy or for a table's list."""
    users = torch.arange(N_USERS).repeat(50)
    scorer = learner.policy.scorer() if scorer_of is None else TableScorer(scorer_of)
    reward = learner.simulator.rewards
    assert isinstance(reward, PosteriorReward)
    totals, lengths = 0.0, 0.0
    generator = draws(9)
    for block in torch.split(users, N_USERS):
        reward.redraw(block, generator)
        episodes = roll_out(learner.simulator, block, greedy(scorer))
        totals, lengths = totals + float(episodes.rewards.sum()), lengths + float(episodes.lengths.sum())
    return totals / len(users), lengths / len(users)


def test_learns_the_leave_rule_from_nothing() -> None:
    learner = agent()
    first = learner.epoch(50, 1_000, draws()).metrics()
    learner.epoch(50, 40_000, draws(1))
    last = learner.epoch(50, 1_000, draws(2)).metrics()
    assert last["policy/shared_category_weight"] < -1.0
    assert last["policy/sharpness"] > first["policy/sharpness"]
    assert last["train/length"] > first["train/length"] + 2
    assert mean_return(learner)[1] == STEPS


def test_what_users_give_changes_what_they_get() -> None:
    # The best list without feedback gives everybody the same, about 3 a step; who is known gets 3 + E |q| = 3.8 a step.
    learner = agent(Setting(leave="never"))
    learner.epoch(50, 20_000, draws())
    learned, _ = mean_return(learner)
    one_list, _ = mean_return(learner, responses().intercepts[None])
    assert learned > one_list + 0.5 * STEPS


def test_the_weight_of_shared_categories_stays_where_nobody_leaves_over_them() -> None:
    learner = agent(Setting(leave="never"))
    learner.epoch(20, 2_000, draws())
    assert learner.policy.shared_category_weight.tolist() == [0.0]
    assert learner.policy.log_sharpness.tolist() != [0.0]


def written_out(learner: BayesAdaptive, users: Tensor, items: Tensor, rewards: Tensor) -> Tensor:
    """Return (n, n_items) log pi by autograd, from the equations: r' + lambda [shares], times beta, without earlier
    recommendations.
    """
    policy, of = learner.policy, responses()
    rows = []
    for user, had, seen in zip(users.tolist(), items.tolist(), rewards.tolist(), strict=True):
        given = [(item, 1 + 4 * reward) for item, reward in zip(had, seen, strict=True) if item < N_ITEMS]
        posteriors = []
        for level in LEVELS:
            mean, variance, log_density = float(of.user_means[user]), float(of.user_covariances[user]), 0.0
            for item, y in given:
                loading, noise = float(of.loadings[item]), level * 0.25 + 0.05
                surprise, total = y - float(of.intercepts[item]) - loading * mean, loading**2 * variance + noise
                mean, variance = mean + variance * loading * surprise / total, variance - (variance * loading) ** 2 / total
                log_density -= 0.5 * (torch.tensor(total).log().item() + surprise**2 / total)
            posteriors.append((mean, log_density))
        means, densities = torch.tensor(posteriors).T
        factor = float(densities.softmax(dim=0) @ means)
        recent = {item % N_CATEGORIES for item in had[-2:] if item < N_ITEMS}
        shared = torch.tensor([float(item % N_CATEGORIES in recent) for item in range(N_ITEMS)])
        expected = of.intercepts + of.loadings[:, 0] * factor
        logits = policy.log_sharpness.exp() * (expected + policy.shared_category_weight * shared)
        blocked = torch.zeros(N_ITEMS, dtype=torch.bool)
        blocked[[item for item, _ in given]] = True
        rows.append(logits.masked_fill(blocked, float("-inf")).log_softmax(dim=0))
    return torch.stack(rows)


def test_what_is_recorded_while_sampling_is_log_pi_and_its_gradient() -> None:
    learner = agent()
    with torch.no_grad():
        learner.policy.log_sharpness.fill_(0.7)
        learner.policy.shared_category_weight.fill_(-0.6)
    collection = learner.sample(12, draws())
    visits = collection.episodes.visits()
    log_pi = written_out(learner, visits.users, visits.window.items, visits.window.rewards)
    own = log_pi.gather(1, visits.items[:, None]).squeeze(1)
    torch.testing.assert_close(collection.log_probabilities, own.detach(), atol=1e-4, rtol=1e-4)
    for step in range(len(own)):
        parameters = [learner.policy.log_sharpness, learner.policy.shared_category_weight]
        gradient = torch.cat(torch.autograd.grad(own[step], parameters, retain_graph=True))
        torch.testing.assert_close(collection.scores[step], gradient, atol=1e-3, rtol=1e-3)
    # A scorer has the window alone, and comes to the same probabilities.
    scores = learner.policy.scorer()(visits.users, visits.window)
    blocked = log_pi == float("-inf")
    torch.testing.assert_close(
        scores.masked_fill(blocked, float("-inf")).log_softmax(dim=1), log_pi.detach(), atol=1e-4, rtol=1e-4
    )


def test_an_update_follows_the_policy_gradient() -> None:
    learner = agent(Setting(a2c=replace(A2C, minibatch_size=10_000)))
    collection = learner.sample(50, draws())
    advantages, returns = learner._advantages(collection, collection.episodes.rewards)
    normal = (advantages - advantages.mean()) / advantages.std(correction=0)
    learner.learn(collection, collection.episodes.rewards, EpochLog(), draws())
    expected = -(normal[:, None] * collection.scores).mean(dim=0)
    gradient = torch.cat([learner.policy.log_sharpness.grad, learner.policy.shared_category_weight.grad])  # type: ignore[list-item]
    torch.testing.assert_close(gradient, expected, atol=1e-5, rtol=1e-4)
    paid = collection.episodes.rewards.sum(dim=1)
    values = learner.policy.critic(collection.summaries, collection.visits.step)
    assert returns.shape == values.shape == (int(collection.episodes.lengths.sum()),)
    assert float(paid.min()) > 0


@pytest.mark.parametrize("allow_repeats", [False, True])
def test_an_episode_recommends_nothing_twice_unless_it_may(allow_repeats: bool) -> None:
    learner = agent(Setting(leave="never", allow_repeats=allow_repeats))
    with torch.no_grad():
        learner.policy.log_sharpness.fill_(2.0)
    actions = learner.sample(100, draws()).episodes.actions
    distinct = torch.tensor([len(row.unique()) for row in actions])
    assert bool((distinct == STEPS).all()) != allow_repeats


def test_the_critic_pays_what_is_left_inside_the_paid_range() -> None:
    critic = Critic(2, 10, (1.0, 5.0), 8, draws())
    summary = torch.randn(3, 2, generator=draws(1)) * 100
    values = critic(summary, torch.tensor([0, 5, 10])).detach()
    assert 0 <= float(values[0]) <= 50
    assert 0 <= float(values[1]) <= 25
    assert float(values[2]) == 0
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    assert critic(summary, torch.tensor([0, 5, 10])).tolist() == [25.0, 12.5, 0.0]  # half of 0..5 a step


def test_the_critic_learns_what_users_give() -> None:
    learner = agent(Setting(leave="never"))
    losses = [learner.epoch(50, 4_000, draws(epoch)).metrics()["loss/value"] for epoch in range(8)]
    assert losses[-1] < losses[0] / 3


def test_the_truth_can_be_learned_from_with_the_same_actor() -> None:
    truth = responses().to_reward(torch.randn(N_USERS, N_ITEMS, generator=draws(4)) + 3)
    reward = TableReward(truth, 1.0, 5.0)
    belief = Certainty(torch.arange(N_USERS), N_ITEMS)
    belief.learn(standardised(truth))
    learner = learner_of(Setting(), belief, reward, None)
    learner.epoch(50, 30_000, draws())
    scorer, users = learner.policy.scorer(), torch.arange(N_USERS)
    best = roll_out(learner.simulator, users, greedy(scorer))
    assert best.lengths.tolist() == [STEPS] * N_USERS
    total = float(best.rewards.sum())
    drawn = roll_out(learner.simulator, users, sampled(TableScorer(torch.zeros(1, N_ITEMS)), draws()))
    assert total > 1.3 * float(drawn.rewards.sum())


def test_what_is_saved_goes_on_to_the_same_numbers() -> None:
    first, second = agent(), agent()
    first.epoch(20, 400, draws(1))
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    logs = [learner.epoch(20, 400, draws(2)).metrics() for learner in (first, second)]
    assert logs[0]["train/r_tra"] == logs[1]["train/r_tra"]
    assert any(name.startswith("optimiser.") for name in first.tensors())
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name


def test_the_believed_list_is_the_policy_without_the_leave_rule() -> None:
    learner = agent(Setting(leave="never"))
    episodes = learner.sample(30, draws()).episodes
    visits = episodes.visits()
    believed = BelievedList(learner.policy.belief)(visits.users, visits.window)
    assert torch.equal(believed, learner.policy.scorer()(visits.users, visits.window))  # beta is 1


def test_a_user_can_be_added() -> None:
    learner = agent()
    learner.policy.append_user(learner.policy.average_user())
    scores = learner.policy.scorer()(
        torch.tensor([N_USERS]), learner.sample(1, draws()).episodes.visits().window.rows(torch.tensor([0]))
    )
    assert scores.shape == (1, N_ITEMS)
    assert scores.isfinite().all()


def test_stops_at_a_loss_that_is_not_a_number() -> None:
    of = responses()
    broken = replace(of, intercepts=of.intercepts.clone().index_fill_(0, torch.tensor([2]), float("nan")))
    with pytest.raises(RunError, match=r"the (policy|value) loss is nan"):
        agent(of=broken).epoch(50, 1_000, draws())


def test_windows_must_show_whole_episodes() -> None:
    learner = agent(Setting(leave="never"))
    short = Simulator(learner.simulator.rewards, learner.simulator.leave, N_ITEMS, STEPS, STEPS - 1, False)
    with pytest.raises(ValueError, match="windows show 7 positions; expected whole episodes, 8"):
        BayesAdaptive(learner.policy, short, None, N_USERS, A2C, 0.1)
