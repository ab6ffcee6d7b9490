"""Settings of the test after every epoch."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from darlr.config.constraints import Section, Setting

Split = Literal["random", "time", "last", "user", "pair"]

LogJudge = Literal["ndcg_10", "dr", "shrunk_dr", "switch_dr", "snips", "ips", "clipped_ips", "offcem", "mips", "dm"]
"""Judges by held-out rows: a ranking metric, or an estimator of `evaluation/off_policy`."""
DEFAULT, ALL = "default", "all"
"""Values of `evaluation.opponents` beside names: the opponents with quick fits, and all opponents."""

FurtherJudge = Literal["none", "simulator", LogJudge]


@dataclass(frozen=True)
class EvaluationConfig(Section):
    """The test after every epoch (docs/protocol.md, section 3)."""

    KEY: ClassVar[str] = "evaluation"

    episodes: Annotated[
        int, Setting("number of episodes of a test; users are drawn with replacement", at_least=1, at_most=10_000_000)
    ] = 100
    held_out: Annotated[
        float, Setting("share of the log that judges the policy if the data set has no truth", above=0, below=1)
    ] = 0.1
    split: Annotated[
        Split,
        Setting(
            "which rows are held out. random: any. time: the latest. last: each user's latest. user: all rows of some users. "
            "pair: chosen by the ids of user and item, so the same pairs are held out when the log grows"
        ),
    ] = "random"
    noise: Annotated[
        float,
        Setting(
            "share of the log's noise in users' answers, in a second test of the last policy; 0: no such test",
            at_least=0,
            at_most=1_000,
        ),
    ] = 1.0
    referee: Annotated[
        bool, Setting("whether a second world model, from which the policy did not learn, judges it, too (darlr tune)")
    ] = False
    judge: Annotated[
        FurtherJudge,
        Setting(
            "what else judges the policy after every epoch (darlr tune --judge); simulator: estimates that it learned from; "
            "others: rows held out of the log, also where there is a truth (docs/judging.md)"
        ),
    ] = "none"

    opponents: Annotated[
        tuple[str, ...],
        Setting(
            "opponents reported beside the method; default: all but those with long fits, like sasrec; all: these, too "
            "(docs/methods/supervised.md)",
            filled=True,
            distinct=True,
        ),
    ] = (DEFAULT,)
    by_group: Annotated[
        str, Setting("feature of users by whose values held-out metrics are given group by group, too; empty: none")
    ] = ""

    horizon: Annotated[
        float,
        Setting(
            "days of a last test over several visits of every user, who come back sooner the more they liked a visit; 0: no "
            "such test (it needs a truth, and a log with times)",
            at_least=0,
            at_most=10_000,
        ),
    ] = 0.0

    @property
    def by_log(self) -> bool:
        """Whether `judge` needs rows of the log that are held out of learning."""
        return self.judge in get_args(LogJudge)
