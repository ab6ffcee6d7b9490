"""Our losses and updates compared with tianshou's, on the same weights and batches (`pip install darlr[compare]`)."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darlr.agents.learning import EpochLog
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import Moments, OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.settings import OfflineConfig
from darlr.methods.topk_reinforce import TopKConfig, TopKReinforce
from tests.agents.offline.policies import HIDDEN, policy_of, tracker_of
from tests.worlds import draws

pytest.importorskip("tianshou", reason="tianshou is not installed: pip install darlr[compare]")

import gymnasium as gym
from tianshou.algorithm.imitation.discrete_bcq import DiscreteBCQ, DiscreteBCQPolicy
from tianshou.algorithm.imitation.discrete_cql import DiscreteCQL
from tianshou.algorithm.imitation.discrete_crr import DiscreteCRR
from tianshou.algorithm.imitation.imitation_base import ImitationPolicy, OfflineImitationLearning
from tianshou.algorithm.modelfree.qrdqn import QRDQNPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy, Reinforce
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch, ReplayBuffer

N_ITEMS, STEPS, UPDATES = 7, 60, 6
CONFIG = OfflineConfig(learning_rate=0.01, n_step=3, batch_size=20, target_sync=4)
ACTIONS = gym.spaces.Discrete(N_ITEMS)


def logged() -> Replay:
    """Episodes of one to eight steps."""
    generator = draws(5)
    lengths = torch.randint(1, 9, (40,), generator=generator)
    step = torch.cat([torch.arange(int(length)) for length in lengths])[:STEPS]
    rewards = torch.rand(STEPS, generator=generator) * 4
    items = torch.randint(N_ITEMS, (STEPS,), generator=generator)
    return Replay(torch.zeros(STEPS, dtype=torch.long), items, rewards, rewards / 4, step, N_ITEMS)


class Head(nn.Module):
    """A head of our policy in the form of tianshou's networks; its observation is the number of a logged step."""

    def __init__(self, policy: OfflinePolicy, name: str, replay: Replay, with_state: bool = True) -> None:
        super().__init__()
        self.policy, self.name, self.replay, self.with_state = policy, name, replay, with_state

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        chosen = torch.as_tensor(numbers).flatten().long().clamp(max=STEPS - 1)
        hidden = self.policy.hidden(Moments(self.replay.users[chosen], self.replay.window(chosen, 2), None))
        output: Tensor = self.policy.heads[self.name](hidden)
        if self.name == "quantiles":
            output = output.view(len(chosen), N_ITEMS, -1)
        return (output, state) if self.with_state else output


def buffer_of(replay: Replay) -> ReplayBuffer:
    """The logged steps in tianshou's own buffer."""
    buffer = ReplayBuffer(STEPS)
    last = replay.last.numpy()
    for step in range(STEPS):
        buffer.add(
            Batch(
                obs=np.array([step]),
                act=int(replay.items[step]),
                rew=float(replay.rewards[step]),
                terminated=bool(last[step]),
                truncated=False,
                obs_next=np.array([step + 1]),
                info={},
            )
        )
    return buffer


def theirs(name: str, policy: OfflinePolicy, replay: Replay) -> Any:
    """tianshou's algorithm on the weights of `policy`."""
    optimiser = AdamOptimizerFactory(lr=CONFIG.learning_rate)
    shared: dict[str, Any] = {"gamma": CONFIG.discount, "target_update_freq": CONFIG.target_sync}
    if name in ("sqn", "bcq"):
        constrained = DiscreteBCQPolicy(
            model=Head(policy, "value", replay),
            imitator=Head(policy, "imitation", replay),
            unlikely_action_threshold=0.6 if name == "bcq" else 0.0,  # with 0, BCQ chooses as SQN does
            action_space=ACTIONS,
        )
        return DiscreteBCQ(
            policy=constrained, optim=optimiser, n_step_return_horizon=3, imitation_logits_penalty=0.01, **shared
        )
    if name == "cql":
        quantiles = QRDQNPolicy(model=Head(policy, "quantiles", replay), action_space=ACTIONS)
        return DiscreteCQL(
            policy=quantiles, optim=optimiser, min_q_weight=0.1, num_quantiles=5, n_step_return_horizon=3, **shared
        )
    actor = DiscreteActorPolicy(actor=Head(policy, "actor", replay), action_space=ACTIONS)
    critic = Head(policy, "critic", replay, with_state=False)
    return DiscreteCRR(policy=actor, critic=critic, optim=optimiser, min_q_weight=0.1, **shared)


IMITATING = {"value": "q_loss", "imitation": "i_loss", "logits": "reg_loss"}
CRITIC = {"critic": "critic_loss", "conservative": "cql_loss"}


