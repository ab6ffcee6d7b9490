"""Settings of `darlr complete`, which makes a truth before any run reads it; they are recorded with the truth."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from darlr.config.constraints import LARGEST, Section, Setting, require
from darlr.data.settings import DataConfig


@dataclass(frozen=True)
class CompletionConfig(Section):
    """How ratings of randomly drawn items are completed to all users and items.

    Several factors or penalties are candidates: every combination is tried on held-out ratings, and the best is used.
    """

    KEY: ClassVar[str] = "completion"

    seed: Annotated[int, Setting("seed of the initial factors and of the folds", at_least=0, at_most=LARGEST)] = 0
    factors: Annotated[
        tuple[int, ...], Setting("numbers of factors to try", at_least=0, at_most=10_000, filled=True, distinct=True)
    ] = (20,)
    factor_penalties: Annotated[
        tuple[float, ...],
        Setting(
            "weights of the squared factors to try, next to a sum of squared errors",
            above=0,
            at_most=1e12,
            filled=True,
            distinct=True,
        ),
    ] = (4.0, 5.0, 6.0, 8.0)
    bias_penalties: Annotated[
        tuple[float, ...], Setting("weights of the squared biases to try", above=0, at_most=1e12, filled=True, distinct=True)
    ] = (2.0, 4.0)
    sweeps: Annotated[
        int, Setting("number of sweeps, each of which solves for all users, then for all items", at_least=1, at_most=100_000)
    ] = 40
    folds: Annotated[int, Setting("number of equal parts of the ratings", at_least=2, at_most=10_000)] = 10
    folds_tested: Annotated[
        int, Setting("number of the parts that are held out, one after the other", at_least=1, at_most=10_000)
    ] = 1
    minimum: Annotated[
        float, Setting("smallest reward; lower predictions are raised to it", at_least=-10_000, at_most=10_000)
    ] = 1.0
    maximum: Annotated[
        float, Setting("largest reward; higher predictions are lowered to it", at_least=-10_000, at_most=10_000)
    ] = 5.0
    whole: Annotated[bool, Setting("whether to whether to round to whole numbers, halves to the even one")] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        tested = self.folds_tested
        require(tested <= self.folds, "completion.folds_tested", tested, f"1..{self.folds} (folds)")
        require(self.minimum < self.maximum, "completion.minimum", self.minimum, f"less than the maximum, {self.maximum:g}")
        bounds = f"{self.minimum:g}..{self.maximum:g}"
        whole_bounds = self.minimum == int(self.minimum) and self.maximum == int(self.maximum)
        require(not self.whole or whole_bounds, "completion.whole", self.whole, f"false for rewards in {bounds}")


@dataclass(frozen=True)
class CompletingConfig:
    """The settings of `darlr complete`: how the data set is read, and how it is completed."""

    data: DataConfig = field(default_factory=DataConfig)
    completion: CompletionConfig = field(default_factory=CompletionConfig)
