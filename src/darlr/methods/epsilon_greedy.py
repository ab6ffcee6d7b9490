"""Epsilon-greedy (Sutton and Barto, 2018): the world model's best item, and a random one now and then."""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.static import ONE_NETWORK, Static

EPSILON_GREEDY = Static(
    name="epsilon-greedy",
    summary="the world model's best item, and a random one now and then",
    source="Sutton and Barto, 2018",
    page="epsilon-greedy.md",
    fixed={"world_model.error": "squared", "static.bonus": 0.0, **NO_PENALTIES},
    published={"": {**ONE_NETWORK, "static": {"epsilon": 0.3}}},
    space={"static.epsilon": {"low": 0, "high": 0.5}},
)
