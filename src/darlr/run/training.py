"""Runs an experiment from its settings to its summary: world model, learning, a test after every epoch, saving and resuming.

An epoch's random streams are derived from the seed and the epoch's number. A run that was killed and resumed from its last
checkpoint therefore draws the same numbers as a run without interruption.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from darlr.agents.learning import Learner
from darlr.artifacts import RunFolder, environment
from darlr.artifacts.beginning import WARM_START
from darlr.artifacts.metrics_file import METRICS
from darlr.artifacts.run_folder import SUMMARY
from darlr.artifacts.schema import restoring
from darlr.artifacts.sealing import PUT_BACK
from darlr.cluster.workers import HERE, Workers
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import to_mapping
from darlr.data.dataset import Dataset
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.errors import RunError
from darlr.evaluation.judging import HeldOutJudge, Judge
from darlr.evaluation.modes import SIMULATOR
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.summary import CHOOSING_METRIC, summarise
from darlr.evaluation.user_returns import USER_RETURNS, write_user_returns
from darlr.memory import peak_memory
from darlr.methods.experiment import experiment_config
from darlr.report.plots.curves import learning_curves, save_figure
from darlr.run.choosing import method_of, ways_of
from darlr.run.further_judges import EpochJudge, further_judges
from darlr.run.history import HISTORY, save_history
from darlr.run.judgement import judge_of, judged
from darlr.run.learners import divide_rollouts, learner_of
from darlr.run.leaving import leave_found, leave_notices, visits_test
from darlr.run.lengthening import begin_with_shorter
from darlr.run.loggers.interface import LoggedRun, Logger
from darlr.run.loggers.kinds import opened
from darlr.run.neighbour_search import search_found
from darlr.run.notices import data_notes, notices
from darlr.run.opponent_sources import opponent_sources
from darlr.run.referee import Referee
from darlr.run.saved import CHECKPOINT, POLICY, load_learned, save_learned, save_policy
from darlr.run.selection import fit_notices, selection_found
from darlr.run.specification import SpecifiedRun, with_canonical_dataset
from darlr.run.warm_start import WarmStart
from darlr.run.world_models import WORLD_MODEL, load_world_model, obtain_world_model, save_world_model
from darlr.run.worlds import simulated_world
from darlr.seeding import torch_generator
from darlr.world_model.continuing import Former
from darlr.world_model.model import WorldModel
from darlr.world_model.training import FitMonitor


class Monitor(FitMonitor, Protocol):
    """Receives the progress of a run, the fit of its world model included."""

    def notice(self, text: str) -> None:
        """Receive a message that the user should see."""

    def learning(self, done: int, epochs: int) -> None:
        """Learning begins or is resumed after `done` of `epochs` epochs."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        """An epoch of the policy is finished.

        Args:
            record: the epoch's record, as in metrics.jsonl.
            epochs: number of epochs of the run.
        """


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        path: the run folder.
        dataset: canonical name of the data set.
        config: the resolved settings.
        summary: as in summary.json.
    """

    path: Path
    dataset: str
    config: ExperimentConfig
    summary: dict[str, Any]


def train(
    values: Mapping[str, Any],
    data_dir: Path | None,
    out: Path,
    device: torch.device,
    monitor: Monitor,
    loggers: Collection[str] = (),
) -> Finished:
    """Train and test a run, or resume it where it was stopped.

    Results go to `out`/<dataset>/<method>/<config hash>-s<seed>/ (docs/architecture.md, "Run folder").

    Args:
        values: keys of `ExperimentConfig` with their values.
        data_dir: folder of the data sets; None for the default.
        out: folder of results.
        device: device of the computation.
        monitor: receives the progress.
        loggers: names in `LOGGERS` of the loggers that also receive the run's numbers.

    Raises:
        InputError: for settings, data or folders that cannot be used; no run folder is made then.
        RunError: if the run cannot go on (a loss that is not finite, a full disk).
    """
    values = with_canonical_dataset(values, data_dir)
    loaded = load(experiment_config(values), data_dir, monitor.notice)
    return train_on(loaded, values, out, device, monitor, loggers)


