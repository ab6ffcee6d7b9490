"""The criteria by which runs are judged and compared, and the statistics of summaries in reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from darlr.evaluation.modes import GREEDY, HELD_OUT, NX_0, SAMPLED
from darlr.evaluation.table import NDCG, RETURN, Metric, Values
from darlr.report.rendering.table import Quantity


@dataclass(frozen=True)
class Criterion:
    """The criterion that compares runs in a mode.

    Attributes:
        title: names the mode in titles.
        metric, policy: the main metric, and how the judged policy chooses items.
        every_user: a description of the final test of policy and opponents.
    """

    title: str
    metric: Metric
    policy: str
    every_user: str


CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        NX_0: Criterion("NX_0", RETURN, SAMPLED, "one greedy episode for each user of the test world"),
        HELD_OUT: Criterion("held-out log rows (no truth)", NDCG, GREEDY, "each user with held-out rows"),
    }
)
"""The criteria by the mode that judges runs: the main mode of a test, or held-out log rows if there is no truth."""

SAMPLED_EVERYWHERE = "every_user_sampled"
"""The entry of a summary with the last policy's test on every user, with items drawn from it."""

NOISY = "every_user_noisy"
"""The entry of a summary with the test on users whose answers carry the log's noise (docs/protocol.md, section 3)."""

NOISY_NOTE = "noisy: what users give carries the log's noise; what is counted does not."


def judging_mode(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return the mode of `CRITERIA` that judges these runs."""
    return NX_0 if any(NX_0 in summary for summary in summaries) else HELD_OUT


def statistic_of(summary: Mapping[str, Any], mode: str, policy: str, metric: Metric, statistic: str) -> Mapping[str, Any]:
    """Return `mean` and `std` in a summary; empty if it has no such mean."""
    entry: Mapping[str, Any] = summary.get(mode, {}).get(policy, {}).get(metric.name, {}).get(statistic, {})
    return entry if entry.get("mean") is not None else {}


def means_of(summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: Metric, statistic: str) -> list[float]:
    """Return the mean in every summary that has it."""
    entries = [statistic_of(summary, mode, policy, metric, statistic) for summary in summaries]
    return [entry["mean"] for entry in entries if entry]


def recent(summaries: Sequence[Mapping[str, Any]], mode: str, policy: str, metric: Metric) -> Quantity | None:
    """Return the last 20% of epochs: mean over seeds and half-width of its 95% t interval; None if no run has the metric."""
    return Quantity.over_seeds(means_of(summaries, mode, policy, metric, "last20"))


def every_user(summaries: Sequence[Mapping[str, Any]], mode: str, metric: Metric, entry: str = "every_user") -> Quantity | None:
    """Return the value of the last epoch's policy on every user, over seeds; None if no run was judged so.

    Args:
        summaries: of the seeds.
        mode: the judging mode.
        metric: the metric.
        entry: the entry of the summaries; `NOISY` for users with noisy answers.
    """
    return over_seeds([summary.get(entry, {}).get(mode, {}) for summary in summaries], metric)


def over_seeds(values: Sequence[Values], metric: Metric) -> Quantity | None:
    """Return the metric over the seeds that have it; None if none has."""
    return Quantity.over_seeds([value for of_one in values if (value := of_one.get(metric.name)) is not None])


def probability(p: float) -> str:
    """Format a p value for tables."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
