"""MOPO (Yu et al., NeurIPS 2020): MBPO, less lambda_U times the world model's uncertainty (Eq. 4)."""

from darlr.methods.method import NO_SHAPING, penalties
from darlr.methods.simulated import UNCERTAINTY_SPACE, Simulated

MOPO = Simulated(
    name="mopo",
    summary="MBPO with a penalty on the world model's uncertainty",
    source="Yu et al., NeurIPS 2020",
    page="mopo.md",
    fixed={"reward.entropy_weight": 0.0, **NO_SHAPING},
    published={"": penalties(0.05, 0.0), "kuairand": penalties(0.01, 0.0), "coat": penalties(0.2, 0.0)},
    space=UNCERTAINTY_SPACE,
)
