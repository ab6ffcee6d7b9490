"""Returns and advantages of finished episodes."""

import torch
from torch import Tensor


def generalised_advantages(rewards: Tensor, values: Tensor, lengths: Tensor, discount: float, gae_lambda: float) -> Tensor:
    """Return (B, T) generalised advantage estimates (Schulman et al., 2016); 0 after an episode's end.

    The last step of an episode is terminal, even if the length limit ended it (protocol section 1), so nothing is
    bootstrapped. With lambda = 1 the estimate is the discounted return minus the value.

    Args:
        rewards: (B, T), 0 after the end.
        values: (B, T) the critic's V(s_t), 0 after the end.
        lengths: (B,) number of steps.
        discount: gamma.
        gae_lambda: lambda.
    """
    advantages = torch.zeros_like(rewards)
    steps = rewards.shape[1]
    running = torch.zeros_like(rewards[:, 0])
    for step in range(steps - 1, -1, -1):
        following = values[:, step + 1] if step + 1 < steps else torch.zeros_like(running)
        error = rewards[:, step] + discount * following - values[:, step]
        running = torch.where(step < lengths, error + discount * gae_lambda * running, 0.0)
        advantages[:, step] = running
    return advantages


def n_step_returns(rewards: Tensor, last: Tensor, steps: int, discount: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rewards of n consecutive steps, and the step to bootstrap from (Sutton and Barto, 2018, section 7.1).

    Nothing is bootstrapped if the episode ends within the n steps.

    Args:
        rewards: (m,) rewards of steps, episode by episode, each in its order.
        last: (m,) bool, whether an episode ends with the step; True for the very last step.
        steps: n.
        discount: gamma.

    Returns:
        returns: (m,) sum over k < n of discount^k r_(t+k), up to the end of the episode.
        following: (m,) int64, the step whose state is bootstrapped from, t + n; inside the same episode wherever its value
            counts.
        discounts: (m,) discount^n, or 0 where the episode ended.
    """
    place = torch.arange(len(rewards), device=rewards.device)
    running = torch.ones_like(last)
    returns = torch.zeros_like(rewards)
    for k in range(steps):
        if not running.any():  # a return may reach to the end of an episode of any length
            break
        returns += torch.where(running, discount**k * rewards[place], 0.0)
        running = running & ~last[place]
        place = torch.where(running, place + 1, place)
    return returns, place, torch.where(running, discount**steps, 0.0)
