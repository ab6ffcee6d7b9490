"""One run's settings, whole: the sections that all methods share.

A section lives in the `settings` module of the room that it belongs to; methods add sections of their own
(`darlr.methods.experiment`).
"""

from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar, TypeVar

from darlr.agents.settings import A2CConfig, PolicyConfig, TrackerConfig
from darlr.config.constraints import LARGEST, Section, Setting, require
from darlr.data.settings import DataConfig, SyntheticConfig
from darlr.evaluation.settings import EvaluationConfig
from darlr.rewards.settings import NeighbourConfig, RewardConfig
from darlr.world.settings import LeaveConfig
from darlr.world_model.settings import WorldModelConfig

Own = TypeVar("Own", bound=Section)


@dataclass(frozen=True)
class TrainingConfig(Section):
    """The schedule: an epoch is at least `steps_per_epoch` recommendations of learning, then one test."""

    KEY: ClassVar[str] = "training"

    epochs: Annotated[int, Setting("epochs of learning", at_least=1, at_most=1_000_000)] = 200
    steps_per_epoch: Annotated[int, Setting("recommendations of an epoch, at least", at_least=1, at_most=1_000_000_000)] = (
        100_000
    )
    environments: Annotated[int, Setting("episodes a collection, all at once", at_least=1, at_most=10_000_000)] = 100
    allow_repeats: Annotated[
        bool, Setting("whether an episode may recommend an item twice while learning (the references: yes)")
    ] = False


@dataclass(frozen=True)
class ExperimentConfig:
    """One run, whole: the same config and seed give the same numbers on the same machine."""

    dataset: Annotated[str, Setting("a data set's name, or a folder")] = "synthetic"
    method: Annotated[str, Setting("what learns")] = "darlr"
    seed: Annotated[int, Setting("of everything random", at_least=0, at_most=LARGEST)] = 0
    reference_quirks: Annotated[
        bool, Setting("what the references do, slips included, for comparison alone (docs/reference_quirks.md)")
    ] = False
    data: DataConfig = field(default_factory=DataConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    world_model: WorldModelConfig = field(default_factory=WorldModelConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    neighbours: NeighbourConfig = field(default_factory=NeighbourConfig)
    leave: LeaveConfig = field(default_factory=LeaveConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.seed <= LARGEST, "seed", self.seed, f"at most {LARGEST:,}")

    def own(self, kind: type[Own]) -> Own:
        """The section `kind` that a method brought along; raises `TypeError` if no method has it."""
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, kind):
                return value
        raise TypeError(f"no method has the settings {kind.__name__}")
