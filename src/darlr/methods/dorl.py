"""DORL (Gao et al., SIGIR 2023): MOPO, plus lambda_E times an entropy term for varied continuations (Eq. 6)."""

from darlr.methods.method import NO_SHAPING, penalties
from darlr.methods.simulated import PENALTIES_SPACE, Simulated

DORL = Simulated(
    name="dorl",
    summary="MOPO with a bonus for varied continuations",
    source="Gao et al., SIGIR 2023",
    page="dorl.md",
    fixed=NO_SHAPING,
    published={
        "": penalties(0.05, 5.0),
        "kuairand": penalties(0.01, 0.05),
        "coat": penalties(0.005, 1.0),
        "yahoo": penalties(0.01, 1.0),
    },
    space=PENALTIES_SPACE,
)