def train_on(
    loaded: LoadedDataset,
    values: Mapping[str, Any],
    out: Path,
    device: torch.device,
    monitor: Monitor,
    loggers: Collection[str] = (),
    warm_start: WarmStart | None = None,
    workers: Workers = HERE,
) -> Finished:
    """Train like `train`, on a data set that is in memory.

    Args:
        loaded: the data set.
        values: as for `train`; its key `dataset` says how the data set can be found again, if it can.
        out: folder of results.
        device: device of the computation.
        monitor: receives the progress.
        loggers: as for `train`.
        warm_start: a run whose world model and policy this run starts from.
        workers: share in the fits of world models and in roll-outs; no number depends on them.
    """
    specified = SpecifiedRun.of(values, loaded)
    config, dataset = specified.config, specified.dataset
    former = None
    if warm_start is not None:
        warm_start.require_same(config, dataset)
        former = warm_start.former(dataset)
        specified = replace(specified, starts_from=warm_start.fingerprint)
    method, ways = method_of(config), ways_of(config)
    judge = judge_of(specified, loaded.truth, device)
    surroundings = {**environment(device), "data": dict(dataset.hashes)}
    if warm_start is not None:
        surroundings[WARM_START] = warm_start.origin
    with (
        RunFolder.create(specified.path(out), to_mapping(config), surroundings) as folder,
        opened(loggers, LoggedRun.of(folder, dataset.name)) as logs,
    ):
        for text in [*notices(config, loaded), *([] if warm_start is None else warm_start.notices(specified))]:
            monitor.notice(text)
        if folder.has_tensors(CHECKPOINT) and not folder.has_tensors(POLICY):
            _forget_progress(folder)
            monitor.notice(f"{folder.path}: {POLICY}.safetensors is missing beside the checkpoint, so learning begins again")
        if not folder.has_tensors(CHECKPOINT) and (shorter := begin_with_shorter(folder)) is not None:
            monitor.notice(f"goes on from {shorter}, the same run with fewer epochs")
        model, fit = _world_model(specified.world_model_path(out), folder, config, dataset, device, monitor, former, workers)
        if not folder.has_tensors(HISTORY):
            save_history(folder, loaded.dataset)
        truth = None if loaded.truth is None else loaded.truth.rewards
        learned_in = method.learning_world(config, ways, dataset, truth, model, device)
        for text in [*fit_notices(fit), *leave_notices(learned_in.fitted_leave)]:
            monitor.notice(text)
        membership, estimates = learned_in.membership, learned_in.predicted
        others: list[EpochJudge] = []
        if config.evaluation.referee:
            others.append(Referee.of(config, dataset, ways, membership, out, device, monitor, monitor.notice))
        others += further_judges(specified, estimates, membership)
        learner = learner_of(config, dataset, model, learned_in, device)
        if warm_start is not None and former is not None:
            warm_start.continue_policy(learner.policy, dataset, former.places)
        divide_rollouts(learner, config.training.groups, workers)
        simulated = simulated_world(config, learned_in)
        _learn(_Run(config, dataset, folder, learner, simulated, judge, tuple(others), logs, device), monitor)
        own = None if warm_start is None else (model, fit)
        sources = opponent_sources(out, config, dataset, device, monitor.notice, own, workers)
        visits = visits_test(specified, judge, loaded.truth, monitor.notice)
        found, returns = judged(specified, judge, learner.policy.scorer(), learned_in, sources, visits, monitor.notice)
        if returns:
            users = [str(raw) for raw in dataset.log.user_ids[dataset.world.users].tolist()]
            write_user_returns(folder.path / USER_RETURNS, users, returns)
        notes = data_notes(config, loaded) + (judge.rows.notes if isinstance(judge, HeldOutJudge) else [])
        told: dict[str, Any] = {"notes": notes, **({"selection": chosen} if (chosen := selection_found(fit)) else {})}
        told |= {**leave_found(learned_in.fitted_leave), **search_found(learned_in, learner, monitor.notice)}
        return _finish(config, dataset, folder, {**found, **told})


def _world_model(
    shared: Path,
    folder: RunFolder,
    config: ExperimentConfig,
    dataset: Dataset,
    device: torch.device,
    monitor: Monitor,
    former: Former | None,
    workers: Workers,
) -> tuple[WorldModel, dict[str, Any]]:
    """The run's world model, and the report of its fit. It is fitted into `shared` unless an earlier run did so.

    The run folder gets a copy of it.
    """
    if folder.has_tensors(WORLD_MODEL):  # a resumed run keeps its first world model
        return load_world_model(folder.path / f"{WORLD_MODEL}.safetensors", device)
    told = monitor, monitor.notice
    model, fit = obtain_world_model(shared, config, dataset, ways_of(config), device, *told, former, workers)
    save_world_model(folder.path / f"{WORLD_MODEL}.safetensors", config.world_model.kind, model, fit)
    return model, fit


