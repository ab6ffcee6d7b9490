"""GT: A2C on the true rewards, so what the training loop can reach at best (DARLR, Tables 2 and 3)."""

from darlr.methods.method import NO_PENALTIES
from darlr.methods.simulated import Simulated

GT = Simulated(
    name="gt",
    summary="A2C on the true rewards: what the training loop can reach at best",
    source="DARLR, Tables 2 and 3",
    page="gt.md",
    reward="truth",
    fixed=NO_PENALTIES,
)
