"""How a factor world model is fitted."""

from dataclasses import dataclass
from typing import Literal

from darlr.config.checks import require


@dataclass(frozen=True)
class FactorSettings:
    """Settings of the variational factorisation; what is left open is chosen from the log alone, and the report says how.

    Attributes:
        size: factors of a user and of an item beside their biases; None: chosen by the ranking of held-out rows.
        link: whether rewards or their logarithms are linear in the factors; auto: chosen likewise.
        activity_exponent: a user's rows weigh (rows of the user + 6) to the power of minus this; None: 0 where the log holds
            ratings, and chosen by the likelihood of held-out rows where it holds positives alone.
        selection_exponent: eta, how steeply an item's estimate falls with the share of users who did not choose it; None: from
            randomly shown ratings if there are any, else from the log.
        sweeps: updates of all users and all items at most.
        tolerance: fitting stops when a sweep adds less than this to the objective, per logged row.
        held_out: share of the log's rows in a fold that choices are made by.
    """

    size: int | None = None
    link: Literal["auto", "identity", "log"] = "auto"
    activity_exponent: float | None = None
    selection_exponent: float | None = None
    sweeps: int = 100
    tolerance: float = 1e-4
    held_out: float = 0.2

    def __post_init__(self) -> None:
        require(self.size is None or self.size >= 0, "factors.size", self.size, "0 or more, or none")
        require(self.link in {"auto", "identity", "log"}, "factors.link", self.link, "'auto', 'identity' or 'log'")
        for name in ("activity_exponent", "selection_exponent"):
            value = getattr(self, name)
            require(value is None or 0 <= value <= 10, f"factors.{name}", value, "0 to 10, or none")
        require(self.sweeps >= 1, "factors.sweeps", self.sweeps, "at least 1")
        require(self.tolerance >= 0, "factors.tolerance", self.tolerance, "0 or more")
        require(0 < self.held_out < 1, "factors.held_out", self.held_out, "between 0 and 1, both excluded")
