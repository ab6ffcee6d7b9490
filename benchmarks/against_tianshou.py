"""Gradient steps of the methods that learn in the simulator beside tianshou's own: `python -m benchmarks.against_tianshou`.

It needs `pip install darlr[compare]`. Both learn the same networks, state tracker included, from the same 12,000 steps of a
world of 300 items (Coat's size). The value-based methods and the deterministic gradients take a batch of 256 an update, drawn
from their own replay; PPO and REINFORCE a collection of 3,000 steps in minibatches of 1,024. Times are those of the process
(CPU), on one thread. Both take turns in one run, so that other work of the machine hardly changes the ratio.
"""

import argparse
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm.modelfree import c51, dqn, ppo
from tianshou.algorithm.modelfree.ddpg import DDPG, ContinuousDeterministicPolicy
from tianshou.algorithm.modelfree.qrdqn import QRDQN, QRDQNPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.modelfree.reinforce import Reinforce as TheirReinforce
from tianshou.algorithm.modelfree.td3 import TD3
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch, ReplayBuffer
from torch import Tensor, nn

from darlr.agents.a2c import A2C
from darlr.agents.learning import EpochLog
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.offline.policy import Moments
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.policy import ActorCritic
from darlr.agents.replaying.learner import ReplayLearner
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.agents.settings import A2CConfig, PolicyConfig, ReplayConfig, TrackerConfig
from darlr.methods.c51 import C51
from darlr.methods.ddpg import DDPGConfig, DeterministicUpdates
from darlr.methods.dqn import DQN
from darlr.methods.experiment import default_config
from darlr.methods.ppo import PPO, PPOConfig
from darlr.methods.qr_dqn import QRDQNConfig
from darlr.methods.registry import METHODS
from darlr.methods.reinforce import Reinforce
from darlr.methods.replaying import Replaying
from darlr.methods.td3 import TD3Config, TwinUpdates
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from darlr.simulator.simulator import Simulator, Visits

ITEMS, USERS, VECTOR, STEPS, EPISODES = 300, 290, 80, 30, 400
BATCH, RATE, HIDDEN = 256, 1e-3, (64, 64)
ACTIONS = gym.spaces.Discrete(ITEMS)
OPTIMISER = AdamOptimizerFactory(lr=RATE)
VALUES = ("dqn", "double-dqn", "dueling-dqn", "c51", "qr-dqn")
VECTORS = ("ddpg", "td3")
GRADIENTS = ("reinforce", "ppo")


class Steps:
    """Played steps, and what was known before each by its number."""

    def __init__(self, visits: Visits, rewards: Tensor, lengths: Tensor) -> None:
        self.visits, self.rewards = visits, rewards
        self.last = visits.step + 1 == lengths[visits.row]

    def moments(self, numbers: Any) -> Moments:
        chosen = torch.as_tensor(numbers).flatten().long().clamp(max=len(self.visits.items) - 1)
        return Moments(self.visits.users[chosen], self.visits.window.rows(chosen), None)

    def buffer(self) -> ReplayBuffer:
        """The same in tianshou's own replay."""
        count = len(self.visits.items)
        buffer = ReplayBuffer(count)
        for step in range(count):
            ended = bool(self.last[step])
            reward, item = float(self.rewards[step]), int(self.visits.items[step])
            following = np.array([step + 1])
            buffer.add(
                Batch(
                    obs=np.array([step]), act=item, rew=reward, terminated=ended, truncated=False, obs_next=following, info={}
                )
            )
        return buffer


class Outputs(nn.Module):
    """All outputs of a value-based policy as tianshou calls networks."""

    def __init__(self, policy: ExploringPolicy, steps: Steps) -> None:
        super().__init__()
        self.policy, self.steps = policy, steps

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        hidden = self.policy.hidden(self.steps.moments(numbers))
        if isinstance(self.policy, DQN):
            return self.policy.values(hidden), state
        [head] = self.policy.heads.values()
        outputs = head(hidden).view(len(hidden), ITEMS, -1)
        return (outputs.softmax(dim=2) if isinstance(self.policy, C51) else outputs), state


