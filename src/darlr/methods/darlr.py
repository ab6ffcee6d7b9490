"""DARLR (Zhang et al., SIGIR 2025), its ablations (Table 4), and darlr-plus; Algorithm 1 is in `darlr.agents.darlr`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from darlr.agents.darlr import DARLR
from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.agents.selector import Selector
from darlr.agents.settings import A2CConfig, BeliefConfig, SelectorConfig
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.method import Settings, penalties
from darlr.methods.parts import LearnerParts
from darlr.methods.simulated import PENALTIES_SPACE, Simulated
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import NeighbourUncertainty, RefinementConfig, RewardConfig
from darlr.seeding import torch_generator

REFERENCE_USER = 2.2e-6
"""Seconds that each of the K_sel reference users adds to a step, from 17,000 steps/s with 20 reference users and one layer."""


@dataclass(frozen=True, kw_only=True)
class TwoAgents(Simulated):
    """A recommender and a selector, whose reference users rewrite the recommender's rewards."""

    reads: tuple[type[Section], ...] = (A2CConfig, BeliefConfig, SelectorConfig, RefinementConfig)

    undivided: ClassVar[str] = "rewrites its rewards after each collection"

    @property
    def baseline(self) -> bool:
        return False

    def settings(self, dataset: Dataset) -> Settings:
        references = max(1, min(SelectorConfig().references, dataset.world.n_users - 1))
        return merge(super().settings(dataset), {"selector": {"references": references}})

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        self.require_table(config)
        references, others = config.own(SelectorConfig).references, dataset.world.n_users - 1
        if references > others:
            raise InputError(
                f"config key 'selector.references' is {references}, but a user of the world has {others} others; "
                "expected at most that many"
            )

    def penalised(self, config: ExperimentConfig) -> Literal["dynamic"] | NeighbourUncertainty:
        dynamic = config.own(RefinementConfig).penalty == "dynamic"
        return "dynamic" if dynamic else super().penalised(config)

    def weights(self, config: ExperimentConfig) -> RewardConfig:
        # The penalty is computed anew while the agents learn, so the table holds the estimates alone.
        return replace(config.reward, uncertainty_weight=0.0)

    def keeps_uncertainty(self, config: ExperimentConfig) -> bool:
        return config.own(RefinementConfig).penalty == "static"

    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        config, world = parts.config, parts.world
        refinement = config.own(RefinementConfig)
        reward = RefinedReward(world.table_reward(), refinement)
        recommender = self.recommender(parts, policy, reward, reward.estimates)
        generator = torch_generator(config.seed, "selector", "weights")
        state_size = recommender.state_size
        selector = Selector(config.own(SelectorConfig), config.a2c, world.predicted, state_size, generator, config.neighbours)
        return DARLR(recommender, selector, reward, world.uncertainty, config.reward.uncertainty_weight, refinement)

    def step(self, config: ExperimentConfig, items: int) -> float:
        return super().step(config, items) + REFERENCE_USER * config.own(SelectorConfig).references

    def alike(self, config: ExperimentConfig) -> tuple[Any, ...]:
        """Return a key; runs with equal keys take about the same time for a step."""
        return (*super().alike(config), config.own(SelectorConfig).references)


PAPER = "Zhang et al., SIGIR 2025"
# The paper names no best values: these lie inside its grids (section 4.1.4).
PUBLISHED: Settings = {
    **penalties(0.1, 0.1),
    "tracker": {"kind": "transformer", "layers": 1},
    "neighbours": {"users": 15},
}
# The actor starts from the world model's estimates and is shown which items share a category with the last ones.
ACTOR_FROM_ESTIMATES: Settings = {"policy": {"prior_weight": 100.0, "category_window": 4}}
SPACE: Mapping[str, Any] = {
    **PENALTIES_SPACE,
    "selector.references": [10, 20, 30, 40],
    "selector.similarity_weight": [0.5, 1, 2, 5],
    "selector.diversity_weight": [0.01, 0.05, 0.1, 0.5],
}
SPACES: Mapping[str, Mapping[str, Any]] = {
    "kuairand": {"selector.references": [20, 50, 100, 150, 200]},
    "yahoo": {"selector.references": [20, 25, 50, 75, 100]},
}


def _variant(name: str, summary: str, source: str, page: str, fixed: Settings, published: Settings = PUBLISHED) -> TwoAgents:
    return TwoAgents(
        name=name,
        summary=summary,
        source=source,
        page=page,
        fixed=fixed,
        published={"": published},
        space=SPACE,
        spaces=SPACES,
    )


def _ablation(name: str, summary: str, fixed: Settings) -> TwoAgents:
    return _variant(name, f"DARLR {summary} (Table 4)", PAPER, "darlr.md#ablations-table-4", fixed)


DARLR_METHOD = _variant(
    "darlr",
    "a selector picks reference users, whose estimates rewrite the reward while it is learned",
    PAPER,
    "darlr.md",
    {"refinement.keep_levels": False},
)
DARLR_PLUS = _variant(
    "darlr-plus",
    "DARLR whose references keep to the user's level and whose actor starts from the estimates",
    "ours",
    "darlr.md#darlr-plus",
    {"refinement.keep_levels": True},
    {**PUBLISHED, **ACTOR_FROM_ESTIMATES, "selector": {"estimate_weight": 1.0}},
)
STATIC_REWARD = _ablation("darlr-static-reward", "with a reward table that is never rewritten", {"refinement.reward": "static"})
STATIC_PENALTY = _ablation("darlr-static-penalty", "with a penalty that is never recomputed", {"refinement.penalty": "static"})
R_ALONE = _ablation(
    "darlr-r",
    "whose selector is paid r' alone",
    {"selector.similarity_weight": 0.0, "selector.diversity_weight": 0.0},
)
R_SIMILARITY = _ablation("darlr-r-similarity", "whose selector is paid r' + r_s", {"selector.diversity_weight": 0.0})
R_DIVERSITY = _ablation("darlr-r-diversity", "whose selector is paid r' + lambda_d r_d", {"selector.similarity_weight": 0.0})
