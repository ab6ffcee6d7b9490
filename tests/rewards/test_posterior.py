import torch

from darlr.rewards.posterior import LargePosteriorReward, PosteriorReward
from darlr.world_model.factors.responses import FactorResponses, Link, ResponseScale
from tests.worlds import draws, window_of

NOWHERE = window_of([[0]])


def responses(link: Link = "identity", low: float = -50.0, high: float = 50.0) -> FactorResponses:
    """Make two users, of whom the second is known better, and three items; the log's noise is 4."""
    return FactorResponses(
        intercepts=torch.tensor([0.0, 1.0, 2.0]),
        loadings=torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        noise=torch.full((3,), 4.5),
        log_noise=4.0,
        user_means=torch.tensor([[1.0, 0.0], [0.0, -1.0]]),
        user_covariances=torch.stack([torch.tensor([[2.0, 0.5], [0.5, 1.0]]), 0.01 * torch.eye(2)]),
        scale=ResponseScale(link, low, high, 0.1, 0.0, 1.0),
    )


def test_draws_have_the_posteriors_moments() -> None:
    of = responses()
    drawn = PosteriorReward(of, (0.0,)).draw(torch.zeros(200_000, dtype=torch.int64), draws())
    torch.testing.assert_close(drawn.mean(dim=0), torch.tensor([1.0, 1.0, 3.0]), atol=0.03, rtol=0)
    # Loadings times the covariance: var of q1, q2 and q1 + q2.
    expected = of.loadings @ of.user_covariances[0] @ of.loadings.T
    torch.testing.assert_close(drawn.T.cov(), expected, atol=0.06, rtol=0)


def test_a_users_noise_is_one_of_the_levels() -> None:
    drawn = PosteriorReward(responses(), (0.01, 1.0)).draw(torch.ones(4_000, dtype=torch.int64), draws())
    # What the factors do not explain: item 2's y less those of items 0 and 1 is 1 less three draws of noise.
    left = (drawn[:, 2] - drawn[:, 1] - drawn[:, 0] - 1).square()
    # Half of the users have 3 * 0.04, half 3 * 4: the mean is 6.06.
    assert 5.5 < float(left.mean()) < 6.6
    assert 0.4 < float((left < 1).to(torch.float32).mean()) < 0.75  # all quiet users, and noisy ones near 0 (23%)


def test_a_pair_pays_the_same_until_the_next_draw() -> None:
    reward = PosteriorReward(responses(), (1.0,))
    users, items = torch.tensor([1, 0, 1]), torch.tensor([2, 2, 2])
    reward.redraw(users, draws())
    first = reward.pay(users, items, NOWHERE)
    assert first[0] == first[2]  # the same user, drawn once
    assert first[0] != first[1]
    assert torch.equal(reward.pay(users, items, NOWHERE), first)
    reward.redraw(users, draws(1))
    assert not torch.equal(reward.pay(users, items, NOWHERE), first)
    reward.redraw(users, draws())
    assert torch.equal(reward.pay(users, items, NOWHERE), first)


def test_rewards_are_cut_to_the_paid_range() -> None:
    users = torch.zeros(1000, dtype=torch.int64)
    drawn = PosteriorReward(responses("log", 0.5, 3.0), (1.0,)).draw(users, draws())
    assert (float(drawn.min()), float(drawn.max())) == (0.5, 3.0)
    inside = drawn[(drawn > 0.5) & (drawn < 3.0)]
    assert len(inside) > 100


def test_what_is_paid_without_a_table_has_the_moments_of_what_is_paid_from_one() -> None:
    users, items = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 2, 2])
    paid = []
    for kind in (PosteriorReward, LargePosteriorReward):
        reward, generator = kind(responses(), (0.01, 1.0)), draws()
        rounds = []
        for _ in range(1_500):
            reward.redraw(torch.tensor([0, 1]), generator)
            rounds.append(reward.pay(users, items, NOWHERE))
        paid.append(torch.stack(rounds))
    torch.testing.assert_close(paid[0].mean(dim=0), paid[1].mean(dim=0), atol=0.3, rtol=0)
    torch.testing.assert_close(paid[0].T.cov(), paid[1].T.cov(), atol=0.6, rtol=0)


def test_without_a_table_a_pair_pays_the_same_until_the_next_draw() -> None:
    reward, generator = LargePosteriorReward(responses(), (1.0,)), draws()
    reward.redraw(torch.tensor([1, 0, 1]), generator)
    first = reward.pay(torch.tensor([1, 1, 0]), torch.tensor([2, 2, 2]), NOWHERE)
    assert first[0] == first[1] != first[2]
    assert reward.pay(torch.tensor([1]), torch.tensor([2]), NOWHERE) == first[0]
    reward.redraw(torch.tensor([1]), generator)
    assert reward.pay(torch.tensor([1]), torch.tensor([2]), NOWHERE) != first[0]
