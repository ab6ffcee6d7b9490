"""Our offline agents beside tianshou's and d3rlpy's own: `python -m benchmarks.offline_beside` (needs `darlr[compare]`).

Both learn from batches of the same random episodes (300 items, 30 steps) on one thread, in turn, with networks of the same
sizes. The others are handed finished state vectors, so that they need no tracker, and mask nothing. A time is the least of
several rounds, in seconds of the process. There is no discrete IQL in either library.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import d3rlpy
import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm.imitation.discrete_bcq import DiscreteBCQ, DiscreteBCQPolicy
from tianshou.algorithm.imitation.discrete_cql import DiscreteCQL
from tianshou.algorithm.imitation.discrete_crr import DiscreteCRR
from tianshou.algorithm.imitation.imitation_base import ImitationPolicy, OfflineImitationLearning
from tianshou.algorithm.modelfree.qrdqn import QRDQNPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy, Reinforce
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Batch, ReplayBuffer
from torch import Tensor, nn

from benchmarks.offline import STEPS, learner_of
from darlr.agents.learning import EpochLog
from darlr.agents.offline.learner import OfflineLearner
from darlr.methods.decision_transformer import DecisionTransformer

N_ITEMS, HIDDEN, QUANTILES = 300, (64, 64), 20
ROUNDS = 5
Update = Callable[[Tensor], object]
"""One gradient step on the logged steps of these numbers."""


class Head(nn.Module):
    """A network of tianshou's shape: (outputs, state), or the outputs alone."""

    def __init__(self, trunk: nn.Module, outputs: int, shape: tuple[int, ...] = (), with_state: bool = True) -> None:
        super().__init__()
        self.trunk, self.shape, self.with_state = trunk, shape, with_state
        self.head = nn.LazyLinear(outputs)

    def forward(self, observed: Any, state: Any = None, info: Any = None) -> Any:
        output = self.head(self.trunk(torch.as_tensor(observed)))
        output = output.view(-1, *self.shape) if self.shape else output
        return (output, state) if self.with_state else output


def trunk(size: int, hidden: tuple[int, ...]) -> nn.Sequential:
    """ReLU layers of these sizes."""
    sizes = [size, *hidden]
    return nn.Sequential(*(part for a, b in zip(sizes, hidden, strict=False) for part in (nn.Linear(a, b), nn.ReLU())))


def states_of(learner: OfflineLearner) -> Tensor:
    """(m, d) the tracker's state before every logged step."""
    replay, tracker = learner.logged.replay, learner.policy.tracker
    every = torch.arange(len(replay))
    with torch.no_grad():
        states: Tensor = tracker(replay.users, replay.window(every, tracker.window))
    return states


def tianshous(agent: str, learner: OfflineLearner) -> Update:
    """tianshou's algorithm on the same log."""
    states, replay = states_of(learner).numpy(), learner.logged.replay
    last = replay.last.numpy()
    buffer = ReplayBuffer(len(replay))
    for step in range(len(replay)):
        row = {"obs": states[step], "act": int(replay.items[step]), "rew": float(replay.rewards[step]), "info": {}}
        after = states[min(step + 1, len(replay) - 1)]
        buffer.add(Batch(**row, terminated=bool(last[step]), truncated=False, obs_next=after))
    algorithm = _algorithm(agent, trunk(states.shape[1], () if agent == "sqn" else HIDDEN))
    if agent in ("weighted-likelihood", "topk-reinforce"):
        whole = algorithm._preprocess_batch(buffer[np.arange(len(replay))], buffer, np.arange(len(replay)))
        return lambda chosen: algorithm._update_with_batch(whole[chosen.numpy()], None, 1)

    def update(chosen: Tensor) -> None:
        indices = chosen.numpy()
        algorithm._update_with_batch(algorithm._preprocess_batch(buffer[indices], buffer, indices))

    return update


