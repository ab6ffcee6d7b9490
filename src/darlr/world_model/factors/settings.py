"""Settings of a factor world model."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting


@dataclass(frozen=True)
class FactorSettings(Section):
    """Settings of the variational factorisation. Open settings are chosen from the log alone, and the report names the
    reasons.
    """

    KEY: ClassVar[str] = "factors"

    size: Annotated[
        int | None,
        Setting(
            "number of factors beside the biases; null: chosen by the ranking of held-out rows",
            at_least=0,
            at_most=10_000,
        ),
    ] = None
    link: Annotated[
        Literal["auto", "identity", "log"],
        Setting("whether rewards or their logarithms are linear in the factors; auto: by the ranking of held-out rows"),
    ] = "auto"
    activity_exponent: Annotated[
        float | None,
        Setting(
            "rows of a user weigh (rows + 6) to minus this; null: 0 for ratings, by held-out likelihood for positives alone",
            at_least=0,
            at_most=10,
        ),
    ] = None
    sweeps: Annotated[int, Setting("largest number of updates of all users and all items", at_least=1, at_most=1_000_000)] = 100
    tolerance: Annotated[
        float,
        Setting("fitting stops when a sweep adds less than this to the objective, per logged row", at_least=0, at_most=1e6),
    ] = 1e-4
    held_out: Annotated[float, Setting("share of the log's rows in each held-out fold", above=0, below=1)] = 0.2


@dataclass(frozen=True)
class SelectionConfig(Section):
    """Settings of the law of selection: what the users' choice of items says of the items left out
    (docs/methods/factors.md).
    """

    KEY: ClassVar[str] = "selection"

    exponent: Annotated[
        float | None,
        Setting(
            "eta, how steeply an item's estimate falls with the share of users who left it out; null: from randomly shown "
            "ratings if there are any, else from the log",
            at_least=0,
            at_most=10,
        ),
    ] = None
