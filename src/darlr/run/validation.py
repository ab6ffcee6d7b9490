"""A test of judges: policies made from a log alone are ranked by every judge and by their true returns.

The truth is opened after all policies are made and all judges have given their values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from darlr.config.loading import merge, with_settings
from darlr.data.log import InteractionLog
from darlr.data.plausibility.logs import overlap
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError, RunError
from darlr.evaluation.agreement import Validation, agreement, tau_of
from darlr.evaluation.held_out import held_out_rows, judge_held_out
from darlr.evaluation.modes import NX_0, REFEREE, SIMULATOR
from darlr.evaluation.off_policy.contexts import estimated_rows
from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.evidence import Evidence, evidence_of
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.table import NDCG, RETURN
from darlr.methods.experiment import experiment_config
from darlr.methods.world import world_membership
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.candidates import LEARNED, PLAIN, Candidate, learned_candidates, listed_candidates
from darlr.run.choosing import ways_of
from darlr.run.referee import Referee
from darlr.run.specification import SpecifiedRun, with_canonical_dataset
from darlr.run.training import Monitor
from darlr.run.world_models import obtain_world_model
from darlr.run.worlds import estimated_world, lookback_of, true_world
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.window import Window

SCHEDULE: Mapping[str, Any] = {"training": {"epochs": 5, "steps_per_epoch": 20_000}}
"""A short schedule on purpose, because judges are tested on policies of different quality."""
ESTIMATED = "/estimated"
"""The ending of the name of an estimator that did not use the log's propensities."""

NO_ROWS = (
    "no held-out row is about a user and an item of the test world, so held-out ranking and estimators have nothing to judge by"
)

Values = dict[str, dict[str, float]]
"""judge -> policy -> value"""


def validate(values: Mapping[str, Any], data_dir: Path | None, out: Path, device: torch.device, monitor: Monitor) -> Validation:
    """Test every judge on the data set that `values` (keys of `ExperimentConfig`, without a method) name.

    World models are stored below `out` and reused by the next call.

    Raises:
        InputError: for settings or data that cannot be used, and for a data set without a truth.
    """
    _require_no_method(values)
    named = with_canonical_dataset(values, data_dir)
    return validate_on(load(experiment_config(named), data_dir, monitor.notice), named, out, device, monitor)


def _require_no_method(values: Mapping[str, Any]) -> None:
    if "method" in values:
        raise InputError("config key 'method' is given, but the policies that are judged have methods of their own")


def validate_on(
    loaded: LoadedDataset, values: Mapping[str, Any], out: Path, device: torch.device, monitor: Monitor
) -> Validation:
    """Test every judge on a data set in memory; `values` say how it is found again, if possible."""
    _require_no_method(values)
    named = merge(SCHEDULE, values)
    if loaded.truth is None:
        raise InputError(f"data set '{loaded.dataset.name}' has no truth to compare judges with; expected one that has a truth")
    blind = replace(loaded, truth=None)  # the data set as a user without a truth has it: with held-out rows alone
    runs = {name: SpecifiedRun.of(with_settings(named, settings), blind) for name, settings in LEARNED.items()}
    bench = _Bench.of(runs, out, device, monitor)
    learned = learned_candidates(runs, out, device, monitor)
    candidates = {**listed_candidates(bench.plain, bench.estimates, bench.membership, out, device, monitor), **learned}
    monitor.notice(f"{len(candidates)} policies are judged")
    by_log = _by_log(bench, candidates)
    judged = {**_by_models(bench, candidates), **by_log.values}
    truth, step_truth = _true_values(bench, candidates, by_log.evidence, loaded.truth)
    seed = bench.plain.config.seed
    agreements = {name: agreement(found, truth, numpy_generator(seed, "validate", name)) for name, found in judged.items()}
    step_taus = {name: tau_of(found, step_truth) for name, found in judged.items()}
    return Validation(loaded.dataset.name, truth, step_truth, judged, by_log.doubted, agreements, step_taus, by_log.notes)


