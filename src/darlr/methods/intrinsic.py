"""The intrinsic-reward agent of EasyRL4Rec (Yu et al., SIGIR 2024): A2C with a reward for diverse and little-known items.

    r(u, i) = r'(u, i) + lambda_d diversity(i) + lambda_n novelty(i) - shift

`darlr.rewards.intrinsic` has the two terms; the loss is A2C's (`darlr.agents.actor_critic`).
"""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.on_policy import NO_REFERENCE
from darlr.methods.simulated import A2C_SPACE, Simulated
from darlr.rewards.kinds import INTRINSIC

INTRINSIC_METHOD = Simulated(
    name="intrinsic",
    summary="MBPO with a bonus for items unlike the episode's others and for items that few like",
    source="Yu et al., SIGIR 2024",
    page="intrinsic.md",
    fixed={"reward.kind": INTRINSIC.name, **NO_PENALTIES, **NO_REFERENCE},
    space={
        **A2C_SPACE,
        "reward.diversity_weight": {"low": 0.01, "high": 10, "log": True},
        "reward.novelty_weight": {"low": 0.01, "high": 10, "log": True},
    },
)
