"""MBPO (Janner et al., NeurIPS 2019): A2C on the world model's estimates, without penalties."""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.simulated import A2C_SPACE, Simulated

MBPO = Simulated(
    name="mbpo",
    summary="A2C on the world model's estimates",
    source="Janner et al., NeurIPS 2019",
    page="mbpo.md",
    fixed=NO_PENALTIES,
    space=A2C_SPACE,
)
