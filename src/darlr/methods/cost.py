"""Rough time of a method's epoch on one thread, fitted to measured speeds (docs/results.md)."""

from collections.abc import Hashable
from dataclasses import dataclass

from darlr.agents.networks.trackers import TRACKERS
from darlr.config.experiment import ExperimentConfig

# Seconds of a step of learning with its share of the tests: fitted to 127,000 steps/s at 300 items and 18,100 at 3,327.
STEP, STEP_AND_ITEM = 3.2e-6, 1.56e-8
TRANSFORMER_LAYER = 6.4e-6  # 48,300 steps/s with two layers at 300 items
STEPS_OF_TESTS = 17_000  # after an epoch: three modes, sampled and greedy, and the simulator's


@dataclass(frozen=True)
class Work:
    """The work of an epoch.

    Attributes:
        seconds: the time of an epoch with its tests.
        units: the number of simulator steps, or of updates on the log; an epoch's time is proportional to it.
        alike: a key; runs of one method with equal keys take about the same time for a unit.
    """

    seconds: float
    units: int
    alike: Hashable


def seconds_of_step(config: ExperimentConfig, items: int) -> float:
    """Return the seconds of one simulator step: the choice among `items`, and its share of learning."""
    seconds = STEP + STEP_AND_ITEM * items
    return seconds + TRANSFORMER_LAYER * TRACKERS[config.tracker.kind].layers(config.tracker)