class Actor(nn.Module):
    """A policy's vectors as tianshou calls actors."""

    max_action = 1.0

    def __init__(self, policy: VectorPolicy, steps: Steps) -> None:
        super().__init__()
        self.policy, self.steps = policy, steps

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        return self.policy.acted(self.policy.states(self.steps.moments(numbers))), state


class Critic(nn.Module):
    """One of a policy's critics as tianshou calls it."""

    def __init__(self, policy: VectorPolicy, number: int, steps: Steps) -> None:
        super().__init__()
        self.tracker, self.critic, self.steps = policy.tracker, policy.critics[number], steps

    def forward(self, numbers: Any, vectors: Any) -> Tensor:
        now = self.steps.moments(numbers)
        values: Tensor = self.critic(torch.cat([self.tracker(now.users, now.window), torch.as_tensor(vectors)], dim=1))
        return values


class Acting(nn.Module):
    """An actor-critic's logits, or its values, as tianshou calls networks."""

    def __init__(self, policy: ActorCritic, steps: Steps, critic: bool) -> None:
        super().__init__()
        self.policy, self.steps, self.critic = policy, steps, critic

    def forward(self, numbers: Any, state: Any = None, info: Any = None) -> Any:
        now = self.steps.moments(numbers)
        logits, values = self.policy(now.users, now.window)
        return values if self.critic else (logits, state)


def simulator(generator: torch.Generator) -> Simulator:
    """Repeats are allowed, since tianshou's policies block nothing while they learn."""
    table = torch.rand(USERS, ITEMS, generator=generator)
    return Simulator(TableReward(table, 0.0, 1.0), Never(), ITEMS, STEPS, 3, allow_repeats=True)


