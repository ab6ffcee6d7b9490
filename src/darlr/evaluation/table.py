"""The table of metrics: names, meanings and functions. Others add to it with `register_metric`.

This module does not import torch, because a report only needs the names and labels.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.evaluation.metrics import (
    FinishedEpisodes,
    category_domination,
    choice_rate,
    coverage,
    coverage_per_recommendation,
    episode_length,
    episode_return,
    slot_reward,
    step_reward,
)
from darlr.evaluation.modes import HELD_OUT, RECORDED_MODES, REFEREE, SIMULATOR, TEST_MODES
from darlr.evaluation.ranked_lists import (
    RankedLists,
    average_precision,
    catalogue_coverage,
    gini,
    hit_rate,
    miscalibration,
    ndcg,
    novelty,
    popularity_bias,
    recall,
    reciprocal_rank,
)
from darlr.registry import Registry

Values = Mapping[str, float | None]
"""metric -> value; None where the metric does not apply."""

Results = Mapping[str, Mapping[str, Values]]
"""policy -> mode -> metric -> value."""

Compute = Callable[[FinishedEpisodes], float | None]

ComputeOfLists = Callable[[RankedLists], NDArray[np.float64] | float | None]

CUTOFF = 10
"""The number of items of a ranked list that are judged against held-out rows."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that judges a policy.

    Attributes:
        name: its name in records and summaries: lower-case letters, digits and underscores.
        label: the heading of its column.
        description: a line of docs/metrics.md.
        compute: its value for the finished episodes of a test, None if it does not apply.
        compute_of_lists: its value for ranked lists judged by held-out rows: (q,) of each user, NaN if it does not apply to
            one, or one number for all lists, None if it does not apply. A metric needs this function if its modes name
            held-out rows, and `compute` if they name others.
        unit: its unit; "" for a share.
        better: the better direction; None if there is none.
        modes: the modes that record it.
        of_slates: whether it says something about slates alone; tests of single recommendations then leave it out.
        shown: where it is shown: in the records (metrics.jsonl, summary.json) alone, in the reports' tables as well, or in
            tables and pictures.
        heading: the heading of a panel of the page; by default made from the label.
        axis: the name of a picture's axis; by default made from the label.
    """

    name: str
    label: str
    description: str
    compute: Compute | None = None
    compute_of_lists: ComputeOfLists | None = None
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    modes: tuple[str, ...] = TEST_MODES
    of_slates: bool = False
    shown: Literal["records", "tables", "pictures"] = "pictures"
    heading: str = ""
    axis: str = ""

    def __post_init__(self) -> None:
        """Fill in the default texts.

        Raises:
            InputError: for a name or a mode that records cannot have, or a mode without its function.
        """
        if not _NAME.fullmatch(self.name):
            raise InputError(f"a metric is named '{self.name}'; expected lower-case letters, digits and underscores")
        for mode in self.modes:
            if mode not in RECORDED_MODES:
                raise InputError(f"metric '{self.name}' has mode '{mode}'; expected one of {', '.join(RECORDED_MODES)}")
        if self.compute is None and any(mode != HELD_OUT for mode in self.modes):
            raise InputError(f"metric '{self.name}' has no 'compute'; expected a function of finished episodes")
        if self.compute_of_lists is None and HELD_OUT in self.modes:
            raise InputError(
                f"metric '{self.name}' has mode '{HELD_OUT}' and no 'compute_of_lists'; expected a function of ranked lists"
            )
        better = f", {self.better} is better" if self.better else ""
        object.__setattr__(self, "heading", self.heading or f"{self.label}{better}")
        object.__setattr__(self, "axis", self.axis or (f"{self.label} ({self.unit})" if self.unit else self.label))

    def recorded(self, mode: str, policy: str) -> str:
        """Return its name in a record: `mode/policy/name`."""
        return f"{mode}/{policy}/{self.name}"


RETURN = Metric(
    name="r_tra",
    label="R_tra",
    description="the mean undiscounted return of an episode",
    compute=lambda episodes: episode_return(episodes.rewards),
    unit="reward",
    better="higher",
    modes=(*TEST_MODES, SIMULATOR, REFEREE),
    heading="R_tra, the return of an episode",
    axis="return of an episode",
)
STEP_REWARD = Metric(
    name="r_each",
    label="R_each",
    description="the mean reward of a step",
    compute=lambda episodes: step_reward(episodes.rewards, episodes.lengths),
    unit="reward",
    better="higher",
    shown="tables",
)
LENGTH = Metric(
    name="length",
    label="Length",
    description="the mean number of steps of an episode",
    compute=lambda episodes: episode_length(episodes.lengths),
    unit="steps",
    better="higher",
    modes=(*TEST_MODES, SIMULATOR, REFEREE),
    heading="Length, the steps of an episode",
    axis="length of an episode (steps)",
)
DOMINATION = Metric(
    name="mcd",
    label="MCD",
    description="the share of recommendations whose item has a dominant category, best moderate; null where items have none",
    compute=lambda episodes: (
        None if episodes.dominated is None else category_domination(episodes.recommended, episodes.dominated)
    ),
    shown="tables",  # the page has a separate section for it
    heading="MCD, the share with a dominant category",
)
COVERAGE = Metric(
    name="cv",
    label="CV",
    description="the share of the items that were recommended at all",
    compute=lambda episodes: coverage(episodes.recommended, episodes.n_allowed),
    shown="tables",
)
COVERAGE_PER_RECOMMENDATION = Metric(
    name="cv_turn",
    label="CV_turn",
    description="distinct items over recommendations",
    compute=lambda episodes: coverage_per_recommendation(episodes.recommended),
    shown="records",
)
SLOT_REWARD = Metric(
    name="r_slot",
    label="R_slot",
    description="the mean reward of a shown item, where steps show slates",
    compute=lambda episodes: slot_reward(episodes.rewards, episodes.recommended),
    unit="reward",
    better="higher",
    of_slates=True,
    shown="tables",
)
CHOICE_RATE = Metric(
    name="choice_rate",
    label="choice rate",
    description="the share of the steps at which the user chose an item, where steps show slates",
    compute=lambda episodes: (
        None if episodes.slates is None else choice_rate(episodes.slates, episodes.actions, episodes.taken)
    ),
    of_slates=True,
    shown="tables",
)
NDCG = Metric(
    name=f"ndcg_{CUTOFF}",
    label=f"NDCG@{CUTOFF}",
    description="NDCG of the ten best items against the held-out rows that the user liked; see below",
    compute_of_lists=ndcg,
    better="higher",
    modes=(HELD_OUT,),
    heading=f"NDCG@{CUTOFF} on held-out rows",
    axis=f"NDCG at {CUTOFF} on held-out rows",
)
RECALL = Metric(
    name=f"recall_{CUTOFF}",
    label=f"recall@{CUTOFF}",
    description="the share of those liked items that is among the ten best (of ten at most); see below",
    compute_of_lists=recall,
    better="higher",
    modes=(HELD_OUT,),
    heading=f"Recall@{CUTOFF} on held-out rows",
    axis=f"recall at {CUTOFF} on held-out rows",
)
HIT_RATE = Metric(
    name=f"hit_rate_{CUTOFF}",
    label=f"hit rate@{CUTOFF}",
    description="the share of users with a liked item among the ten best",
    compute_of_lists=hit_rate,
    better="higher",
    modes=(HELD_OUT,),
    shown="tables",
)
RECIPROCAL_RANK = Metric(
    name=f"mrr_{CUTOFF}",
    label=f"MRR@{CUTOFF}",
    description="one over the rank of the first liked item among the ten best, 0 without one",
    compute_of_lists=reciprocal_rank,
    better="higher",
    modes=(HELD_OUT,),
    shown="tables",
)
AVERAGE_PRECISION = Metric(
    name=f"map_{CUTOFF}",
    label=f"MAP@{CUTOFF}",
    description="the precision at the rank of each liked item among the ten best, summed, over the liked items (ten at most)",
    compute_of_lists=average_precision,
    better="higher",
    modes=(HELD_OUT,),
    shown="records",
)
LIST_COVERAGE = Metric(
    name=f"coverage_{CUTOFF}",
    label=f"coverage@{CUTOFF}",
    description="the share of the items that are among the ten best of somebody",
    compute_of_lists=catalogue_coverage,
    modes=(HELD_OUT,),
    shown="tables",
)
GINI = Metric(
    name=f"gini_{CUTOFF}",
    label=f"Gini@{CUTOFF}",
    description="how unevenly recommendations fall on the items: 0 for all alike, 1 for one item alone",
    compute_of_lists=gini,
    modes=(HELD_OUT,),
    shown="records",
)
NOVELTY = Metric(
    name=f"novelty_{CUTOFF}",
    label=f"novelty@{CUTOFF}",
    description="the mean self-information of the ten best: minus log2 of the share of the users who have the item in the log",
    compute_of_lists=novelty,
    unit="bits",
    modes=(HELD_OUT,),
    shown="records",
)
POPULARITY_BIAS = Metric(
    name=f"popularity_bias_{CUTOFF}",
    label=f"popularity bias@{CUTOFF}",
    description="the mean log2 popularity of the ten best less that of the user's own items in the log",
    compute_of_lists=popularity_bias,
    unit="bits",
    modes=(HELD_OUT,),
    shown="records",
)
MISCALIBRATION = Metric(
    name=f"calibration_{CUTOFF}",
    label=f"calibration@{CUTOFF}",
    description="how far the categories of the ten best are from those of the user's own items, where items have some",
    compute_of_lists=miscalibration,
    unit="nats",
    better="lower",
    modes=(HELD_OUT,),
    shown="records",
)


def _own() -> Mapping[str, Metric]:
    of_episodes = (RETURN, STEP_REWARD, LENGTH, DOMINATION, COVERAGE, COVERAGE_PER_RECOMMENDATION)
    ranking = (NDCG, RECALL, HIT_RATE, RECIPROCAL_RANK, AVERAGE_PRECISION)
    beyond_accuracy = (LIST_COVERAGE, GINI, NOVELTY, POPULARITY_BIAS, MISCALIBRATION)
    of_slates = (SLOT_REWARD, CHOICE_RATE)
    return {metric.name: metric for metric in (*of_episodes, *of_slates, *ranking, *beyond_accuracy)}


METRICS = Registry("metric", _own)


def register_metric(metric: Metric) -> Metric:
    """Add `metric` to every test, record and report, and return it.

    Raises:
        InputError: if its name is taken.
    """
    return METRICS.register(metric.name, metric)


def recorded_in(mode: str) -> list[Metric]:
    """Return the metrics that records have under `mode`."""
    return [metric for metric in METRICS.values() if mode in metric.modes]


def tabulated(mode: str) -> list[Metric]:
    """Return the metrics of `mode` that tables show, in the order of their columns."""
    return [metric for metric in recorded_in(mode) if metric.shown != "records"]


def drawn(mode: str) -> list[Metric]:
    """Return the metrics of `mode` that are drawn by epoch."""
    return [metric for metric in recorded_in(mode) if metric.shown == "pictures"]


def values_of(episodes: FinishedEpisodes, mode: str) -> dict[str, float | None]:
    """Return the value of every metric that records have under `mode`, for these episodes.

    Raises:
        InputError: naming a metric that returns no number.
    """
    single = episodes.slates is None
    metrics = [metric for metric in recorded_in(mode) if not (single and metric.of_slates)]
    values = {metric.name: metric.compute(episodes) for metric in metrics if metric.compute is not None}
    for name, value in values.items():
        _require_number(name, value)
    return values


def values_of_lists(lists: RankedLists) -> dict[str, float]:
    """Return every applicable metric of held-out rows; a metric with a value for each user is averaged over users.

    Raises:
        InputError: naming a metric that returns no number.
    """
    values: dict[str, float] = {}
    for name, found in _of_lists(lists).items():
        value = _mean_of_known(found) if isinstance(found, np.ndarray) else found
        _require_number(name, value)
        if value is not None:
            values[name] = value
    return values


def _of_lists(lists: RankedLists) -> dict[str, NDArray[np.float64] | float | None]:
    metrics = recorded_in(HELD_OUT)
    return {metric.name: metric.compute_of_lists(lists) for metric in metrics if metric.compute_of_lists is not None}


def _mean_of_known(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _require_number(name: str, value: object) -> None:
    if value is not None and not isinstance(value, int | float):
        raise InputError(f"metric '{name}' gave a {type(value).__name__}; expected a number or None")
