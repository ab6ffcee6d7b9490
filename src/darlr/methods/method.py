"""What a method is: all that the package knows of one, in one object.

A method's file holds its settings, its agent where it has one of its own, and one or more `Method` objects. The registry
(`darlr.methods.registry`) finds them there; the command line, sweeps, studies, reports and the contract tests ask the object.
Families fill in what their members share: `Simulated`, `OnPolicy`, `Replaying`, `Offline` and `Static`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.agents.learning import Learner
from darlr.agents.policy import Policy
from darlr.config.constraints import Section
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.cost import Work
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.ways import Ways
from darlr.methods.world import LearningWorld
from darlr.rewards.kinds import REWARDS
from darlr.rewards.settings import NeighbourUncertainty, RewardConfig
from darlr.world_model.model import WorldModel

Settings = Mapping[str, Any]
"""Nested settings, as a YAML file has them."""

NO_SHAPING: Settings = {"neighbours.users": 0}
NO_PENALTIES: Settings = {"reward.uncertainty_weight": 0.0, "reward.entropy_weight": 0.0, **NO_SHAPING}
"""What a method fixes that learns from plain estimates, or from none."""


def penalties(uncertainty: float, entropy: float) -> Settings:
    """Published weights of the two penalties (Eqs. 4 and 6)."""
    return {"reward": {"uncertainty_weight": uncertainty, "entropy_weight": entropy}}


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A method.

    Attributes:
        name: what `method` is set to.
        summary: one line.
        source: the paper that it comes from.
        page: the page of docs/methods that describes it, with an anchor where it shares one.
        reward: whose rewards the policy learns from: the world model's, or the truth (GT alone).
        fixed: settings by dotted key that make it this method; changing one is refused.
        published: nested settings of the published runs, by data set ("" for all others); defaults that may be changed.
        space: what `darlr tune` searches by default (docs/tuning.md has the grammar).
        spaces: what it searches instead on a data set, by the data set's name.
        simulated: whether the policy learns from episodes in the simulator.
        by_request: whether it can do without a table of all users' and items' estimates.
        by_candidates: whether its policy can choose among `policy.candidates` items of each user.
        offline: whether it learns from the log alone; the simulator then only chooses the epoch.
        baseline: whether DARLR is compared with it: neither DARLR itself, nor a variant of it, nor told the truth.
        reads: the sections of settings that it reads beside those that every run has.
    """

    name: str
    summary: str
    source: str
    page: str = ""
    reward: Literal["model", "truth"] = "model"
    fixed: Settings = field(default_factory=dict)
    published: Mapping[str, Settings] = field(default_factory=dict)
    space: Settings = field(default_factory=dict)
    spaces: Mapping[str, Settings] = field(default_factory=dict)
    reads: tuple[type[Section], ...] = ()

    simulated: ClassVar[bool] = False
    by_request: ClassVar[bool] = False
    by_candidates: ClassVar[bool] = False
    offline: ClassVar[bool] = False

    @property
    def baseline(self) -> bool:
        return self.reward != "truth"

    @abstractmethod
    def policy(self, parts: PolicyParts) -> Policy:
        """A fresh policy."""

    @abstractmethod
    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        """Who learns the `policy` that `policy()` gave."""

    @abstractmethod
    def work(self, config: ExperimentConfig, items: int) -> Work:
        """What an epoch takes, roughly, in a world of so many items."""

    def settings(self, dataset: Dataset) -> Settings:
        """The published settings for `dataset`, less what it lacks: neighbours in a small world, categories."""
        settings = self.published.get(dataset.name, self.published.get("", {}))
        fitted: dict[str, Any] = {}
        if neighbours := settings.get("neighbours"):
            fitted["neighbours"] = {"users": min(neighbours["users"], dataset.world.n_users)}
        if "category_window" in settings.get("policy", {}) and not dataset.items.n_categories:
            fitted["policy"] = {"category_window": 0}
        return merge(settings, fitted)

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        """Raise `InputError` for settings and data that are fine in themselves, but not for this method."""
        if config.policy.candidates is not None and not self.by_candidates:
            raise InputError(
                f"config key 'policy.candidates' is {config.policy.candidates:,}, but method '{self.name}' scores all items; "
                "expected it left open"
            )

    def notices(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        """What a user of the method must know of this run, in lines."""
        return []

    def notes(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        """What the size of the world changes in this run, in lines; its summary has them, too."""
        world, most = dataset.world, config.reward.table_cells
        if not self.asks(config, dataset):
            return []
        return [
            f"the world has {world.n_users:,} users and {world.n_items:,} items, more pairs than reward.table_cells "
            f"({most:,}): estimates are computed when asked for, and no table of them is kept"
        ]

    def penalised(self, config: ExperimentConfig) -> Literal["dynamic"] | NeighbourUncertainty:
        """What `reward.uncertainty_weight` penalises: the uncertainty that `NeighbourConfig` speaks of, or "dynamic"."""
        return config.neighbours.uncertainty if config.neighbours.users else "model"

    def learning_world(
        self,
        config: ExperimentConfig,
        ways: Ways,
        dataset: Dataset,
        truth: NDArray[np.float32] | None,
        model: WorldModel,
        device: torch.device,
    ) -> LearningWorld:
        """The world that the method learns in; `truth` (n_users, n_items) is looked at only where it learns from it."""
        learned_from = truth if self.reward == "truth" else None
        kept, most_cells = self.keeps_uncertainty(config), self.most_cells(config)
        return LearningWorld.of(config, self.weights(config), ways, dataset, learned_from, model, kept, most_cells, device)

    def most_cells(self, config: ExperimentConfig) -> float:
        """Pairs of a user and an item of the largest world whose estimates are kept in a table; infinity: of any."""
        return config.reward.table_cells if self.by_request and not config.reference_quirks else math.inf

    def asks(self, config: ExperimentConfig, dataset: Dataset) -> bool:
        """Whether estimates are computed when they are asked for, since the world is too large for a table of them."""
        return dataset.world.n_users * dataset.world.n_items > self.most_cells(config)

    def weights(self, config: ExperimentConfig) -> RewardConfig:
        """The reward's settings as its builder gets them."""
        return config.reward

    def keeps_uncertainty(self, config: ExperimentConfig) -> bool:
        """Whether the learner needs the estimates' uncertainty beside what is paid."""
        return False

    def idle(self, key: str, config: ExperimentConfig) -> bool:
        """Whether the setting at the dotted `key` changes nothing here, so that no study need search it."""
        return False

    def lookback(self, config: ExperimentConfig) -> int:
        """How many positions of an episode the policy and what it is paid look at."""
        paid = config.leave.max_steps if REWARDS[config.reward.kind].whole_episode else 1
        return max(config.tracker.window, config.policy.category_window, *config.reward.entropy_orders, paid)

    def require_table(self, config: ExperimentConfig) -> None:
        """Raise `InputError` where what is paid is no table of estimates, for methods that need one."""
        if config.reward.kind != "penalised":
            raise InputError(
                f"config key 'reward.kind' is '{config.reward.kind}', but method '{self.name}' rewrites a table of estimates; "
                "expected 'penalised'"
            )
