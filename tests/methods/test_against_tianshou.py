"""The losses and updates of the methods that learn in the simulator beside tianshou's, on the same weights and batches.

They need `pip install darlr[compare]`.
"""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darlr.agents.a2c import A2C
from darlr.agents.learning import EpochLog
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import Moments
from darlr.agents.offline.replay import Replay
from darlr.agents.policy import ActorCritic
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.agents.settings import A2CConfig, OfflineConfig
from darlr.methods.c51 import C51
from darlr.methods.ddpg import DDPGConfig, DeterministicUpdates
from darlr.methods.dqn import DQN
from darlr.methods.ppo import PPO, PPOConfig
from darlr.methods.reinforce import Reinforce
from darlr.methods.td3 import TD3Config, TwinUpdates
from darlr.world.window import Window
from tests.agents.replaying.small import policy_of
from tests.agents.test_a2c import Setting, agent
from tests.worlds import draws

pytest.importorskip("tianshou", reason="tianshou is not installed: pip install darlr[compare]")

import gymnasium as gym
from tianshou.algorithm.modelfree import c51, dqn, ppo
from tianshou.algorithm.modelfree.c51 import C51Policy
from tianshou.algorithm.modelfree.ddpg import DDPG, ContinuousDeterministicPolicy
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.modelfree.qrdqn import QRDQN, QRDQNPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.modelfree.reinforce import Reinforce as TheirReinforce
from tianshou.algorithm.modelfree.td3 import TD3
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch

from tests.agents.offline.test_against_tianshou import N_ITEMS, STEPS, buffer_of, logged

UPDATES = 6
CONFIG = OfflineConfig(learning_rate=0.01, n_step=3, batch_size=20, target_sync=4, learn_tracker=True)
ACTIONS = gym.spaces.Discrete(N_ITEMS)
OPTIMISER = AdamOptimizerFactory(lr=CONFIG.learning_rate)


def require_alike(ours: nn.Module, theirs: nn.Module) -> None:
    expected = theirs.state_dict()
    for key, tensor in ours.state_dict().items():
        torch.testing.assert_close(tensor, expected[key], atol=1e-5, rtol=1e-4)


def moments(replay: Replay, numbers: Any) -> Moments:
    """The moments before the logged steps with these numbers. tianshou asks for one after the last, and does not use it."""
    chosen = torch.as_tensor(numbers).flatten().long().clamp(max=STEPS - 1)
    return Moments(replay.users[chosen], replay.window(chosen, 2), None)


class Values(nn.Module):
    """All outputs of a value-based policy as tianshou calls networks; what it observes is the number of a logged step."""

    def __init__(self, policy: DQN, replay: Replay) -> None:
        super().__init__()
        self.policy, self.replay = policy, replay

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        hidden = self.policy.hidden(moments(self.replay, numbers))
        if isinstance(self.policy, DQN):
            return self.policy.values(hidden), state
        if isinstance(self.policy, C51):
            return self.policy.heads["atoms"](hidden).view(len(hidden), N_ITEMS, -1).softmax(dim=2), state
        return self.policy.heads["quantiles"](hidden).view(len(hidden), N_ITEMS, -1), state


def horizon_of(name: str) -> int:
    """Steps of a target. tianshou's C51 always looks at the state one step later (docs/methods/dqn.md)."""
    return 1 if name == "c51" else CONFIG.n_step


def their_values(name: str, policy: Any, replay: Replay) -> Any:
    """tianshou's algorithm on the weights of `policy`."""
    model = Values(policy, replay)
    shared: dict[str, Any] = {
        "optim": OPTIMISER,
        "gamma": CONFIG.discount,
        "n_step_return_horizon": horizon_of(name),
        "target_update_freq": CONFIG.target_sync,
    }
    if name == "c51":
        first, last = policy.support.tolist()
        categorical = C51Policy(model=model, action_space=ACTIONS, num_atoms=len(policy.atoms), v_min=first, v_max=last)
        return c51.C51(policy=categorical, **shared)
    if name == "qr-dqn":
        return QRDQN(policy=QRDQNPolicy(model=model, action_space=ACTIONS), num_quantiles=5, **shared)
    double = name != "dqn"
    return dqn.DQN(
        policy=DiscreteQLearningPolicy(model=model, action_space=ACTIONS), is_double=double, huber_loss_delta=1.0, **shared
    )