def replaying(name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """One update of ours, and one of theirs."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(ITEMS, VECTOR, generator=generator) * 0.1
    tracker = state_tracker(TrackerConfig(), vectors, torch.zeros(USERS, 0), generator)
    method = METHODS[name]
    assert isinstance(method, Replaying)
    policy = method.build(replace(default_config(), policy=PolicyConfig(hidden_sizes=HIDDEN)), tracker, ITEMS, generator)
    other, config = deepcopy(policy), ReplayConfig(batch_size=BATCH, learning_rate=RATE)
    learner = ReplayLearner(policy, TargetedUpdates(policy, RATE, config.target_sync), simulator(generator), USERS, config)
    rollout = learner.sample(EPISODES, generator)
    learner.replay.add(rollout.episodes)
    updates: Any = TargetedUpdates(policy, RATE, config.target_sync)
    if isinstance(policy, VectorPolicy):
        own = DDPGConfig()
        updates = TwinUpdates(policy, RATE, own, TD3Config()) if name == "td3" else DeterministicUpdates(policy, RATE, own)
    visits = rollout.visits
    steps = Steps(visits, rollout.episodes.rewards[visits.row, visits.step], rollout.episodes.lengths)
    buffer, algorithm, log = steps.buffer(), their_replaying(name, other, steps), EpochLog()

    def ours() -> None:
        rows, places = learner.replay.draw(BATCH, generator)
        batch = learner.replay.batch(rows, places, config.n_step, config.discount, tracker.window)
        updates.descend(batch, log, generator)

    def theirs() -> None:
        batch, indices = buffer.sample(BATCH)
        prepared = algorithm._preprocess_batch(batch, buffer, indices)
        if isinstance(other, VectorPolicy):
            prepared.act = other.vectors[torch.as_tensor(batch.act)]
        algorithm._update_with_batch(prepared)

    return ours, theirs


def their_replaying(name: str, policy: ExploringPolicy, steps: Steps) -> Any:
    """tianshou's algorithm on the networks of `policy`."""
    if isinstance(policy, VectorPolicy):
        box = gym.spaces.Box(low=-1, high=1, shape=(VECTOR,))
        actor = ContinuousDeterministicPolicy(
            actor=Actor(policy, steps), action_space=box, action_scaling=False, action_bound_method=None
        )
        rates = {"policy_optim": AdamOptimizerFactory(lr=1e-4), "critic_optim": OPTIMISER, "gamma": 0.9}
        if name == "ddpg":
            return DDPG(policy=actor, critic=Critic(policy, 0, steps), **rates)
        second = {"critic2": Critic(policy, 1, steps), "critic2_optim": OPTIMISER}
        return TD3(policy=actor, critic=Critic(policy, 0, steps), **second, **rates)
    model = Outputs(policy, steps)
    shared: dict[str, Any] = {"optim": OPTIMISER, "gamma": 0.9, "target_update_freq": 320}
    if isinstance(policy, C51):
        atoms = len(policy.atoms)
        return c51.C51(policy=c51.C51Policy(model=model, action_space=ACTIONS, num_atoms=atoms, v_min=0, v_max=10), **shared)
    if name == "qr-dqn":
        quantiles = QRDQNConfig().quantiles
        return QRDQN(policy=QRDQNPolicy(model=model, action_space=ACTIONS), num_quantiles=quantiles, **shared)
    values = dqn.DiscreteQLearningPolicy(model=model, action_space=ACTIONS)
    return dqn.DQN(policy=values, is_double=name != "dqn", huber_loss_delta=1.0, **shared)


def on_policy(name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Learning from one collection, ours and theirs: advantages and all passes."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(ITEMS, VECTOR, generator=generator) * 0.1
    tracker = state_tracker(TrackerConfig(), vectors, torch.zeros(USERS, 0), generator)
    policy = ActorCritic(PolicyConfig(hidden_sizes=HIDDEN), tracker, torch.zeros(ITEMS, 0), None, generator)
    other, world, config = deepcopy(policy), simulator(generator), A2CConfig(learning_rate=RATE, tracker_learning_rate=RATE)
    learner: A2C
    if name == "ppo":
        learner = PPO(policy, world, USERS, replace(config, normalise_advantages=True, max_gradient_norm=0.5), PPOConfig())
    else:
        learner = Reinforce(policy, world, USERS, config, "none")
    rollout = learner.sample(100, generator)
    rewards, visits, log = rollout.episodes.rewards, rollout.visits, EpochLog()
    steps = Steps(visits, rewards[visits.row, visits.step], rollout.episodes.lengths)
    buffer, actor = steps.buffer(), DiscreteActorPolicy(actor=Acting(other, steps, False), action_space=ACTIONS)
    algorithm: Any = TheirReinforce(policy=actor, gamma=0.9, optim=OPTIMISER)
    if name == "ppo":
        critic = Acting(other, steps, True)
        algorithm = ppo.PPO(policy=actor, critic=critic, optim=OPTIMISER, gamma=0.9, gae_lambda=1.0, max_grad_norm=0.5)

    def ours() -> None:
        learner.learn(rollout, rewards, log, generator)

    def theirs() -> None:
        batch, indices = buffer.sample(0)  # all of it
        algorithm._update_with_batch(algorithm._preprocess_batch(batch, buffer, indices), 1024, 4 if name == "ppo" else 1)

    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = (*GRADIENTS, *VALUES, *VECTORS)
    parser.add_argument("methods", nargs="*", default=list(names), help=f"some of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=10, help="how often both take turns")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'method':12} {'ours, ms':>9} {'theirs, ms':>11} {'ratio':>6}")
    for name in options.methods:
        pair = on_policy(name) if name in GRADIENTS else replaying(name)
        repeats = 1 if name in GRADIENTS else 10
        spent = [0.0, 0.0]
        for number in range(options.rounds + 1):
            for place, step in enumerate(pair):
                started = time.process_time()
                for _ in range(repeats):
                    step()
                spent[place] += (time.process_time() - started) * (number > 0)  # the first round warms up
        ours, theirs = (1000 * seconds / (options.rounds * repeats) for seconds in spent)
        print(f"{name:12} {ours:9.2f} {theirs:11.2f} {theirs / ours:6.2f}", flush=True)


if __name__ == "__main__":
    main()
