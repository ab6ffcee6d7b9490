"""bayes-adaptive: estimates that learn from the user (docs/methods/bayes-adaptive.md).

`darlr.agents.believing` holds the agent and its beliefs.
"""

from darlr.methods.believing import Believing
from darlr.methods.method import NO_PENALTIES, Settings
from darlr.rewards.kinds import OBSERVED

SCHEDULE: Settings = {
    "a2c": {"learning_rate": 0.03, "discount": 1.0, "gae_lambda": 0.95, "normalise_advantages": True},
    "training": {"epochs": 3, "steps_per_epoch": 60_000, "environments": 200},
}

BAYES_ADAPTIVE = Believing(
    name="bayes-adaptive",
    summary="a belief about the user that every answer refines, and a policy of two parameters on it",
    source="ours",
    page="bayes-adaptive.md",
    fixed={"world_model.kind": "factors", "reward.kind": OBSERVED.name, **NO_PENALTIES},
    published={"": SCHEDULE},
    space={
        "belief.actor_learning_rate": {"low": 0.01, "high": 0.3, "log": True},
        "a2c.learning_rate": {"low": 0.003, "high": 0.1, "log": True},
        "a2c.discount": [0.9, 0.99, 1],
    },
)