@pytest.mark.parametrize("name", ["dqn", "double-dqn", "dueling-dqn", "c51", "qr-dqn"])
def test_values_agree(name: str) -> None:
    replay, policy = logged(), policy_of(name, N_ITEMS)
    other: Any = deepcopy(policy)
    config = replace(CONFIG, n_step=horizon_of(name))
    ours = OfflineLearner(policy, replay, config, True)  # which draws from a log; losses and updates are the same
    algorithm, buffer = their_values(name, other, replay), buffer_of(replay)
    generator = draws(1)
    for number in range(UPDATES):
        chosen = torch.randint(STEPS, (CONFIG.batch_size,), generator=generator)
        indices = chosen.numpy()
        if number % CONFIG.target_sync == 0:  # theirs renews its target one batch later
            algorithm._update_lagged_network_weights()
        log = EpochLog()
        ours.update(chosen, log)
        stats = algorithm._update_with_batch(algorithm._preprocess_batch(buffer[indices], buffer, indices))
        assert log.metrics()["loss/value"] == pytest.approx(stats.loss, abs=1e-5, rel=1e-5)
    require_alike(policy, other)


class Actor(nn.Module):
    """The actor of a `VectorPolicy` as tianshou calls it; a target's gives the vector of an item, as ours does."""

    max_action = 1.0

    def __init__(self, policy: VectorPolicy, replay: Replay) -> None:
        super().__init__()
        self.tracker, self.trunk, self.head = policy.tracker, policy.trunk, policy.heads["actor"]
        self.replay, self.vectors, self.of_items = replay, policy.vectors, False

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        now = moments(self.replay, numbers)
        with torch.no_grad():
            states = self.tracker(now.users, now.window)
        vectors = nn.functional.normalize(self.head(self.trunk(states)).tanh())
        if self.of_items:
            vectors = self.vectors[(vectors @ self.vectors.T).argmax(dim=1)]
        return vectors, state


class Critic(nn.Module):
    """One critic of a `VectorPolicy` as tianshou calls it."""

    def __init__(self, policy: VectorPolicy, number: int, replay: Replay) -> None:
        super().__init__()
        self.tracker, self.critic, self.replay = policy.tracker, policy.critics[number], replay

    def forward(self, numbers: Any, vectors: Any) -> Tensor:
        now = moments(self.replay, numbers)
        states = self.tracker(now.users, now.window)
        values: Tensor = self.critic(torch.cat([states, torch.as_tensor(vectors)], dim=1))
        return values


@pytest.mark.parametrize("name", ["ddpg", "td3"])
def test_deterministic_gradients_agree(name: str) -> None:
    replay, policy = logged(), policy_of(name, N_ITEMS)
    assert isinstance(policy, VectorPolicy)
    own = DDPGConfig(actor_learning_rate=0.003, tau=0.1)
    policy.tracker.requires_grad_(False)  # tianshou's actor and each of its critics would move a shared tracker, too
    other = deepcopy(policy)
    box = gym.spaces.Box(low=-1, high=1, shape=(policy.vectors.shape[1],))
    actor = ContinuousDeterministicPolicy(
        actor=Actor(other, replay), action_space=box, action_scaling=False, action_bound_method=None
    )
    shared: dict[str, Any] = {
        "policy": actor,
        "policy_optim": AdamOptimizerFactory(lr=own.actor_learning_rate),
        "critic": Critic(other, 0, replay),
        "critic_optim": OPTIMISER,
        "tau": own.tau,
        "gamma": CONFIG.discount,
        "n_step_return_horizon": CONFIG.n_step,
    }
    ours: DeterministicUpdates
    if name == "ddpg":
        ours, algorithm = DeterministicUpdates(policy, CONFIG.learning_rate, own), DDPG(**shared)
    else:
        # What they add to a target's vector comes from torch's own generator, so none is added here.
        ours = TwinUpdates(policy, CONFIG.learning_rate, own, TD3Config(target_noise=0.0))
        second = {"critic2": Critic(other, 1, replay), "critic2_optim": OPTIMISER}
        algorithm = TD3(**shared, **second, policy_noise=0.0)
    algorithm.actor_old.module.of_items = True
    batches, buffer, generator = OfflineLearner(policy_of("dqn", N_ITEMS), replay, CONFIG, True), buffer_of(replay), draws(1)
    for _ in range(UPDATES):
        chosen = torch.randint(STEPS, (CONFIG.batch_size,), generator=generator)
        batch = algorithm._preprocess_batch(buffer[chosen.numpy()], buffer, chosen.numpy())
        batch.act = policy.vectors[replay.items[chosen]]
        stats = algorithm._update_with_batch(batch)
        log = EpochLog()
        ours.descend(batches.logged.batch(chosen), log, draws())
        found = log.metrics()
        critics = stats.critic_loss if name == "ddpg" else stats.critic1_loss + stats.critic2_loss
        assert found["loss/critic"] == pytest.approx(critics, abs=1e-5, rel=1e-5)
        if "loss/actor" in found:
            assert found["loss/actor"] == pytest.approx(stats.actor_loss, abs=1e-5, rel=1e-5)
    require_alike(policy, other)


