"""Returns and advantages of finished episodes."""

import torch
from torch import Tensor


def generalised_advantages(rewards: Tensor, values: Tensor, lengths: Tensor, discount: float, gae_lambda: float) -> Tensor:
    """Generalised advantage estimates (Schulman et al., 2016), (B, T); 0 beyond an episode's end.

    The last step of an episode is terminal, also where the length limit ended it (protocol section 1): nothing is
    bootstrapped. With lambda = 1 this is the discounted return minus the value.

    Args:
        rewards: (B, T), 0 beyond the end.
        values: (B, T) the critic's V(s_t), 0 beyond the end.
        lengths: (B,) steps taken.
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
