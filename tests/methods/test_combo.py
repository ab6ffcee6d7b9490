"""COMBO: its loss on numbers that were worked by hand, and its steps of either kind."""

from math import log

import pytest
import torch
from torch import Tensor, nn

from darlr.agents.learning import EpochLog
from darlr.agents.offline.logged_steps import LoggedSteps
from darlr.agents.offline.policy import Batch, Moments
from darlr.agents.offline.replay import Replay
from darlr.methods.combo import COMBOConfig, COMBOUpdates, combo_losses
from darlr.methods.dqn import DQN
from tests.agents.replaying.small import NOTHING, QUICK, policy_of
from tests.worlds import draws, window_of

N_ITEMS = 4


def test_loss() -> None:
    values = torch.tensor([[log(2), log(6), NOTHING], [log(3), log(1), log(4)]])  # soft maxima of log 8 and log 8
    parts = combo_losses(values, torch.tensor([1.0, 3.0]), torch.tensor([log(4), 0.0]), torch.tensor([2.0, 0.0]), 0.25)
    # Half the mean squared errors: 2.5 of simulated steps, 1 of logged ones.
    assert parts["value"].item() == pytest.approx(0.25 * 1 + 0.75 * 2.5)
    assert parts["conservative"].item() == pytest.approx(log(8) - log(4) / 2)


def logged_steps(rewards: Tensor) -> LoggedSteps:
    """One episode of the items 0, 1, 2, each with its reward."""
    numbers = torch.arange(len(rewards))
    replay = Replay(torch.zeros_like(numbers), numbers, rewards, rewards / 5, numbers, N_ITEMS)
    return LoggedSteps(replay, lookback=2, n_step=1, discount=0.5, allow_repeats=False)


def simulated_batch() -> Batch:
    blocking = torch.zeros(1, N_ITEMS)
    blocking[0, 3] = NOTHING
    now = Moments(torch.zeros(1, dtype=torch.long), window_of([[4, 5]]), blocking)
    return Batch(now, torch.tensor([1]), torch.tensor([2.0]), torch.tensor([0.5]), lambda: now)


def fixed(policy: DQN, values: list[float]) -> DQN:
    """The policy with these values of its four items, whatever the state."""
    head = policy.heads["value"]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor(values))
    return policy


def of_four_items() -> DQN:
    policy = policy_of("dqn", N_ITEMS)
    assert isinstance(policy, DQN)
    return policy


def test_errors_of_both_kinds() -> None:
    """Every value is 0, so an error is a target: the reward alone for a last step."""
    policy = fixed(of_four_items(), [0.0, 0.0, 0.0, 0.0])
    updates = COMBOUpdates(policy, logged_steps(torch.tensor([3.0])), QUICK, COMBOConfig(conservatism=0.5, logged_share=0.5))
    fixed(updates.target, [1.0, 4.0, 0.0, 9.0])  # blocked items do not count: the best of the next state has 4
    loss, parts = updates.losses(simulated_batch(), draws())
    assert parts["value"].item() == pytest.approx((3**2 / 2 + (2 + 0.5 * 4) ** 2 / 2) / 2)
    assert parts["conservative"].item() == pytest.approx(log(3))
    assert loss.item() == pytest.approx(parts["value"].item() + 0.5 * log(3))


def test_values_are_low_where_nothing_was_logged() -> None:
    policy = of_four_items()
    updates = COMBOUpdates(policy, logged_steps(torch.ones(3)), QUICK, COMBOConfig(conservatism=2.0))
    generator, record = draws(), EpochLog()
    for _ in range(200):
        updates.descend(simulated_batch(), record, generator)
    values = policy.values(policy.hidden(logged_steps(torch.ones(3)).batch(torch.arange(3)).now))
    assert (values[:, 3] < values[torch.arange(3), torch.arange(3)]).all()


def test_draws_repeat_themselves() -> None:
    def loss() -> float:
        updates = COMBOUpdates(of_four_items(), logged_steps(torch.arange(3.0)), QUICK, COMBOConfig())
        return updates.losses(simulated_batch(), draws(7))[0].item()

    assert loss() == loss()