class Acting(nn.Module):
    """An actor-critic's logits, or its values, as tianshou calls networks; what it observes is the number of a step."""

    def __init__(self, policy: ActorCritic, users: Tensor, window: Window, critic: bool) -> None:
        super().__init__()
        self.policy, self.users, self.window, self.critic = policy, users, window, critic

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        chosen = torch.as_tensor(numbers).flatten().long()
        logits, values = self.policy(self.users[chosen], self.window.rows(chosen))
        return values if self.critic else (logits, state)


@pytest.mark.parametrize(("name", "entropy_weight"), [("reinforce", 0.0), ("ppo", 0.0), ("ppo", 0.1)])
def test_policy_gradients_agree(name: str, entropy_weight: float) -> None:
    # Repeats are allowed, since tianshou's actors block nothing.
    base = agent(Setting(allow_repeats=True, a2c=A2CConfig(minibatch_size=10_000)))
    config = replace(base.config, learning_rate=0.01, tracker_learning_rate=0.01, entropy_weight=entropy_weight)
    other = deepcopy(base.policy)
    ours: A2C
    if name == "ppo":
        config = replace(config, max_gradient_norm=0.5, gae_lambda=0.95)
        ours = PPO(base.policy, base.simulator, 2, config, PPOConfig(passes=3))
    else:
        ours = Reinforce(base.policy, base.simulator, 2, config, "none")
    rollout = ours.sample(30, draws())
    steps = ours.transitions(rollout, rollout.episodes.rewards)
    actor = DiscreteActorPolicy(actor=Acting(other, steps.users, steps.window, False), action_space=gym.spaces.Discrete(20))
    batch = Batch(
        obs=np.arange(len(steps)),
        act=steps.actions,
        adv=steps.advantages,
        returns=steps.returns,
        v_s=steps.returns,
        info=Batch(),
    )
    log = EpochLog()
    if name == "ppo":
        critic = Acting(other, steps.users, steps.window, True)
        algorithm: Any = ppo.PPO(
            policy=actor,
            critic=critic,
            optim=OPTIMISER,
            eps_clip=0.2,
            vf_coef=config.value_weight,
            ent_coef=entropy_weight,
            max_grad_norm=0.5,
            advantage_normalization=False,
        )
        with torch.no_grad():
            batch.logp_old = actor(batch).dist.log_prob(steps.actions)
        stats = algorithm._update_with_batch(batch, None, 3)
        ours.learn(rollout, rollout.episodes.rewards, log, draws())
        found = log.metrics()
        assert found["loss/policy"] == pytest.approx(stats.actor_loss.mean, abs=1e-5, rel=1e-5)
        assert found["loss/value"] == pytest.approx(stats.vf_loss.mean, abs=1e-5, rel=1e-5)
    else:
        algorithm = TheirReinforce(policy=actor, optim=OPTIMISER)
        stats = algorithm._update_with_batch(batch, None, 1)
        ours.learn(rollout, rollout.episodes.rewards, log, draws())
        assert log.metrics()["loss/policy"] == pytest.approx(stats.loss.mean, abs=1e-5, rel=1e-5)
    require_alike(base.policy, other)
