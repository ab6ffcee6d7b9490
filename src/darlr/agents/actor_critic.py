"""The loss of advantage actor-critic (Mnih et al., ICML 2016), which the recommender and DARLR's selector share.

    loss = mean(-log pi(a | s) A) + value_weight mean((V(s) - R)^2) - entropy_weight mean(H(pi(. | s)))

A is the advantage of an action, R its return, and H the entropy in nats. Neither A nor R has a gradient.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.settings import A2CConfig


def actor_critic_loss(
    logits: Tensor, values: Tensor, actions: Tensor, advantages: Tensor, returns: Tensor, config: A2CConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss (scalar) and its unweighted terms by name; `entropy` is among them only if it has a weight.

    Args:
        logits: (n, n_actions), -inf for actions that were blocked.
        values: (n,) the critic's V(s).
        actions: (n,) int64, the actions taken; none was blocked.
        advantages: (n,) A; `config.normalise_advantages` scales them to mean 0 and standard deviation 1.
        returns: (n,) R.
        config: weights of the terms.
    """
    if config.normalise_advantages:
        advantages = standardised(advantages)
    policy = (F.cross_entropy(logits, actions, reduction="none") * advantages).mean()
    return with_critic(policy, logits, values, returns, config)


def with_critic(
    policy: Tensor, logits: Tensor, values: Tensor, returns: Tensor, config: A2CConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """An actor's loss `policy` with the critic's loss and the entropy, weighted, and the unweighted terms by name."""
    terms = {"policy": policy, "value": F.mse_loss(values, returns)}
    loss = policy + config.value_weight * terms["value"]
    if config.entropy_weight:
        terms["entropy"] = entropies(logits).mean()
        loss = loss - config.entropy_weight * terms["entropy"]
    return loss, terms


def standardised(advantages: Tensor) -> Tensor:
    """Scale `advantages` (n,) to mean 0 and standard deviation 1; a single one becomes 0."""
    return (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)


def entropies(logits: Tensor) -> Tensor:
    """Return (n,) the entropy in nats of softmax(`logits` (n, n_actions)); blocked actions contribute nothing."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability.masked_fill(log_probability == float("-inf"), 0.0)).sum(dim=1)


def descend(loss: Tensor, network: nn.Module, optimiser: torch.optim.Optimizer, max_gradient_norm: float) -> None:
    """Make one step of the optimiser on `network` for `loss` (scalar); the gradient's norm is clipped to
    `max_gradient_norm`, unless that is 0.
    """
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if max_gradient_norm:
        nn.utils.clip_grad_norm_(network.parameters(), max_gradient_norm)
    optimiser.step()
