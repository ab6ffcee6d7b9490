"""A run of the built-in world opened again, so that single episodes can be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

import darlr
from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.evaluation.judging import TruthJudge
from darlr.evaluation.metrics import FinishedEpisodes
from darlr.evaluation.modes import NX_0
from darlr.evaluation.protocol import EvaluationWorld
from darlr.methods.world import world_membership
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.evaluating import OpenedRun
from darlr.run.judgement import judge_of
from darlr.run.opponent_sources import opponent_sources
from darlr.run.specification import SpecifiedRun

CPU = torch.device("cpu")
ADAPTING: Mapping[str, Any] = {"training": {"steps_per_epoch": 60_000}}
"""Settings of the run that most pictures show: bayes-adaptive in the built-in world with its defaults."""


@dataclass(frozen=True)
class Judged:
    """A finished run, its test world, and the lists beside it."""

    opened: OpenedRun
    specified: SpecifiedRun
    judge: TruthJudge
    out: Path

    @classmethod
    def of(cls, run: darlr.Run, out: Path) -> "Judged":
        """The `run`, whose world models lie below `out`; raises `TypeError` if its data have no truth."""
        opened = OpenedRun.of(run.path, None, CPU)
        specified = SpecifiedRun.with_config(opened.saved.config, opened.loaded)
        judge = judge_of(specified, opened.loaded.truth, CPU)
        if not isinstance(judge, TruthJudge):
            raise TypeError(f"{run.path}: judged by a {type(judge).__name__}; expected a run whose data have a truth")
        return cls(opened, specified, judge, out)

    @property
    def world(self) -> EvaluationWorld:
        """The true world."""
        return self.judge.world

    @cached_property
    def membership(self) -> torch.Tensor:
        """(n_items, C) bool: which item has which category."""
        dataset = self.specified.dataset
        return world_membership(dataset, dataset.world.items, CPU)

    @cached_property
    def estimates(self) -> Any:
        """The estimates of the run's world model, (n_users, n_items), computed on demand."""
        dataset, config = self.specified.dataset, self.specified.config
        world = dataset.world
        return Predicted.of(self.opened.saved.model, world.users, world.items, CPU, config.reward.table_cells)

    @cached_property
    def lists(self) -> dict[str, Scorer]:
        """The lists beside the policy by name, and `truth`: the list that looks at the answers."""
        config, dataset = self.specified.config, self.specified.dataset
        sources = opponent_sources(self.out, config, dataset, CPU, print)
        found = self.judge.opponents(self.estimates.rewards, self.membership, sources)
        return {**found, "truth": SkippingScorer(TableScorer(self.world.table), self.membership, config.leave.window)}

    @property
    def policy(self) -> Scorer:
        """The run's policy, for the users of the test world."""
        return self.opened.saved.network(self.specified.dataset.world.users).scorer()

    def episodes(self, scorer: Scorer) -> FinishedEpisodes:
        """One greedy episode of every user by the rules of NX_0."""
        with torch.no_grad():
            return self.world.episodes(NX_0, self.world.every_user, scorer, None)


def adapting_run(out: Path) -> Judged:
    """bayes-adaptive in the built-in world, three epochs, seed 0; taken from `out` if it is there."""
    run = darlr.train("synthetic", "bayes-adaptive", seed=0, epochs=3, out=out, device="cpu", settings=ADAPTING)
    return Judged.of(run, out)
