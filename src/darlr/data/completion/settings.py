"""Settings of `darlr complete`, which makes a truth before any run reads it; they are recorded beside what it makes."""

from dataclasses import dataclass, field

from darlr.config.checks import require
from darlr.config.schema import DataConfig


@dataclass(frozen=True)
class CompletionConfig:
    """How the ratings that users gave to randomly drawn items are completed to all users and items.

    Several factors or penalties are candidates: every combination is tried on held-out ratings, and the best is taken.
    """

    seed: int = 0  # of the initial factors and of what is held out
    factors: tuple[int, ...] = (20,)
    factor_penalties: tuple[float, ...] = (4.0, 5.0, 6.0, 8.0)  # times the squared factors, beside a sum of squared errors
    bias_penalties: tuple[float, ...] = (2.0, 4.0)  # times the squared biases
    sweeps: int = 40  # each solves for all users, then for all items
    folds: int = 10  # equal parts of the ratings
    folds_tested: int = 1  # how many of the parts are held out, one after the other
    minimum: float = 1.0  # smallest and largest reward: what is predicted beyond them is cut
    maximum: float = 5.0
    whole: bool = True  # round to whole numbers, halves to the even one

    def __post_init__(self) -> None:
        require(self.seed >= 0, "completion.seed", self.seed, "0 or more")
        require(_are_candidates(self.factors, 0), "completion.factors", self.factors, "distinct numbers, 0 or more")
        for name in ("factor_penalties", "bias_penalties"):
            values = getattr(self, name)
            usable = _are_candidates(values, 0) and min(values) > 0
            require(usable, f"completion.{name}", values, "distinct numbers above 0")
        require(self.sweeps >= 1, "completion.sweeps", self.sweeps, "at least 1")
        require(self.folds >= 2, "completion.folds", self.folds, "at least 2")
        require(1 <= self.folds_tested <= self.folds, "completion.folds_tested", self.folds_tested, f"1..{self.folds} (folds)")
        require(self.minimum < self.maximum, "completion.minimum", self.minimum, f"less than the maximum, {self.maximum:g}")
        bounds = f"{self.minimum:g}..{self.maximum:g}"
        whole_bounds = self.minimum == int(self.minimum) and self.maximum == int(self.maximum)
        require(not self.whole or whole_bounds, "completion.whole", self.whole, f"false for rewards in {bounds}")


def _are_candidates(values: tuple[float, ...], least: float) -> bool:
    return len(values) > 0 and len(set(values)) == len(values) and min(values) >= least


@dataclass(frozen=True)
class CompletingConfig:
    """All that `darlr complete` may be told: how the data set is read, and how it is completed."""

    data: DataConfig = field(default_factory=DataConfig)
    completion: CompletionConfig = field(default_factory=CompletionConfig)