@dataclass(frozen=True)
class _Bench:
    """The judges of policies.

    Attributes:
        plain: the run whose world model the lists and the estimators use.
        held_out: the rows of the log from which nothing was learned.
        membership: (n_items, C) bool.
        estimates: (n_users, n_items) of the plain run's world model.
        referee: the world of another world model.
        lookback: the number of positions of an episode that policies see.
        device: the device that computes.
    """

    plain: SpecifiedRun
    held_out: InteractionLog
    membership: Tensor
    estimates: Estimates
    referee: EvaluationWorld
    lookback: int
    device: torch.device

    @classmethod
    def of(cls, runs: Mapping[str, SpecifiedRun], out: Path, device: torch.device, monitor: Monitor) -> "_Bench":
        plain = runs[PLAIN]
        config, dataset, ways = plain.config, plain.dataset, ways_of(plain.config)
        if plain.held_out is None:
            raise RunError("no held-out rows to judge policies by")
        membership = world_membership(dataset, dataset.world.items, device)
        model, _ = obtain_world_model(plain.world_model_path(out), config, dataset, ways, device, monitor, monitor.notice)
        estimates = Predicted.kept(model, dataset.world.users, dataset.world.items, device).rewards
        referee = Referee.of(config, dataset, ways, membership, out, device, monitor, monitor.notice)
        lookback = max(lookback_of(run.config) for run in runs.values())
        return cls(plain, plain.held_out, membership, estimates, referee.world, lookback, device)

    def value(self, world: EvaluationWorld, name: str, candidate: Candidate, what: str) -> float:
        """Return the mean return of an episode in NX_0 over every user of `world`; `what` names the world in an error."""
        seen = replace(world, lookback=max(self.lookback, world.lookback))
        generator = torch_generator(self.plain.config.seed, "validate", what, name, device=self.device)
        draws = generator if candidate.draws else None
        found = seen.measure(NX_0, seen.every_user, candidate.scorer, draws)[RETURN.name]
        if found is None:
            raise RunError(f"policy '{name}' has no return in the world of the {what}")
        return found


def _by_models(bench: _Bench, candidates: Mapping[str, Candidate]) -> Values:
    """Return the returns in each policy's own simulator, with plain estimates, and in the referee's world."""
    config, dataset = bench.plain.config, bench.plain.dataset
    simulated = {
        name: bench.value(estimated_world(config, dataset, each.estimates, bench.membership), name, each, SIMULATOR)
        for name, each in candidates.items()
    }
    return {
        SIMULATOR: simulated,
        REFEREE: {name: bench.value(bench.referee, name, each, REFEREE) for name, each in candidates.items()},
    }


@dataclass(frozen=True)
class _ByLog:
    """The judgement by the log: values and doubts as in `Validation`, and the rows that judged, None if there are none."""

    values: Values
    doubted: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    evidence: Evidence | None


def _by_log(bench: _Bench, candidates: Mapping[str, Candidate]) -> _ByLog:
    """Judge by held-out ranking and every estimator; if the log has propensities, each estimator also uses estimated ones.

    The result is empty if no held-out row is about a user and an item of the test world, as in KuaiRec.
    """
    dataset, held_out = bench.plain.dataset, bench.held_out
    if overlap(held_out, dataset.world) == 0:
        return _ByLog({}, {}, (NO_ROWS,), None)
    start = Window.at_start(dataset.world.n_items, bench.lookback, bench.device)
    rows = held_out_rows(dataset.log, held_out, dataset.world, bench.device)
    found: Values = {
        NDCG.name: {name: judge_held_out(rows, each.scorer, start)[NDCG.name] for name, each in candidates.items()}
    }
    doubted: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    logs = {"": held_out}
    if held_out.exposure is not None and held_out.exposure.propensities is not None:
        others = replace(held_out.exposure, propensities=None)
        logs[ESTIMATED] = replace(held_out, exposure=others if len(others) else None)
    for suffix, log in logs.items():
        generator = numpy_generator(bench.plain.config.seed, "validate", "off_policy")
        evidence = evidence_of(dataset, log, bench.estimates, start, generator)
        notes += evidence.notes
        judged = judge({name: _decisions(evidence, name, each) for name, each in candidates.items()}, generator).estimates
        for estimator in next(iter(judged.values())):
            found[estimator + suffix] = {name: estimates[estimator].value for name, estimates in judged.items()}
            doubted[estimator + suffix] = tuple(name for name, estimates in judged.items() if not estimates[estimator].told)
    return _ByLog(found, doubted, tuple(dict.fromkeys(notes)), evidence)


def _decisions(evidence: Evidence, name: str, candidate: Candidate) -> Decisions:
    return evidence.decisions(candidate.scorer, name, greedy=not candidate.draws)


def _true_values(
    bench: _Bench, candidates: Mapping[str, Candidate], evidence: Evidence | None, truth: Truth
) -> tuple[dict[str, float], dict[str, float]]:
    """Return, for every policy, the true return of an episode, and the true mean reward of a recommendation on the judging
    rows.

    The second is empty if there are no judging rows.
    """
    dataset = bench.plain.dataset
    world = true_world(bench.plain.config, dataset, truth, dataset.world.items, bench.device)
    returns = {name: bench.value(world, name, each, "truth") for name, each in candidates.items()}
    if evidence is None:
        return returns, {}
    rows = replace(evidence.rows, modelled=estimated_rows(KeptEstimates(world.table), evidence.rows.users))
    told = replace(evidence, rows=rows)
    return returns, {name: float(_decisions(told, name, each).expected.mean()) for name, each in candidates.items()}
