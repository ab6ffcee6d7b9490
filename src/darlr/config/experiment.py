"""The settings of one run: the sections that all methods share.

Each section lives in the `settings` module of its room. Methods add sections of their own (`darlr.methods.experiment`).
"""

from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar, TypeVar

from darlr.agents.settings import A2CConfig, PolicyConfig, TrackerConfig
from darlr.config.constraints import LARGEST, Section, Setting, require
from darlr.data.settings import DataConfig, SyntheticConfig
from darlr.evaluation.settings import EvaluationConfig
from darlr.rewards.settings import NeighbourConfig, RewardConfig
from darlr.world.settings import LeaveConfig, SlateConfig
from darlr.world_model.settings import WorldModelConfig

Own = TypeVar("Own", bound=Section)


@dataclass(frozen=True)
class TrainingConfig(Section):
    """The schedule: an epoch is at least `steps_per_epoch` recommendations of learning, followed by one test."""

    KEY: ClassVar[str] = "training"

    epochs: Annotated[int, Setting("epochs of learning", at_least=1, at_most=1_000_000)] = 200
    steps_per_epoch: Annotated[
        int, Setting("least number of recommendations in an epoch of learning", at_least=1, at_most=1_000_000_000)
    ] = 100_000
    environments: Annotated[
        int,
        Setting("number of episodes that run at once; one collection is an episode of each", at_least=1, at_most=10_000_000),
    ] = 100
    groups: Annotated[
        int,
        Setting(
            "number of groups of episodes that a collection is divided into; with --ray, nodes play the groups "
            "(docs/scaling.md)",
            at_least=1,
            at_most=100_000,
        ),
    ] = 1
    allow_repeats: Annotated[
        bool, Setting("whether an episode may recommend an item twice while learning (the references: true)")
    ] = False


@dataclass(frozen=True)
class ExperimentConfig:
    """All settings of one run; the same config and seed give the same numbers on the same machine."""

    dataset: Annotated[str, Setting("a data set's name, or a folder")] = "synthetic"
    method: Annotated[str, Setting("name of the learning method")] = "darlr"
    seed: Annotated[int, Setting("seed of all random numbers", at_least=0, at_most=LARGEST)] = 0
    reference_quirks: Annotated[
        bool,
        Setting(
            "whether to repeat the reference code's slips, for comparison with published numbers (docs/reference_quirks.md)"
        ),
    ] = False
    data: DataConfig = field(default_factory=DataConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    world_model: WorldModelConfig = field(default_factory=WorldModelConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    neighbours: NeighbourConfig = field(default_factory=NeighbourConfig)
    leave: LeaveConfig = field(default_factory=LeaveConfig)
    slate: SlateConfig = field(default_factory=SlateConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.seed <= LARGEST, "seed", self.seed, f"at most {LARGEST:,}")

    def own(self, kind: type[Own]) -> Own:
        """Return the section `kind` that a method added.

        Raises:
            TypeError: if no method has such a section.
        """
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, kind):
                return value
        raise TypeError(f"no method has the settings {kind.__name__}")
