"""Settings of the game: the leave rule, which ends an episode, and the slates that users choose from."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting

LeaveBy = Literal["category", "distance", "never", "learned"]
SlateLeave = Literal["chosen", "shown"]


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


@dataclass(frozen=True)
class SlateConfig(Section):
    """Slates: k items are shown at a step, and the user chooses one of them or none (docs/protocol.md, section 9)."""

    KEY: ClassVar[str] = "slate"

    size: Annotated[int, Setting("k, number of items that a step shows", at_least=1, at_most=100)] = 1
    scale: Annotated[
        float,
        Setting(
            "utility of the greatest reward that a user can give, where the smallest has 0; 0: users choose blindly",
            at_least=0,
            at_most=50,
        ),
    ] = 5.0
    nothing: Annotated[
        float | None,
        Setting(
            "a reward, as a share of the range of rewards: users choose an item that is worth it as often as nothing; "
            "null: they always choose an item",
            at_least=-10,
            at_most=10,
        ),
    ] = None
    leave: Annotated[SlateLeave, Setting("items of a slate that the leave rule reads")] = "chosen"

    @property
    def active(self) -> bool:
        """Whether the user has a choice, so that the game differs from that of single recommendations."""
        return self.size > 1 or self.nothing is not None
