"""ROLeR (Zhang et al., CIKM 2024): DORL on estimates that are averaged over each user's nearest users."""

from dataclasses import dataclass

from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.methods.method import penalties
from darlr.methods.simulated import PENALTIES_SPACE, Simulated

TRANSFORMER = {"kind": "transformer"}


@dataclass(frozen=True, kw_only=True)
class Shaped(Simulated):
    """A method that is defined by its users' neighbours."""

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        if not config.neighbours.users:
            raise InputError(
                f"config key 'neighbours.users' is 0, but method '{self.name}' is defined by its "
                "neighbours; expected at least 1"
            )


ROLER = Shaped(
    name="roler",
    summary="DORL on estimates averaged over the nearest users",
    source="Zhang et al., CIKM 2024",
    page="roler.md",
    published={
        "": {
            **penalties(0.05, 5.0),
            "neighbours": {"users": 30, "weighting": "mean", "uncertainty": "variance"},
            "tracker": TRANSFORMER,
        },
        "kuairand": {**penalties(0.01, 0.05), "neighbours": {"users": 150}},
        "coat": {**penalties(0.005, 1.0), "neighbours": {"users": 15}, "tracker": TRANSFORMER},
        "yahoo": {**penalties(0.005, 1.0), "neighbours": {"users": 20}, "tracker": {**TRANSFORMER, "window": 5}},
    },
    space={**PENALTIES_SPACE, "neighbours.users": [5, 10, 15, 20, 30, 50]},
    spaces={"kuairand": {"neighbours.users": [20, 50, 100, 150, 200]}},
)
