"""Judgement of a run's policy by a log alone: its value by every estimator, next to the opponents' and to the popular
list's.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.evaluation.held_out import HeldOut, ranked_lists
from darlr.evaluation.off_policy.estimating import Estimate, Judged, judge
from darlr.evaluation.off_policy.evidence import evidence_of
from darlr.evaluation.off_policy.intervals import bootstrap_by_user
from darlr.evaluation.off_policy.session_values import judge_sessions
from darlr.evaluation.off_policy.terms import Terms
from darlr.evaluation.off_policy.verdict import POPULAR, Verdict, against_popular, compared
from darlr.evaluation.ranked_lists import RankedLists, ndcg
from darlr.evaluation.table import NDCG, values_of_lists
from darlr.rewards.estimates.interface import Estimates
from darlr.world.window import Window

POLICY_SAMPLED, POLICY_GREEDY = "policy, sampled", "policy, greedy"


@dataclass(frozen=True)
class LogJudgement:
    """The judgement of a policy and of its opponents by a log.

    Attributes:
        judged: the values of all of them.
        sessions: policy -> session estimator -> return of a session; empty if the log has no sessions with steps.
        ranking: policy -> metric -> value of its best items on held-out rows; empty if no ranking is judged.
        verdicts: comparisons of the policy with the popular list, by value and by held-out ranking.
        notes: lines that a reader must know about the rows.
    """

    judged: Judged
    sessions: Mapping[str, Mapping[str, Estimate]]
    ranking: Mapping[str, Mapping[str, float]]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of a summary; a missing value is None."""
        return {
            "logged": _plain(asdict(self.judged.logged)),
            "estimates": _plain_estimates(self.judged.estimates),
            "sessions": _plain_estimates(self.sessions),
            "held_out": {policy: dict(values) for policy, values in self.ranking.items()},
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
    estimates: Estimates,
    start: Window,
    ranking: HeldOut | None,
    generator: np.random.Generator,
) -> LogJudgement:
    """Judge `scorer` and the `opponents`, which act greedily, by rows that neither they nor the estimates have seen.

    Args:
        dataset: the data that was learned from.
        judging: the rows that judge, with the data set's users and items.
        scorer: the policy.
        opponents: the opponents by name.
        estimates: (n_users, n_items) of the world model.
        start: (1, L) the window before the first step.
        ranking: held-out rows that judge a ranking; None for none.
        generator: draws resamples, and fits the logging policy.
    """
    evidence = evidence_of(dataset, judging, estimates, start, generator)
    decisions = {
        POLICY_SAMPLED: evidence.decisions(scorer, POLICY_SAMPLED, greedy=False),
        POLICY_GREEDY: evidence.decisions(scorer, POLICY_GREEDY, greedy=True),
        **{name: evidence.decisions(opponent, name, greedy=True) for name, opponent in opponents.items()},
    }
    judged = judge(decisions, generator)
    verdicts = [against_popular(judged, POLICY_SAMPLED)]
    ranked: dict[str, Mapping[str, float]] = {}
    if ranking is not None:
        lists = {name: ranked_lists(ranking, each, start) for name, each in {POLICY_GREEDY: scorer, **opponents}.items()}
        ranked = {name: values_of_lists(each) for name, each in lists.items()}
        verdicts.append(_by_ranking(lists[POLICY_GREEDY], lists[POPULAR], generator))
    sessions = {} if evidence.sessions is None else judge_sessions(decisions, evidence.sessions, generator)
    return LogJudgement(judged, sessions, ranked, tuple(verdicts), evidence.notes)


def _by_ranking(ours: RankedLists, popular: RankedLists, generator: np.random.Generator) -> Verdict:
    """Compare with the popular list by NDCG on the held-out rows, user by user."""
    terms = {name: Terms.mean(ndcg(lists)) for name, lists in (("ours", ours), (POPULAR, popular))}
    low, high = bootstrap_by_user(terms, np.arange(len(ours.items)), generator).difference("ours", POPULAR)
    return compared(f"{NDCG.label} on held-out rows", terms["ours"].value, terms[POPULAR].value, low, high)


def _plain_estimates(estimates: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {policy: {name: _plain(asdict(each)) for name, each in found.items()} for policy, found in estimates.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()}
