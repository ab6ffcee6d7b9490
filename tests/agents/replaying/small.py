"""Small policies and simulators that the tests of the replaying agents share."""

from collections.abc import Callable

import torch
from torch import Tensor

from darlr.agents.offline.policy import Moments
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.replaying.learner import ReplayLearner, Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.replaying.vectors import VectorPolicy
from darlr.agents.settings import ReplayConfig
from darlr.methods.c51 import C51
from darlr.methods.ddpg import DDPGConfig, DeterministicUpdates
from darlr.methods.double_dqn import DoubleDQN
from darlr.methods.dqn import DQN
from darlr.methods.dueling_dqn import DuelingDQN
from darlr.methods.qr_dqn import QRDQN
from darlr.methods.td3 import TD3Config, TwinUpdates
from darlr.rewards.table import TableReward
from darlr.simulator.leave import LeaveRule, Never, leave_rule
from darlr.simulator.simulator import Simulator
from darlr.world.settings import LeaveConfig
from tests.agents.offline.policies import HIDDEN, tracker_of
from tests.worlds import draws, membership_of

N_ITEMS, STEPS, USERS = 12, 5, 4
QUICK = ReplayConfig(learning_rate=0.01, batch_size=64, steps_per_update=5, target_sync=30, episodes=400, annealing_steps=1000)
NOTHING = float("-inf")


def _c51(n_items: int, g: torch.Generator) -> C51:
    policy = C51(HIDDEN, tracker_of(n_items, g), n_items, 11, g)
    policy.support.copy_(torch.tensor([0.0, 5.0]))
    return policy


POLICIES: dict[str, Callable[[int, torch.Generator], ExploringPolicy]] = {
    "dqn": lambda n, g: DQN(HIDDEN, tracker_of(n, g), n, g),
    "double-dqn": lambda n, g: DoubleDQN(HIDDEN, tracker_of(n, g), n, g),
    "dueling-dqn": lambda n, g: DuelingDQN(HIDDEN, tracker_of(n, g), n, g),
    "c51": _c51,
    "qr-dqn": lambda n, g: QRDQN(HIDDEN, tracker_of(n, g), n, 5, g),
    "ddpg": lambda n, g: VectorPolicy(HIDDEN, tracker_of(n, g), n, 1, 0.1, g),
    "td3": lambda n, g: VectorPolicy(HIDDEN, tracker_of(n, g), n, 2, 0.1, g),
}


def policy_of(name: str, n_items: int = N_ITEMS, seed: int = 0) -> ExploringPolicy:
    return POLICIES[name](n_items, draws(seed))


def updates_of(policy: ExploringPolicy, config: ReplayConfig = QUICK) -> Updates:
    if not isinstance(policy, VectorPolicy):
        return TargetedUpdates(policy, config.learning_rate, config.target_sync)
    own = DDPGConfig(actor_learning_rate=0.003)
    if len(policy.critics) == 1:
        return DeterministicUpdates(policy, config.learning_rate, own)
    return TwinUpdates(policy, config.learning_rate, own, TD3Config())


def simulator(allow_repeats: bool = False, leave: LeaveRule | None = None, table: Tensor | None = None) -> Simulator:
    """Users who like the items with an even number; nobody leaves, if no rule says otherwise."""
    liked = (torch.arange(N_ITEMS) % 2 == 0).float().repeat(USERS, 1) if table is None else table
    return Simulator(TableReward(liked, 0.0, 1.0), leave or Never(), N_ITEMS, STEPS, 3, allow_repeats)


def leaving() -> LeaveRule:
    """Users leave when one of four categories comes again within two steps."""
    return leave_rule(
        LeaveConfig(by="category", window=2), membership_of([[item % 4] for item in range(N_ITEMS)]), torch.zeros(1)
    )


def learner(name: str, config: ReplayConfig = QUICK, played_in: Simulator | None = None) -> ReplayLearner:
    policy = policy_of(name)
    return ReplayLearner(policy, updates_of(policy, config), played_in or simulator(), USERS, config)


def excluded(moments: Moments) -> Tensor:
    """(B, n_items) bool: what may not be recommended."""
    assert moments.blocking is not None
    return moments.blocking == NOTHING
