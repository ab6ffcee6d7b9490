"""Judges of a run's policy, or of any other, by the truth of a data set or by the held-out rows of its log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from darlr.agents.acting import Scorer
from darlr.api.agents import Agent, AgentScorer
from darlr.api.arguments import DatasetLike, placed_on
from darlr.api.evaluation import ByMode, Evaluation
from darlr.artifacts import RunFolder
from darlr.artifacts.run_folder import SUMMARY
from darlr.data.source import LoadedDataset
from darlr.evaluation.finished import read_summary
from darlr.evaluation.judging import Judge, TruthJudge
from darlr.evaluation.protocol import run_full_test
from darlr.evaluation.table import CUTOFF
from darlr.methods.world import world_membership
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.choosing import ways_of
from darlr.run.devices import device_named
from darlr.run.evaluating import require_unchanged
from darlr.run.judgement import judge_of
from darlr.run.opponent_sources import opponent_sources
from darlr.run.saved import SavedPolicy
from darlr.run.specification import SpecifiedRun
from darlr.run.training import Monitor
from darlr.run.world_models import WORLD_MODEL, load_world_model, obtain_world_model
from darlr.seeding import torch_generator
from darlr.world_model.model import WorldModel


@dataclass(frozen=True)
class Bench:
    """A place to judge policies: `judge` plays the world of the run `specified`."""

    specified: SpecifiedRun
    judge: Judge
    device: torch.device

    @classmethod
    def of(cls, specified: SpecifiedRun, loaded: LoadedDataset, device: torch.device) -> "Bench":
        """Make the bench of a run. Policies see their whole episode here, even if the run's own policy looks at fewer
        positions.
        """
        judge = judge_of(specified, loaded.truth, device)
        if isinstance(judge, TruthJudge):
            judge = replace(judge, world=replace(judge.world, lookback=max(judge.world.lookback, judge.world.longest)))
        return cls(specified, judge, device)

    def policy(self, scorer: Scorer, draws: bool, seed: int) -> Mapping[str, ByMode]:
        """Judge a policy: `greedy`, and `sampled` if it `draws` its items and there is a truth -> mode -> metric -> value."""
        found: dict[str, ByMode] = {"greedy": self.judge.every_user(scorer).modes}
        if draws and isinstance(self.judge, TruthJudge):
            world = self.judge.world
            generator = torch_generator(seed, "evaluate", device=self.device)
            found["sampled"] = run_full_test(world, scorer, generator).modes
        return found

    def opponents(self, model: WorldModel, out: Path, notice: Callable[[str], None]) -> Mapping[str, ByMode]:
        """Judge the static policies: name -> mode -> metric -> value.

        Args:
            model: the world model; one of the opponents is its greedy list.
            out: the results folder; the factor model of other opponents is taken from it, or fitted and written there.
            notice: a function that is called with lines of text for the user.
        """
        dataset = self.specified.dataset
        most_cells = self.specified.config.reward.table_cells
        estimates = Predicted.of(model, dataset.world.users, dataset.world.items, self.device, most_cells).rewards
        membership = world_membership(dataset, dataset.world.items, self.device)
        sources = opponent_sources(out, self.specified.config, dataset, self.device, notice)
        tests = self.judge.compare(self.judge.opponents(estimates, membership, sources), membership)
        return {name: test.modes for name, test in tests.items()}


def evaluate_run(
    path: Path,
    dataset: DatasetLike | None = None,
    *,
    name: str | None = None,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | str | None = None,
) -> Evaluation:
    """Judge the policy of a run (from the epoch that did best in the simulator); for the arguments see `darlr.evaluate`."""
    place = device_named(device)
    folder = RunFolder.open(path)
    saved = SavedPolicy(folder, place)
    stored = saved.config.dataset
    _, loaded = placed_on(stored if dataset is None else dataset, _reading(folder, dataset), data_dir)
    require_unchanged(folder, loaded.dataset.hashes)
    bench = Bench.of(SpecifiedRun.with_config(saved.config, loaded), loaded, place)
    scorer = saved.network(loaded.dataset.world.users).scorer()
    policy = bench.policy(scorer, draws=True, seed=seed)
    if folder.has_json(SUMMARY):
        opponents = read_summary(folder).get("opponents", {})
    else:
        model, _ = load_world_model(folder.path / f"{WORLD_MODEL}.safetensors", place)
        with TemporaryDirectory(prefix="darlr-") as scratch:  # a run folder may have been moved away from its results folder
            opponents = bench.opponents(model, Path(scratch), lambda text: None)
    return Evaluation(name or saved.config.method, loaded.dataset.name, policy, opponents)


def _reading(folder: RunFolder, dataset: DatasetLike | None) -> dict[str, Any]:
    """Return the run's settings for reading its data set, if the data set is not read yet."""
    if dataset is not None and not isinstance(dataset, str | Path):
        return {}
    config = folder.config()
    return {key: config[key] for key in ("data", "synthetic")}


def evaluate_agent(
    policy: Scorer | Agent,
    dataset: DatasetLike,
    values: Mapping[str, Any],
    name: str | None,
    out: Path,
    device: str,
    data_dir: Path | str | None,
    monitor: Monitor,
) -> Evaluation:
    """Judge a policy from outside, in the test world of a run with the settings `values`."""
    place = device_named(device)
    placed, loaded = placed_on(dataset, values, data_dir)
    specified = SpecifiedRun.of(placed, loaded)
    config, learned = specified.config, specified.dataset
    bench = Bench.of(specified, loaded, place)
    by_truth = loaded.truth is not None
    scorer = policy if isinstance(policy, Scorer) else AgentScorer(policy, learned, depth=1 if by_truth else CUTOFF)
    model, _ = obtain_world_model(
        specified.world_model_path(out), config, learned, ways_of(config), place, monitor, monitor.notice
    )
    judged = bench.policy(scorer, draws=isinstance(policy, Scorer), seed=config.seed)
    return Evaluation(name or _name_of(policy), loaded.dataset.name, judged, bench.opponents(model, out, monitor.notice))


def _name_of(policy: Scorer | Agent) -> str:
    return getattr(policy, "__name__", None) or type(policy).__name__
