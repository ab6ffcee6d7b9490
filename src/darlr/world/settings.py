"""Settings of the leave rule, which ends an episode; a data set or a run gives them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting

LeaveBy = Literal["category", "distance", "never", "learned"]


@dataclass(frozen=True)
class LeaveConfig(Section):
    """The leave rule: when a user quits (docs/protocol.md, section 1). Each data set has its own default."""

    KEY: ClassVar[str] = "leave"

    by: Annotated[
        LeaveBy,
        Setting("how a new item is compared with the recent ones; learned: users leave by a hazard learned from the log"),
    ] = "category"
    window: Annotated[
        int, Setting("N: number of recent items that a new item is compared with", at_least=1, at_most=10_000)
    ] = 4
    tolerance: Annotated[
        float,
        Setting(
            "M: number of shared categories that a user tolerates, or the distance below which two items count as alike",
            at_least=0,
            at_most=1e6,
        ),
    ] = 0.0
    max_steps: Annotated[int, Setting("longest episode", at_least=1, at_most=10_000)] = 30
    session_gap: Annotated[
        float, Setting("minutes without a row after which a session of the log is over", above=0, at_most=1e6)
    ] = 30.0
