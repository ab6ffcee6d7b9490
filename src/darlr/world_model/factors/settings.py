"""How a factor world model is fitted."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting


@dataclass(frozen=True)
class FactorSettings(Section):
    """The variational factorisation; what is left open is chosen from the log alone, and the report says how."""

    KEY: ClassVar[str] = "factors"

    size: Annotated[
        int | None,
        Setting(
            "factors of a user and of an item beside their biases; null: by the ranking of held-out rows",
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
    sweeps: Annotated[int, Setting("updates of all users and all items at most", at_least=1, at_most=1_000_000)] = 100
    tolerance: Annotated[
        float,
        Setting("fitting stops when a sweep adds less than this to the objective, per logged row", at_least=0, at_most=1e6),
    ] = 1e-4
    held_out: Annotated[float, Setting("share of the log's rows in a fold that choices are made by", above=0, below=1)] = 0.2


@dataclass(frozen=True)
class SelectionConfig(Section):
    """What users' own choice of items says of the items that they left out (docs/methods/factors.md)."""

    KEY: ClassVar[str] = "selection"

    exponent: Annotated[
        float | None,
        Setting(
            "eta, how steeply an estimate falls with the share of users who left the item out; null: from randomly shown "
            "ratings if there are any, else from the log",
            at_least=0,
            at_most=10,
        ),
    ] = None
