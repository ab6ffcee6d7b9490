"""When a user quits, as a data set or a run says it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting

LeaveBy = Literal["category", "distance", "never"]


@dataclass(frozen=True)
class LeaveConfig(Section):
    """When a user quits (docs/protocol.md, section 1); each data set brings its own default."""

    KEY: ClassVar[str] = "leave"

    by: Annotated[LeaveBy, Setting("what a new item is compared by with the recent ones")] = "category"
    window: Annotated[int, Setting("N: how many recent items are compared", at_least=1, at_most=10_000)] = 4
    tolerance: Annotated[
        float,
        Setting("M: shared categories forgiven, or the distance below which items count as alike", at_least=0, at_most=1e6),
    ] = 0.0
    max_steps: Annotated[int, Setting("longest episode", at_least=1, at_most=10_000)] = 30