def _algorithm(agent: str, shared: nn.Sequential) -> Any:
    optimiser, actions = AdamOptimizerFactory(lr=1e-3), gym.spaces.Discrete(N_ITEMS)
    size = next((part.in_features for part in shared if isinstance(part, nn.Linear)), 0)
    heads = [Head(shared, N_ITEMS * (QUANTILES if agent == "cql" else 1)), Head(shared, N_ITEMS)]
    if agent == "cql":
        heads[0].shape = (N_ITEMS, QUANTILES)
    if agent == "crr":
        heads[1].with_state = False
    for head in heads:  # lazy layers find their sizes
        head(torch.zeros(2, size or 81))
    first, second = heads
    followed: dict[str, Any] = {"gamma": 0.9, "target_update_freq": 320}
    if agent == "bc":
        return OfflineImitationLearning(policy=ImitationPolicy(actor=first, action_space=actions), optim=optimiser)
    if agent in ("weighted-likelihood", "topk-reinforce"):
        return Reinforce(policy=DiscreteActorPolicy(actor=first, action_space=actions), gamma=0.9, optim=optimiser)
    if agent in ("sqn", "bcq"):
        policy = DiscreteBCQPolicy(
            model=first, imitator=second, unlikely_action_threshold=0.6 if agent == "bcq" else 0.0, action_space=actions
        )
        return DiscreteBCQ(policy=policy, optim=optimiser, n_step_return_horizon=3, **followed)
    if agent == "cql":
        quantiles = QRDQNPolicy(model=first, action_space=actions)
        return DiscreteCQL(policy=quantiles, optim=optimiser, num_quantiles=QUANTILES, n_step_return_horizon=3, **followed)
    actor = DiscreteActorPolicy(actor=first, action_space=actions)
    return DiscreteCRR(policy=actor, critic=second, optim=optimiser, **followed)


def d3rlpys(agent: str, learner: OfflineLearner) -> Update:
    """d3rlpy's algorithm on the same log."""
    states, replay = states_of(learner).numpy(), learner.logged.replay
    dataset = d3rlpy.dataset.MDPDataset(
        states,
        replay.items.numpy()[:, None],
        replay.rewards.numpy()[:, None],
        replay.last.float().numpy(),
        action_space=d3rlpy.ActionSpace.DISCRETE,
        action_size=N_ITEMS,
    )
    encoder = d3rlpy.models.VectorEncoderFactory(list(HIDDEN))
    if agent == "bc":
        cloning = d3rlpy.algos.DiscreteBCConfig(encoder_factory=encoder).create()
        cloning.build_with_dataset(dataset)
        return lambda chosen: cloning.update(dataset.sample_transition_batch(len(chosen)))
    own = learner.policy
    assert isinstance(own, DecisionTransformer)
    width, layers = own.embed_item.embedding_dim, len(own.transformer.layers)
    settings: dict[str, Any] = {"context_size": own.sequence, "num_layers": layers, "num_heads": 1, "max_timestep": STEPS + 1}
    sequences = d3rlpy.algos.DiscreteDecisionTransformerConfig(
        encoder_factory=d3rlpy.models.VectorEncoderFactory([width]), **settings
    ).create()
    sequences.build_with_dataset(dataset)
    return lambda chosen: sequences.update(dataset.sample_trajectory_batch(len(chosen), own.sequence))


BESIDE = {
    "tianshou": (tianshous, ("sqn", "bcq", "cql", "crr", "bc", "weighted-likelihood", "topk-reinforce")),
    "d3rlpy": (d3rlpys, ("bc", "decision-transformer")),
}


def seconds(update: Update, learner: OfflineLearner, drawn: int, updates: int) -> float:
    """CPU seconds of so many updates."""
    generator = torch.Generator().manual_seed(2)
    batches = [torch.randint(len(learner.logged.replay), (drawn,), generator=generator) for _ in range(updates)]
    started = time.process_time()
    for chosen in batches:
        update(chosen)
    return time.process_time() - started


def compared(agent: str, make: Callable[[str, OfflineLearner], Update], batch: int, updates: int) -> tuple[float, float]:
    """Milliseconds an update, ours and theirs, measured in turn."""
    learner, log = learner_of(agent, N_ITEMS, batch), EpochLog()
    theirs, drawn = make(agent, learner), batch // learner.policy.sequence
    both: tuple[Update, Update] = (lambda chosen: learner.update(chosen, log), theirs)
    for each in both:
        seconds(each, learner, drawn, 5)
    times = [[seconds(each, learner, drawn, updates) for each in both] for _ in range(ROUNDS)]
    ours, others = (min(column) / updates * 1e3 for column in zip(*times, strict=True))
    return ours, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256, help="logged steps of an update")
    parser.add_argument("--updates", type=int, default=40, help="updates of a round")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'agent':22} {'beside':10} {'ours, ms':>9} {'theirs, ms':>11} {'theirs / ours':>14}")
    for library, (make, agents) in BESIDE.items():
        for agent in agents:
            ours, theirs = compared(agent, make, options.batch, options.updates)
            print(f"{agent:22} {library:10} {ours:9.2f} {theirs:11.2f} {theirs / ours:14.2f}", flush=True)


if __name__ == "__main__":
    main()
