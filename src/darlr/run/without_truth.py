"""What a log alone tells of a run's policy: its value by every estimator beside the opponents', and if it beats the popular."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.evaluation.held_out import HeldOut, judge_by_user
from darlr.evaluation.off_policy.estimating import Estimate, Judged, judge
from darlr.evaluation.off_policy.evidence import evidence_of
from darlr.evaluation.off_policy.intervals import bootstrap_by_user
from darlr.evaluation.off_policy.session_values import judge_sessions
from darlr.evaluation.off_policy.terms import Terms
from darlr.evaluation.off_policy.verdict import POPULAR, Verdict, against_popular, compared
from darlr.evaluation.table import NDCG
from darlr.world.window import Window

POLICY_SAMPLED, POLICY_GREEDY = "policy, sampled", "policy, greedy"


@dataclass(frozen=True)
class LogJudgement:
    """What a log tells of a policy and of its opponents.

    Attributes:
        judged: the values of all of them.
        sessions: policy > session estimator -> return of a session; empty where the log has no sessions with steps.
        verdicts: how the policy stands beside the popular list, by value and by held-out ranking.
        notes: what a reader must know of the rows.
    """

    judged: Judged
    sessions: Mapping[str, Mapping[str, Estimate]]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As a summary holds it; a value that has no number is None."""
        return {
            "logged": _plain(asdict(self.judged.logged)),
            "estimates": _plain_estimates(self.judged.estimates),
            "sessions": _plain_estimates(self.sessions),
            "support": {
                policy: {weights: _plain(asdict(support)) for weights, support in found.items()}
                for policy, found in self.judged.support.items()
            },
            "against_popular": [asdict(verdict) for verdict in self.verdicts],
            "notes": list(self.notes),
        }


def judge_by_log(
    dataset: Dataset,
    judging: InteractionLog,
    scorer: Scorer,
    opponents: Mapping[str, Scorer],
    estimates: Tensor,
    start: Window,
    ranking: HeldOut | None,
    generator: np.random.Generator,
) -> LogJudgement:
    """Judge `scorer` and the `opponents`, which act greedily, by rows that neither they nor the estimates have seen.

    Args:
        dataset: what was learned from.
        judging: the rows that judge, with the data set's users and items.
        estimates: (n_users, n_items) of the world model.
        start: (1, L) the window before the first step.
        ranking: held-out rows that a ranking is judged by; None for none.
    """
    evidence = evidence_of(dataset, judging, estimates, start, generator)
    decisions = {
        POLICY_SAMPLED: evidence.decisions(scorer, POLICY_SAMPLED, greedy=False),
        POLICY_GREEDY: evidence.decisions(scorer, POLICY_GREEDY, greedy=True),
        **{name: evidence.decisions(opponent, name, greedy=True) for name, opponent in opponents.items()},
    }
    judged = judge(decisions, generator)
    verdicts = [against_popular(judged, POLICY_SAMPLED)]
    if ranking is not None:
        verdicts.append(_by_ranking(ranking, scorer, opponents[POPULAR], start, generator))
    sessions = {} if evidence.sessions is None else judge_sessions(decisions, evidence.sessions, generator)
    return LogJudgement(judged, sessions, tuple(verdicts), evidence.notes)


def _by_ranking(rows: HeldOut, scorer: Scorer, popular: Scorer, start: Window, generator: np.random.Generator) -> Verdict:
    """Beside the popular list by NDCG of the held-out rows, user by user."""
    values = {name: judge_by_user(rows, each, start)[NDCG.name] for name, each in (("ours", scorer), (POPULAR, popular))}
    terms = {name: Terms.mean(column) for name, column in values.items()}
    low, high = bootstrap_by_user(terms, np.arange(len(rows.users)), generator).difference("ours", POPULAR)
    return compared(f"{NDCG.label} on held-out rows", terms["ours"].value, terms[POPULAR].value, low, high)


def _plain_estimates(estimates: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {policy: {name: _plain(asdict(each)) for name, each in found.items()} for policy, found in estimates.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()}
