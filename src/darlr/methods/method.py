"""The description of a method: everything that the package knows about it, in one object.

A method's file holds its settings, its agent if it has one of its own, and one or more `Method` objects. The registry
(`darlr.methods.registry`) finds them there; the command line, sweeps, studies, reports and contract tests ask the object.
Families implement the parts that their members share: `Simulated`, `OnPolicy`, `Replaying`, `Offline` and `Static`.
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
from darlr.methods.candidates import candidate_count
from darlr.methods.cost import Work
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.ways import Ways
from darlr.methods.world import LearningWorld
from darlr.rewards.kinds import REWARDS
from darlr.rewards.settings import NeighbourUncertainty, RewardConfig
from darlr.world_model.model import WorldModel

Settings = Mapping[str, Any]
"""Nested settings, as in a YAML file."""

NO_SHAPING: Settings = {"neighbours.users": 0}
NO_PENALTIES: Settings = {"reward.uncertainty_weight": 0.0, "reward.entropy_weight": 0.0, **NO_SHAPING}
"""Fixed settings of methods that learn from estimates without penalties, or from no estimates."""


def penalties(uncertainty: float, entropy: float) -> Settings:
    """Return settings with the published weights of the two penalties (Eqs. 4 and 6)."""
    return {"reward": {"uncertainty_weight": uncertainty, "entropy_weight": entropy}}


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A method.

    Attributes:
        name: the value of the setting `method`.
        summary: one line.
        source: the paper that describes it.
        page: its page in docs/methods, with an anchor if methods share the page.
        reward: the source of the rewards that the policy learns from: the world model, or the truth (GT alone).
        fixed: settings, by dotted key, that define the method; changing one is refused.
        published: nested settings of the published runs, by data set ("" for all others); they are defaults and may be changed.
        space: the settings that `darlr tune` searches by default (docs/tuning.md has the grammar).
        spaces: other search spaces, by the name of the data set that they apply to.
        reads: the sections of settings that it reads besides those that every run has.
        simulated: whether the policy learns from episodes in the simulator.
        by_request: whether it works without a table of all users' and items' estimates.
        offline: whether it learns from the log alone; the simulator then only chooses the epoch.
        slates: whether it learns and acts where steps show slates (docs/protocol.md, section 9).
        undivided: why its collections of episodes cannot be divided into `training.groups`; empty if they can.
        baseline: whether DARLR is compared with it: neither DARLR itself, nor a variant of it, nor told the truth.
        reads: the sections of settings that it reads beside those that every run has.
        imitates: whether it imitates the log whatever the rewards; it is then as good as the policy behind the log.
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
    imitates: bool = False

    simulated: ClassVar[bool] = False
    by_request: ClassVar[bool] = False
    offline: ClassVar[bool] = False
    slates: ClassVar[bool] = False
    undivided: ClassVar[str] = "has no collections of episodes that could be divided"

    @property
    def baseline(self) -> bool:
        """Whether DARLR is compared with it. False for DARLR itself, its variants and methods that know the truth."""
        return self.reward != "truth"

    @abstractmethod
    def policy(self, parts: PolicyParts) -> Policy:
        """Make a new policy."""

    @abstractmethod
    def learner(self, parts: LearnerParts, policy: Policy) -> Learner:
        """Make the learner of a `policy` that `policy()` returned."""

    @abstractmethod
    def work(self, config: ExperimentConfig, items: int) -> Work:
        """Estimate the work of an epoch in a world of `items` items."""

    def settings(self, dataset: Dataset) -> Settings:
        """Return the published settings for `dataset`, without those that need more users or categories than it has."""
        settings = self.published.get(dataset.name, self.published.get("", {}))
        fitted: dict[str, Any] = {}
        if neighbours := settings.get("neighbours"):
            fitted["neighbours"] = {"users": min(neighbours["users"], dataset.world.n_users)}
        if "category_window" in settings.get("policy", {}) and not dataset.items.n_categories:
            fitted["policy"] = {"category_window": 0}
        return merge(settings, fitted)

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        """Raise `InputError` for settings and data that are valid, but not for this method."""
        if config.policy.candidates is not None and (why := self.scores_all(config)):
            raise InputError(
                f"config key 'policy.candidates' is {config.policy.candidates:,}, but method '{self.name}' {why}; "
                "expected it left open"
            )
        if config.slate.active and not self.slates:
            key, expected = ("size", 1) if config.slate.size > 1 else ("nothing", "null")
            raise InputError(
                f"config key 'slate.{key}' is {getattr(config.slate, key):g}, but method '{self.name}' recommends one item at "
                f"a time; expected {expected}, or a method that shows slates"
            )
        groups, episodes = config.training.groups, config.training.environments
        if groups > 1 and self.undivided:
            raise InputError(
                f"config key 'training.groups' is {groups:,}, but method '{self.name}' {self.undivided}; expected 1"
            )
        if groups > episodes:
            raise InputError(
                f"config key 'training.groups' is {groups:,}, but 'training.environments' is {episodes:,}; "
                "expected at most one group for each episode"
            )

    def notices(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        """Return lines that a user of the method must know about this run."""
        return []

    def notes(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        """Return lines about changes that the size of the world makes to this run; the run's summary holds them, too."""
        world, most = dataset.world, config.reward.table_cells
        asked = (
            f"the world has {world.n_users:,} users and {world.n_items:,} items, more pairs than reward.table_cells "
            f"({most:,}): estimates are computed when asked for, and no table of them is kept"
        )
        count = self.scored(config, world.n_items)
        chosen = (
            f"in episodes the policy chooses among a user's {count:,} best of {world.n_items:,} items and the best of each "
            "category"
        )
        return [*([asked] if self.asks(config, dataset) else []), *([chosen] if count < world.n_items else [])]

    def scores_all(self, config: ExperimentConfig) -> str:
        """Return why its policy scores all items whatever `policy.candidates`; empty if it can choose among candidates."""
        return "scores all items"

    def scored(self, config: ExperimentConfig, n_items: int) -> int:
        """Return the number of a user's best items that the policy chooses among in an episode, of `n_items`."""
        return n_items if self.scores_all(config) else candidate_count(config, n_items)

    def penalised(self, config: ExperimentConfig) -> Literal["dynamic"] | NeighbourUncertainty:
        """Return the uncertainty that `reward.uncertainty_weight` penalises: one of `NeighbourConfig`'s, or "dynamic"."""
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
        """Make the world that the method learns in. The `truth` (n_users, n_items) is used only if the method learns from
        it.
        """
        learned_from = truth if self.reward == "truth" else None
        kept, most_cells = self.keeps_uncertainty(config), self.most_cells(config, dataset.world.n_items)
        return LearningWorld.of(config, self.weights(config), ways, dataset, learned_from, model, kept, most_cells, device)

    def most_cells(self, config: ExperimentConfig, n_items: int) -> float:
        """Return the number of user-item pairs up to which estimates of a world of `n_items` are kept in a table; infinity
        if they always are.
        """
        return config.reward.table_cells if self.by_request and not config.reference_quirks else math.inf

    def asks(self, config: ExperimentConfig, dataset: Dataset) -> bool:
        """Return whether the world is too large for a table of estimates, so that they are computed on request."""
        world = dataset.world
        return world.n_users * world.n_items > self.most_cells(config, world.n_items)

    def weights(self, config: ExperimentConfig) -> RewardConfig:
        """Return the settings of the reward for its builder."""
        return config.reward

    def keeps_uncertainty(self, config: ExperimentConfig) -> bool:
        """Return whether the learner needs the estimates' uncertainty besides the rewards."""
        return False

    def idle(self, key: str, config: ExperimentConfig) -> bool:
        """Return whether the setting at the dotted `key` has no effect under `config`, so that a study need not search it."""
        return False

    def lookback(self, config: ExperimentConfig) -> int:
        """Return the number of an episode's positions that the policy and its rewards look at."""
        paid = config.leave.max_steps if REWARDS[config.reward.kind].whole_episode else 1
        return max(config.tracker.window, config.policy.category_window, *config.reward.entropy_orders, paid)

    def require_table(self, config: ExperimentConfig) -> None:
        """Raise `InputError` if the reward is not a table of estimates; for methods that need one."""
        if config.reward.kind != "penalised":
            raise InputError(
                f"config key 'reward.kind' is '{config.reward.kind}', but method '{self.name}' rewrites a table of estimates; "
                "expected 'penalised'"
            )
