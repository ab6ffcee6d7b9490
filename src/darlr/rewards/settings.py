"""Settings of the simulator's rewards."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import Section, Setting

Weighting = Literal["mean", "sum", "divided", "normalised"]
NeighbourUncertainty = Literal["none", "model", "variance", "cosine_min", "cosine_mean", "cosine_max"]
NeighbourSearch = Literal["auto", "exact", "cells"]


@dataclass(frozen=True)
class RewardConfig(Section):
    """The reward and the weights of its terms (Eqs. 4 and 6)."""

    KEY: ClassVar[str] = "reward"

    kind: Annotated[str, Setting("the reward that is learned from; penalised: the estimate with the terms below")] = "penalised"
    uncertainty_weight: Annotated[
        float, Setting("lambda_U, weight of the world model's uncertainty", at_least=0, at_most=1e6)
    ] = 0.0
    entropy_weight: Annotated[float, Setting("lambda_E, weight of the entropy term", at_least=0, at_most=1e6)] = 0.0
    entropy_orders: Annotated[
        tuple[int, ...],
        Setting("k, numbers of recent items in the entropy term's patterns", at_least=1, distinct=True, at_most=100),
    ] = (1, 2)
    diversity_weight: Annotated[
        float, Setting("lambda_d of the kind 'intrinsic', for items unlike the episode's others", at_least=0, at_most=1e6)
    ] = 0.1
    novelty_weight: Annotated[
        float, Setting("lambda_n of the kind 'intrinsic', for items that few users like", at_least=0, at_most=1e6)
    ] = 0.1
    table_cells: Annotated[
        int,
        Setting(
            "most pairs of a user and an item whose estimates are kept in a table; in a larger world they are computed when "
            "asked for, if the method can do with that",
            at_least=0,
            at_most=1_000_000_000_000,
        ),
    ] = 300_000_000


@dataclass(frozen=True)
class NeighbourConfig(Section):
    """ROLeR's shaping of the estimates by each user's nearest users, the user itself included (docs/protocol.md, section 7)."""

    KEY: ClassVar[str] = "neighbours"

    users: Annotated[
        int, Setting("k, number of nearest users to average over; 0: no shaping", at_least=0, at_most=10_000_000)
    ] = 0
    weighting: Annotated[Weighting, Setting("weights of the neighbours' estimates")] = "normalised"
    uncertainty: Annotated[NeighbourUncertainty, Setting("the uncertainty P_U after the shaping")] = "none"
    centred: Annotated[bool, Setting("whether the item means are subtracted from rows before cosines are computed")] = False
    search: Annotated[
        NeighbourSearch,
        Setting(
            "how nearest users are found, DARLR's pools included; exact: by comparing all pairs; cells: among the users of "
            "near cells; auto: exact up to 50,000 users, then cells"
        ),
    ] = "auto"
    recall: Annotated[
        float,
        Setting("share of the true nearest users that a search in cells shall find; runs record the share", above=0, at_most=1),
    ] = 0.99


@dataclass(frozen=True)
class RefinementConfig(Section):
    """How DARLR's reward table and penalty are rewritten while the policy learns (Eqs. 15-17)."""

    KEY: ClassVar[str] = "refinement"

    reward: Annotated[Literal["dynamic", "static"], Setting("static: the table is never rewritten")] = "dynamic"
    penalty: Annotated[Literal["dynamic", "static"], Setting("static: P_U of the world model, or of ROLeR's shaping")] = (
        "dynamic"
    )
    source: Annotated[Literal["current", "initial"], Setting("the table that the reference users' estimates are read from")] = (
        "current"
    )
    write_back: Annotated[bool, Setting("whether refined estimates are written to the table")] = True
    keep_levels: Annotated[
        bool,
        Setting("whether to average the references' differences from their own means, and add the user's mean (darlr-plus)"),
    ] = False
    epsilon: Annotated[float, Setting("lower bound of Eq. 16's denominator", above=0, at_most=1e6)] = 0.01
