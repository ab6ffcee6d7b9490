"""Small offline policies that tests share."""

from collections.abc import Callable

import torch

from darlr.agents.networks.trackers import StateTracker, state_tracker
from darlr.agents.offline.policy import OfflinePolicy
from darlr.agents.settings import PolicyConfig, TrackerConfig
from darlr.methods.bc import BC
from darlr.methods.bcq import BCQ
from darlr.methods.cql import CQL
from darlr.methods.crr import CRR, CRRConfig
from darlr.methods.decision_transformer import DecisionTransformer, DecisionTransformerConfig
from darlr.methods.iql import IQL, IQLConfig
from darlr.methods.sqn import SQN
from darlr.methods.topk_reinforce import TopKConfig, TopKReinforce
from darlr.methods.weighted_likelihood import WeightedLikelihood, WeightedLikelihoodConfig
from tests.worlds import draws

HIDDEN = PolicyConfig(hidden_sizes=(8,))


def tracker_of(n_items: int, generator: torch.Generator, size: int = 4) -> StateTracker:
    return state_tracker(TrackerConfig(window=2), torch.randn(n_items, size, generator=generator), torch.zeros(1, 0), generator)


def _sqn(n_items: int, g: torch.Generator) -> SQN:
    return SQN(HIDDEN, tracker_of(n_items, g), n_items, 0.01, g)


def _bcq(n_items: int, g: torch.Generator) -> BCQ:
    return BCQ(HIDDEN, tracker_of(n_items, g), n_items, 0.01, 0.6, g)


def _cql(n_items: int, g: torch.Generator) -> CQL:
    return CQL(HIDDEN, tracker_of(n_items, g), n_items, 5, 0.1, g)


def _plain_cql(n_items: int, g: torch.Generator) -> CQL:
    return CQL(HIDDEN, tracker_of(n_items, g), n_items, 1, 0.1, g)


def _crr(n_items: int, g: torch.Generator) -> CRR:
    return CRR(HIDDEN, tracker_of(n_items, g), n_items, CRRConfig(min_q_weight=0.1), g)


def _bc(n_items: int, g: torch.Generator) -> BC:
    return BC(HIDDEN, tracker_of(n_items, g), n_items, 0.01, g)


def _weighted(n_items: int, g: torch.Generator) -> WeightedLikelihood:
    return WeightedLikelihood(HIDDEN, tracker_of(n_items, g), n_items, WeightedLikelihoodConfig(), g)


def _iql(n_items: int, g: torch.Generator) -> IQL:
    return IQL(HIDDEN, tracker_of(n_items, g), n_items, IQLConfig(), g)


def _topk(n_items: int, g: torch.Generator) -> TopKReinforce:
    return TopKReinforce(HIDDEN, tracker_of(n_items, g), n_items, TopKConfig(items=2), g)


def _decision_transformer(n_items: int, g: torch.Generator) -> DecisionTransformer:
    settings = DecisionTransformerConfig(context=4, width=16, layers=1, asked=1.0)
    return DecisionTransformer(PolicyConfig(hidden_sizes=()), tracker_of(n_items, g), n_items, settings, 30, g)


POLICIES: dict[str, Callable[[int, torch.Generator], OfflinePolicy]] = {
    "sqn": _sqn,
    "bcq": _bcq,
    "cql": _cql,
    "cql-plain": _plain_cql,
    "crr": _crr,
    "bc": _bc,
    "weighted-likelihood": _weighted,
    "iql": _iql,
    "topk-reinforce": _topk,
    "decision-transformer": _decision_transformer,
}


def policy_of(name: str, n_items: int, seed: int = 0) -> OfflinePolicy:
    return POLICIES[name](n_items, draws(seed))
