"""The final judgement of a run's policy and its opponents: by the truth, or by the log if there is none."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.truth import Truth
from darlr.errors import RunError
from darlr.evaluation.held_out import held_out_rows, held_out_signals
from darlr.evaluation.judging import HeldOutJudge, Judge, TruthJudge
from darlr.evaluation.opponents import Sources
from darlr.evaluation.user_groups import require_feature
from darlr.evaluation.user_returns import POLICY as POLICY_RETURNS
from darlr.evaluation.user_returns import Returns
from darlr.evaluation.visits import VisitsTest
from darlr.methods.world import LearningWorld
from darlr.report.analysis.off_policy import OFF_POLICY
from darlr.report.analysis.user_groups import BY_GROUP, POLICY
from darlr.rewards.estimates.interface import Estimates
from darlr.run.specification import SpecifiedRun
from darlr.run.without_truth import judge_by_log
from darlr.run.worlds import lookback_of, true_world
from darlr.seeding import numpy_generator
from darlr.world.window import Window


def judge_of(specified: SpecifiedRun, truth: Truth | None, device: torch.device) -> Judge:
    """Return the judge of the run's policies: the truth, or the log's held-out rows if there is none."""
    config, dataset = specified.config, specified.dataset
    items = dataset.world.items
    if config.evaluation.by_group:
        require_feature(dataset.user_features, config.evaluation.by_group)
    if truth is not None:
        return TruthJudge(config, dataset, true_world(config, dataset, truth, items, device), device)
    if specified.held_out is None:
        raise RunError("neither a truth nor held-out rows to judge the policy by")
    rows = held_out_rows(dataset.log, specified.held_out, dataset.world, device, dataset.items)
    signals = held_out_signals(dataset.log, specified.held_out, dataset.world, device, dataset.items)
    return HeldOutJudge(config, dataset, rows, Window.at_start(len(items), lookback_of(config), device), signals)


def judged(
    specified: SpecifiedRun,
    judge: Judge,
    scorer: Scorer,
    world: LearningWorld,
    sources: Sources,
    visits: VisitsTest | None,
    notice: Callable[[str], None],
) -> tuple[dict[str, Any], Returns]:
    """Return the summary's entries about the policy and its opponents at the end (docs/metrics.md), and returns by user.

    Args:
        specified: the run.
        judge: its judge.
        scorer: the policy.
        world: the world that it learned in; its estimates and categories make opponents.
        sources: the factor model of the log, and other fits.
        visits: the test over several visits; None if it is not asked for.
        notice: gets the comparison with the popular list, if the log judges.
    """
    opponents = judge.opponents(world.predicted, world.membership, sources)
    found, returns = _by_judge(judge, scorer, opponents, world.membership, sources, visits)
    if isinstance(judge, HeldOutJudge):
        found[OFF_POLICY] = _by_log(specified, judge, scorer, opponents, world.predicted, notice)
    return found, returns


def _by_judge(
    judge: Judge,
    scorer: Scorer,
    opponents: Mapping[str, Scorer],
    membership: Tensor,
    sources: Sources,
    visits: VisitsTest | None,
) -> tuple[dict[str, Any], Returns]:
    tests = {POLICY_RETURNS: judge.every_user(scorer), **judge.compare(opponents, membership)}
    noisy = {name: judge.noisy_users(opponent, sources.factors) for name, opponent in opponents.items() if opponent.lookback}
    found: dict[str, Any] = {
        "every_user": tests[POLICY_RETURNS].modes,
        "every_user_sampled": judge.every_user_sampled(scorer),
        "every_user_noisy": judge.noisy_users(scorer, sources.factors),
        "opponents": {name: test.modes for name, test in tests.items() if name != POLICY_RETURNS},
        "opponents_noisy": {name: modes for name, modes in noisy.items() if modes},
        "categories": judge.categories(scorer, membership),
    }
    if groups := judge.by_group({POLICY: scorer, **opponents}):
        found[BY_GROUP] = groups
    if signals := judge.by_signal({POLICY: scorer, **opponents}):
        found["signals"] = signals
    if visits is not None:
        lists = {name: visits.value(opponent) for name, opponent in opponents.items()}
        found["visits"] = {"days": visits.days, POLICY: visits.value(scorer), "opponents": lists}
    return found, {name: test.returns.cpu().numpy() for name, test in tests.items() if test.returns is not None}


def _by_log(
    specified: SpecifiedRun,
    judge: HeldOutJudge,
    scorer: Scorer,
    opponents: Mapping[str, Scorer],
    estimates: Estimates,
    notice: Callable[[str], None],
) -> dict[str, Any]:
    """Return the entry about the policy's value by the held-out rows; `notice` gets the comparison with the popular list."""
    if specified.held_out is None:
        raise RunError("no held-out rows to judge the policy by")
    generator = numpy_generator(specified.config.seed, OFF_POLICY)
    found = judge_by_log(
        specified.dataset, specified.held_out, scorer, opponents, estimates, judge.start, judge.rows, generator
    )
    for verdict in found.verdicts:
        notice(verdict.line)
    return found.to_dict()