@dataclass(frozen=True)
class _Run:
    """The parts that learning and testing need."""

    config: ExperimentConfig
    dataset: Dataset
    folder: RunFolder
    learner: Learner
    simulated: EvaluationWorld
    judge: Judge
    others: tuple[EpochJudge, ...]
    logs: tuple[Logger, ...]
    device: torch.device


def _learn(run: _Run, monitor: Monitor) -> None:
    """Do the remaining epochs. After each epoch write its record, the policy if it is the best so far, and a checkpoint."""
    done, steps, best = _resume(run.folder, run.learner)
    for log in run.logs:
        log.add(run.folder.metrics())
    if done < run.config.training.epochs:
        monitor.learning(done, run.config.training.epochs)
    while done < run.config.training.epochs:
        done += 1
        try:
            record = _epoch(run, done, steps)
        except RunError as error:
            raise RunError(f"{run.folder.path}, epoch {done}: {error}") from error
        steps = record["steps"]
        tensors = run.learner.tensors()
        _require_finite(tensors, f"{run.folder.path}, epoch {done}")
        run.folder.append_metrics(record)
        if best is None or record[CHOOSING_METRIC] > best:
            best = record[CHOOSING_METRIC]
            save_policy(run.folder, run.learner.policy, run.dataset, done)
        state = {"epoch": done, "steps": steps, "best": best}
        save_learned(run.folder, CHECKPOINT, tensors, state)
        for log in run.logs:
            log.add([record])
        monitor.trained(record, run.config.training.epochs)


def _require_finite(tensors: Mapping[str, Tensor], place: str) -> None:
    """Raise `RunError` if a value is not finite, before the checkpoint is written: a run could never resume from it."""
    for name, tensor in tensors.items():
        if tensor.numel() and not torch.isfinite(torch.stack(tensor.aminmax())).all():
            raise RunError(f"{place}: '{name}' is no longer finite; stopped")


def _forget_progress(folder: RunFolder) -> None:
    """Begin a run again whose policy was deleted. Its best epoch is over, and only learning can restore that policy."""
    folder.remove(f"{SUMMARY}.json")  # the run is not finished until it is whole again
    folder.remove(f"{CHECKPOINT}.safetensors")


def _resume(folder: RunFolder, learner: Learner) -> tuple[int, int, float | None]:
    """Load the checkpoint, if there is one; returns finished epochs, finished steps and the best simulated return so far."""
    if not folder.has_tensors(CHECKPOINT):
        folder.keep_metrics(0)
        return 0, 0, None
    tensors, state = load_learned(folder, CHECKPOINT)
    with restoring(folder.path / f"{CHECKPOINT}.safetensors"):
        learner.restore(tensors)
    folder.keep_metrics(state["epoch"])
    return state["epoch"], state["steps"], state["best"]


def _epoch(run: _Run, number: int, steps_before: int) -> dict[str, Any]:
    """Do one epoch of learning and its test; returns a record of metrics.jsonl."""
    config, seed = run.config, run.config.seed
    generator = torch_generator(seed, "train", str(number), device=run.device)
    log = run.learner.epoch(config.training.environments, config.training.steps_per_epoch, generator)
    started = time.perf_counter()
    scorer = run.learner.policy.scorer()
    generator = torch_generator(seed, "simulator", str(number), device=run.device)
    users = run.simulated.draw_users(config.evaluation.episodes, generator)
    simulated = run.simulated.measure_as(SIMULATOR, users, scorer, generator)
    record = {
        "epoch": number,
        "steps": steps_before + log.steps,
        **run.judge.test(scorer, number),
        **({} if (table := run.learner.reward_table) is None else run.judge.errors(table, log.visited())),
        **simulated,
        **{name: value for other in run.others for name, value in other.test(scorer, number).items()},
        **log.metrics(),
    }
    record["seconds/testing"] = time.perf_counter() - started
    return record


def _finish(config: ExperimentConfig, dataset: Dataset, folder: RunFolder, found: Mapping[str, Any]) -> Finished:
    """Write the summary and the figure of the finished run."""
    records = folder.metrics()
    if len(records) != config.training.epochs:
        raise RunError(
            f"{folder.path / METRICS}: has {len(records)} records after {config.training.epochs} epochs: it was changed while"
            f" the run was working on it; {PUT_BACK}"
        )
    summary = {**summarise(records), **found, "peak_memory_mib": peak_memory()}
    save_figure(learning_curves(records, dataset.name, config.method, found["opponents"]), folder.path / "learning_curve.png")
    folder.write_summary(summary)  # written last: it marks the run as finished
    return Finished(folder.path, dataset.name, config, summary)
