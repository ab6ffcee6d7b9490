"""PPO's clipped loss on numbers that were worked by hand, and its passes over a collection."""

from dataclasses import replace
from math import log

import pytest
import torch

from darlr.agents.learning import EpochLog
from darlr.agents.settings import A2CConfig
from darlr.methods.ppo import PPO, PPOConfig, ppo_loss
from tests.agents.test_a2c import FAST, Setting, agent
from tests.worlds import draws

NOTHING = float("-inf")
# Probabilities (1/4, 1/2, 1/4) twice and, with the last action blocked, (1/3, 2/3) twice.
LOGITS = torch.tensor([[0.0, log(2.0), 0.0]] * 2 + [[0.0, log(2.0), NOTHING]] * 2)
ACTIONS = torch.tensor([1, 0, 0, 1])
OLD = torch.tensor([1 / 3, 1 / 4, 1 / 2, 1 / 2]).log()
# Ratios 3/2, 1, 2/3 and 4/3. Clipped by 0.2: 1.2, 1, 0.8, 1.2.
ADVANTAGES = torch.tensor([2.0, -3.0, 4.0, -1.0])
# min(3, 2.4), -3, min(8/3, 3.2), min(-4/3, -1.2)
POLICY = -(2.4 - 3 + 8 / 3 - 4 / 3) / 4
VALUES, RETURNS = torch.tensor([1.0, 2.0, 0.0, 0.0]), torch.tensor([4.0, 1.0, 0.0, 1.0])
VALUE = (9 + 1 + 0 + 1) / 4


def test_the_terms_by_hand() -> None:
    config = A2CConfig(value_weight=0.25)
    loss, terms = ppo_loss(LOGITS, VALUES, ACTIONS, OLD, ADVANTAGES, RETURNS, config, 0.2)
    assert {name: float(term) for name, term in terms.items()} == pytest.approx({"policy": POLICY, "value": VALUE})
    assert float(loss) == pytest.approx(POLICY + 0.25 * VALUE)


def test_entropy_is_subtracted_where_it_is_weighted() -> None:
    config = A2CConfig(value_weight=0.25, entropy_weight=0.1)
    loss, terms = ppo_loss(LOGITS, VALUES, ACTIONS, OLD, ADVANTAGES, RETURNS, config, 0.2)
    assert float(terms["entropy"]) == pytest.approx((1.5 * log(2) + log(3) - 2 / 3 * log(2)) / 2)
    assert float(loss) == pytest.approx(POLICY + 0.25 * VALUE - 0.1 * float(terms["entropy"]))


def test_no_gradient_leads_beyond_the_clip() -> None:
    logits = LOGITS.clone().requires_grad_()
    ppo_loss(logits, VALUES, ACTIONS, OLD, ADVANTAGES, RETURNS, A2CConfig(value_weight=0.0), 0.2)[0].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    # The first ratio is large already and should grow: nothing. The others: (probabilities - action) ratio A / n.
    expected = [[0.0, 0.0, 0.0], [0.5625, -0.375, -0.1875], [-4 / 9, 4 / 9, 0.0], [-1 / 9, 1 / 9, 0.0]]
    torch.testing.assert_close(logits.grad, torch.tensor(expected))


def test_advantages_may_be_standardised() -> None:
    config = A2CConfig(normalise_advantages=True)
    _, terms = ppo_loss(
        LOGITS, VALUES, ACTIONS, LOGITS.log_softmax(1).gather(1, ACTIONS[:, None])[:, 0], ADVANTAGES, RETURNS, config, 0.2
    )
    assert float(terms["policy"]) == pytest.approx(0.0, abs=1e-6)  # all ratios are 1, and the mean is 0


def learner(passes: int) -> PPO:
    base = agent(Setting())
    return PPO(base.policy, base.simulator, 2, replace(FAST, minibatch_size=64), PPOConfig(passes=passes))


def test_passes_so_often_over_a_collection() -> None:
    log = learner(3).epoch(64, 1, draws())  # 192 steps
    assert log.counts["loss/policy"] == 9


def test_ratios_are_to_the_policy_that_played() -> None:
    agent_ = learner(1)
    rollout = agent_.sample(50, draws())
    steps = agent_.transitions(rollout, rollout.episodes.rewards)
    log_ = EpochLog()
    with torch.no_grad():
        logits, _ = agent_.masked(steps)
        own = logits.log_softmax(dim=1).gather(1, steps.actions[:, None]).squeeze(1)
        torch.testing.assert_close(steps.log_probabilities, own)
        first = agent_.loss(steps)[1]["policy"]
    torch.testing.assert_close(first, -steps.advantages.mean())  # all ratios are 1
    agent_.update(steps, log_, draws())
    with torch.no_grad():
        logits, _ = agent_.masked(steps)
        moved = logits.log_softmax(dim=1).gather(1, steps.actions[:, None]).squeeze(1)
    assert not torch.allclose(steps.log_probabilities, moved, atol=1e-4)


def test_learns_what_pays() -> None:
    agent_ = learner(4)
    agent_.epoch(100, 10_000, draws())  # a third of what A2C gets in its own test
    assert agent_.epoch(100, 300, draws(1)).metrics()["train/r_tra"] > 2.5  # at random 0.45, at best 3
