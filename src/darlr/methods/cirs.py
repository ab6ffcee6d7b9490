"""CIRS, the counterfactual interactive recommender (Gao et al., TOIS 42, 2023): PPO on a causal user model.

    e*_t(u, i) = gamma alpha_u beta_i sum over the episode's earlier items j of exp(-(t - t_j) dist(i, j) / tau*)
    r          = (interest(u, i) - least interest) / (1 + e*_t(u, i))

The user model (`darlr.world_model.causal`) separates interest from the effect of similar items that users had been shown. The
policy's reward counts its own episode as the items that users had been shown (`darlr.rewards.overexposed`). The loss is PPO's
(`darlr.methods.ppo`).
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.agents.settings import A2CConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import RunError
from darlr.methods.method import NO_PENALTIES
from darlr.methods.on_policy import NO_REFERENCE
from darlr.methods.ppo import PPO_SETTINGS, PPO_SPACE, PPOConfig, Proximal, ppo_agent
from darlr.methods.ways import Ways
from darlr.methods.world import LearningWorld
from darlr.rewards.intrinsic import similarity_of
from darlr.rewards.overexposed import OverexposedReward
from darlr.world_model.causal import CausalModel
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class CIRSConfig(Section):
    """What CIRS plans with, beside its causal user model."""

    KEY: ClassVar[str] = "cirs"

    tau: Annotated[float, Setting("tau* of the planned exposure, in steps", above=0, at_most=1e12)] = 100.0
    exposure_weight: Annotated[float, Setting("gamma, of the planned exposure", at_least=0, at_most=1e6)] = 10.0


@dataclass(frozen=True, kw_only=True)
class _CIRS(Proximal):
    reads: tuple[type[Section], ...] = (A2CConfig, PPOConfig, CIRSConfig)

    def learning_world(
        self,
        config: ExperimentConfig,
        ways: Ways,
        dataset: Dataset,
        truth: NDArray[np.float32] | None,
        model: WorldModel,
        device: torch.device,
    ) -> LearningWorld:
        if not isinstance(model, CausalModel):
            raise RunError(f"the world model is a {type(model).__name__}; expected one of the kind 'causal'")
        world, own = super().learning_world(config, ways, dataset, truth, model, device), config.own(CIRSConfig)
        users, items = (torch.from_numpy(index).to(device) for index in (dataset.world.users, dataset.world.items))
        similarity, alpha, beta = similarity_of(dataset, world.learned), model.alpha[users], model.beta[items]
        reward = OverexposedReward(world.learned, similarity, alpha, beta, own.tau, own.exposure_weight)
        return replace(world, reward=reward)

    def lookback(self, config: ExperimentConfig) -> int:
        return max(super().lookback(config), config.leave.max_steps)

    def notices(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        told = super().notices(config, dataset)
        if dataset.log.times is None:
            return [*told, "the log has no time, so what its users had been shown before is not known: alpha and beta are 1"]
        if not dataset.items.n_categories:
            return [*told, "the items have no categories, so nothing in the log is alike: alpha and beta are 1"]
        return told


CIRS = _CIRS(
    name="cirs",
    summary="PPO on interest that like items dull, told apart by a causal user model",
    source="Gao et al., TOIS 2023",
    page="cirs.md",
    # The world model's interest stands where other methods have estimates, and what is paid for it is CIRS's own.
    fixed={"world_model.kind": "causal", "reward.kind": "penalised", **NO_PENALTIES, **NO_REFERENCE},
    published={"": PPO_SETTINGS},
    space={
        **PPO_SPACE,
        "cirs.exposure_weight": {"low": 0.1, "high": 100, "log": True},
        "cirs.tau": [1, 10, 100],
    },
    agent=ppo_agent,
)
