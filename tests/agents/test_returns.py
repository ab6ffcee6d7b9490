import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.agents.returns import generalised_advantages, n_step_returns


def test_generalised_advantages() -> None:
    rewards = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]])
    values = torch.tensor([[0.5, 1.0, 1.5], [1.0, 0.0, 0.0]])
    found = generalised_advantages(rewards, values, torch.tensor([3, 1]), discount=0.9, gae_lambda=0.5)
    # Errors: 3 - 1.5 = 1.5; 2 + 0.9 * 1.5 - 1 = 2.35; 1 + 0.9 * 1 - 0.5 = 1.4; and 4 - 1 = 3 for the one that left at once.
    # Advantages: 1.5; 2.35 + 0.45 * 1.5 = 3.025; 1.4 + 0.45 * 3.025 = 2.76125.
    torch.testing.assert_close(found, torch.tensor([[2.76125, 3.025, 1.5], [3.0, 0.0, 0.0]]))


def test_lambda_one_is_the_return_minus_the_value() -> None:
    found = generalised_advantages(
        torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0.5, 1.0, 1.5]]), torch.tensor([3]), 0.9, 1.0
    )
    # Returns: 3; 2 + 2.7 = 4.7; 1 + 0.9 * 4.7 = 5.23.
    torch.testing.assert_close(found, torch.tensor([[4.73, 3.7, 1.5]]))


def test_lambda_zero_is_the_one_step_error() -> None:
    found = generalised_advantages(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 1.0]]), torch.tensor([2]), 0.9, 0.0)
    torch.testing.assert_close(found, torch.tensor([[1.4, 1.0]]))


@given(
    episodes=st.lists(
        st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=5), min_size=1, max_size=4
    ),
    discount=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    gae_lambda=st.sampled_from([0.0, 0.3, 0.95, 1.0]),
)
def test_equals_the_sum_of_discounted_errors(episodes: list[list[tuple[int, int]]], discount: float, gae_lambda: float) -> None:
    rewards, values = torch.zeros(2, len(episodes), 5)
    for row, steps in enumerate(episodes):
        for step, (reward, value) in enumerate(steps):
            rewards[row, step], values[row, step] = reward, value
    lengths = torch.tensor([len(steps) for steps in episodes])
    found = generalised_advantages(rewards, values, lengths, discount, gae_lambda)
    for row, steps in enumerate(episodes):
        errors = [
            reward + (discount * steps[step + 1][1] if step + 1 < len(steps) else 0.0) - value
            for step, (reward, value) in enumerate(steps)
        ]
        for step in range(5):
            expected = sum((discount * gae_lambda) ** (later - step) * errors[later] for later in range(step, len(steps)))
            assert abs(float(found[row, step]) - expected) < 1e-4


def test_n_steps_are_counted_until_the_episode_ends() -> None:
    # Two episodes, of three steps and of two.
    rewards = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    last = torch.tensor([False, False, True, False, True])
    returns, following, discounts = n_step_returns(rewards, last, 2, 0.5)
    assert returns.tolist() == [2.0, 4.0, 4.0, 16.0, 16.0]
    assert discounts.tolist() == [0.25, 0.0, 0.0, 0.0, 0.0]
    assert following[0] == 2
    assert (following.diff() >= 0).all()
    assert following.max() < len(rewards)
    one, after, weight = n_step_returns(rewards, last, 1, 0.5)
    assert one.tolist() == rewards.tolist()
    assert weight.tolist() == [0.5, 0.5, 0.0, 0.5, 0.0]
    assert after[[0, 1, 3]].tolist() == [1, 2, 4]
    assert n_step_returns(rewards, last, 9, 0.5)[0].tolist() == [3.0, 4.0, 4.0, 16.0, 16.0]
    assert not n_step_returns(rewards, last, 9, 0.5)[2].any()
