from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.agents.networks.trackers import state_tracker
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import HeadKind, PolicyConfig, TrackerConfig
from tests.worlds import draws, membership_of, window_of

N_ITEMS, N_USERS = 5, 3
CATEGORIES = [[0], [0, 1], [1], [2], []]
START, ABSENT = 5, 6
WINDOW = window_of([[ABSENT, START, 0], [3, 1, 2]], [[0.0, 1.0, 0.5], [0.2, 0.9, 0.1]])
USERS = torch.tensor([0, 2])
SMALL = PolicyConfig(hidden_sizes=(8, 6))


def policy(seed: int = 0, prior: Tensor | None = None, user_state: bool = False, **changes: Any) -> ActorCritic:
    vectors = torch.randn(N_ITEMS, 4, generator=draws(7))
    user_vectors = torch.randn(N_USERS, 2, generator=draws(8))
    tracker = state_tracker(TrackerConfig(window=2, user_state=user_state), vectors, user_vectors, draws(seed))
    return ActorCritic(replace(SMALL, **changes), tracker, membership_of(CATEGORIES).float(), prior, draws(seed))


def hidden_by_hand(policy: ActorCritic) -> Tensor:
    hidden: Tensor = policy.tracker(USERS, WINDOW)
    for layer in (policy.trunk[0], policy.trunk[2]):
        hidden = torch.relu(hidden @ layer.weight.T + layer.bias)  # type: ignore[operator]
    return hidden


def test_linear_head_has_one_weight_vector_an_item() -> None:
    some = policy()
    logits, value = some(USERS, WINDOW)
    hidden = hidden_by_hand(some)
    torch.testing.assert_close(logits, hidden @ some.actor.weight.T + some.actor.bias)
    torch.testing.assert_close(value, hidden @ some.critic.weight[0] + some.critic.bias)
    assert (logits.shape, value.shape) == ((2, N_ITEMS), (2,))


def test_tied_head_scores_item_vectors_and_categories() -> None:
    some = policy(head="tied")
    with torch.no_grad():
        some.category_vectors.normal_(generator=draws(4))
        some.item_bias.normal_(generator=draws(5))
    logits, _ = some(USERS, WINDOW)
    query = hidden_by_hand(some) @ some.actor.weight.T + some.actor.bias
    for item, categories in enumerate(CATEGORIES):
        weight = some.item_projection.weight @ some.tracker.item_vectors[item]
        for category in categories:
            weight = weight + some.category_vectors[category]
        torch.testing.assert_close(logits[:, item], query @ weight + some.item_bias[item])


def test_what_the_tied_head_learns_of_an_item_reaches_its_categories_other_items() -> None:
    some = policy(head="tied")
    before = some(USERS, WINDOW)[0]
    some(USERS, WINDOW)[0][:, 2].sum().backward()
    assert some.category_vectors.grad is not None
    with torch.no_grad():
        some.category_vectors.add_(some.category_vectors.grad, alpha=0.1)
    change = some(USERS, WINDOW)[0] - before
    assert (change[:, [1, 2]] > 1e-6).all()  # both have category 1
    assert not change[:, [0, 3, 4]].any()


@pytest.mark.parametrize("head", ["linear", "tied"])
def test_prior_is_added(head: HeadKind) -> None:
    prior = torch.randn(N_USERS, N_ITEMS, generator=draws(9))
    plain, informed = policy(head=head), policy(head=head, prior_weight=1.5, prior=prior)
    torch.testing.assert_close(informed(USERS, WINDOW)[0] - plain(USERS, WINDOW)[0], 1.5 * prior[[0, 2]])
    torch.testing.assert_close(informed(USERS, WINDOW)[1], plain(USERS, WINDOW)[1])


def test_shared_category_weight_moves_exactly_the_items_that_share() -> None:
    plain, weighted = policy(), policy(category_window=2)
    torch.testing.assert_close(weighted(USERS, WINDOW)[0], plain(USERS, WINDOW)[0])  # it starts at 0
    with torch.no_grad():
        weighted.shared_category_weight.fill_(-3.0)
    # The first user last saw the start and item 0 (category 0); the second items 1 and 2 (categories 0 and 1), and 3 before.
    expected = torch.tensor([[-3.0, -3.0, 0.0, 0.0, 0.0], [-3.0, -3.0, -3.0, 0.0, 0.0]])
    torch.testing.assert_close(weighted(USERS, WINDOW)[0] - plain(USERS, WINDOW)[0], expected)
    with torch.no_grad():
        longer = policy(category_window=3)
        longer.shared_category_weight.fill_(-3.0)
    expected[1, 3] = -3.0
    torch.testing.assert_close(longer(USERS, WINDOW)[0] - plain(USERS, WINDOW)[0], expected)


def test_shared_category_weight_is_in_units_of_the_prior() -> None:
    prior = torch.randn(N_USERS, N_ITEMS, generator=draws(9))
    unmoved, weighted = (policy(prior_weight=20.0, prior=prior, category_window=2) for _ in range(2))
    with torch.no_grad():
        weighted.shared_category_weight.fill_(-0.5)
    difference = weighted(USERS, WINDOW)[0] - unmoved(USERS, WINDOW)[0]
    torch.testing.assert_close(difference[0], torch.tensor([-10.0, -10.0, 0.0, 0.0, 0.0]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("head", ["linear", "tied"])
def test_scorer_is_the_policy_without_gradients(head: HeadKind) -> None:
    some = policy(head=head, category_window=2)
    scores = some.scorer()(USERS, WINDOW)
    assert torch.equal(scores, some(USERS, WINDOW)[0])
    assert not scores.requires_grad


def test_an_average_user_can_be_appended() -> None:
    prior = torch.randn(N_USERS, N_ITEMS, generator=draws(9))
    some = policy(prior_weight=1.0, prior=prior, user_state=True)
    known = some(USERS, WINDOW)[0]
    some.append_user(some.average_user())
    torch.testing.assert_close(some(USERS, WINDOW)[0], known)
    assert some.prior is not None
    torch.testing.assert_close(some.prior.rows(torch.tensor([N_USERS]))[0], prior.mean(dim=0))
    assert some(torch.tensor([N_USERS, N_USERS]), WINDOW)[0].isfinite().all()


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (policy(seed)(USERS, WINDOW)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