@pytest.mark.parametrize(
    ("name", "batch_size", "parts"),
    [
        ("sqn", 20, IMITATING),
        ("bcq", 20, IMITATING),
        ("cql", 20, {"value": "qr_loss", "conservative": "cql_loss"}),
        ("crr", 20, CRITIC),
        # In larger batches tianshou multiplies every row's log-probability with every row's weight (docs/methods/crr.md).
        ("crr", 1, {"actor": "actor_loss", **CRITIC}),
    ],
)
def test_losses_and_updates_agree(name: str, batch_size: int, parts: dict[str, str]) -> None:
    replay, policy = logged(), policy_of(name, N_ITEMS)
    policy.tracker.requires_grad_(False)
    config = replace(CONFIG, n_step=1) if name == "crr" else CONFIG
    other = deepcopy(policy)
    ours, algorithm, buffer = OfflineLearner(policy, replay, config, True), theirs(name, other, replay), buffer_of(replay)
    generator = draws(1)
    for number in range(UPDATES):
        chosen = torch.randint(STEPS, (batch_size,), generator=generator)
        indices = chosen.numpy()
        if name == "crr":  # theirs has gradients through the weight of the actor's loss; ours, as the paper, has none
            other.load_state_dict(policy.state_dict())
        if number % CONFIG.target_sync == 0:  # theirs renews its target one batch later
            algorithm._update_lagged_network_weights()
        log = EpochLog()
        ours.update(chosen, log)
        stats = algorithm._update_with_batch(algorithm._preprocess_batch(buffer[indices], buffer, indices))
        found = log.metrics()
        for part, their_name in parts.items():
            assert found[f"loss/{part}"] == pytest.approx(getattr(stats, their_name), abs=1e-5, rel=1e-5), part
        if name != "crr":
            for key, tensor in policy.state_dict().items():
                torch.testing.assert_close(tensor, other.state_dict()[key], atol=1e-5, rtol=1e-4)


def test_cloning_agrees() -> None:
    replay, policy = logged(), policy_of("bc", N_ITEMS)
    policy.tracker.requires_grad_(False)
    other = deepcopy(policy)
    imitating = ImitationPolicy(actor=Head(other, "actor", replay), action_space=ACTIONS)
    algorithm: Any = OfflineImitationLearning(policy=imitating, optim=AdamOptimizerFactory(lr=CONFIG.learning_rate))
    learner, buffer, generator = OfflineLearner(policy, replay, CONFIG, True), buffer_of(replay), draws(1)
    for _ in range(UPDATES):
        other.load_state_dict(policy.state_dict())  # theirs has no penalty on logits, which ours learns from, too
        chosen, log = torch.randint(STEPS, (20,), generator=generator), EpochLog()
        learner.update(chosen, log)
        found = algorithm._update_with_batch(buffer[chosen.numpy()]).loss
        assert log.metrics()["loss/imitation"] == pytest.approx(found, abs=1e-5, rel=1e-5)


@pytest.mark.parametrize("name", ["weighted-likelihood", "topk-reinforce"])
def test_policy_gradients_agree(name: str) -> None:
    """On a log that the policy itself made, lists of one and no cap, both are REINFORCE."""
    replay = logged()
    replay = replace(replay, rewards=replay.seen)  # theirs does not normalise
    policy = policy_of(name, N_ITEMS)
    if name == "topk-reinforce":
        policy = TopKReinforce(HIDDEN, tracker_of(N_ITEMS, draws(7)), N_ITEMS, TopKConfig(items=1, cap=1e6), draws(8))
    policy.tracker.requires_grad_(False)
    other = deepcopy(policy)
    actor = DiscreteActorPolicy(actor=Head(other, "actor", replay), action_space=ACTIONS)
    optimiser = AdamOptimizerFactory(lr=CONFIG.learning_rate)
    algorithm: Any = Reinforce(policy=actor, gamma=CONFIG.discount, optim=optimiser)
    learner, buffer = OfflineLearner(policy, replay, replace(CONFIG, n_step=STEPS), True), buffer_of(replay)
    chosen, shared = torch.arange(STEPS), ("tracker", "trunk", "heads.actor")
    for _ in range(UPDATES):
        if name == "topk-reinforce":
            policy.heads["behaviour"].load_state_dict(policy.heads["actor"].state_dict())
        log = EpochLog()
        learner.update(chosen, log)
        batch = algorithm._preprocess_batch(buffer[chosen.numpy()], buffer, chosen.numpy())
        found = algorithm._update_with_batch(batch, None, 1).loss.mean
        part = "actor" if name == "topk-reinforce" else "likelihood"
        assert log.metrics()[f"loss/{part}"] == pytest.approx(found, abs=1e-5, rel=1e-5)
        for key, tensor in policy.state_dict().items():
            if key.startswith(shared):
                torch.testing.assert_close(tensor, other.state_dict()[key], atol=1e-5, rtol=1e-4)
