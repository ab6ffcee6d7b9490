"""UCB (Auer et al., 2002): the world model's best item, with a bonus for items that are rare in the log."""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.static import ONE_NETWORK, Static

UCB = Static(
    name="ucb",
    summary="the world model's best item, with a bonus for items of which the log tells little",
    source="Auer et al., 2002",
    page="ucb.md",
    fixed={"world_model.error": "squared", "static.epsilon": 0.0, **NO_PENALTIES},
    published={"": {**ONE_NETWORK, "static": {"bonus": 1.0}}},
    space={"static.bonus": {"low": 0, "high": 2}},
)
