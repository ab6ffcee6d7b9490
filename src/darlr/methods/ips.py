"""IPS (Swaminathan and Joachims, 2015): MBPO on a world model that weighs logged rows by inverse propensity."""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.simulated import A2C_SPACE, Simulated

IPS = Simulated(
    name="ips",
    summary="MBPO on a world model that weighs logged rows by inverse propensity",
    source="Swaminathan and Joachims, 2015",
    page="ips.md",
    fixed={
        "world_model.kind": "deepfm",
        "world_model.weighting": "inverse_count",
        "world_model.error": "squared",
        **NO_PENALTIES,
    },
    published={"": {"world_model": {"members": 1}}},
    space=A2C_SPACE,
)
