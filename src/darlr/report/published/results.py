"""The published results, for comparison with ours.

`published_results.csv` holds the numbers of Tables 2, 3 and 4 of "DARLR: Dual-Agent Offline Reinforcement Learning for
Recommender Systems with Dynamic Reward" (SIGIR 2025). They are mean and standard deviation over the epochs of one run, mode
NX_0.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from darlr.evaluation.modes import GREEDY, SAMPLED

SOURCE = "DARLR, SIGIR 2025, Tables 2 to 4"

# Table 4's names for the variants of DARLR.
_PRINTED_NAMES = {
    "darlr-static-reward": "darlr w. r_static",
    "darlr-static-penalty": "darlr w. p_u_static",
    "darlr-r": "darlr w. r_hat",
    "darlr-r-similarity": "darlr w. r_hat + r_s_sel",
    "darlr-r-diversity": "darlr w. r_hat + r_d_sel",
}

# The other published methods sample from their policy when they are tested.
_TESTED_GREEDILY = frozenset({"ucb", "sqn", "cql", "bcq"})


def published(dataset: str, method: str, metric: str) -> tuple[float, float] | None:
    """Return the mean and standard deviation in the paper, or None.

    All names are ours: a data set (`coat`), a method (`dorl`), a metric of `darlr.evaluation.table`. The numbers were
    measured with the policy of `published_policy(method)`.
    """
    return _results().get((dataset, _PRINTED_NAMES.get(method, method), metric))


def published_metrics() -> frozenset[str]:
    """Return the names of the metrics that the paper reports."""
    return frozenset(metric for _, _, metric in _results())


def published_policy(method: str) -> str:
    """Return how the published runs of a method chose items in tests: `sampled` or `greedy`."""
    return GREEDY if method in _TESTED_GREEDILY else SAMPLED


@cache
def _results() -> Mapping[tuple[str, str, str], tuple[float, float]]:
    text = resources.files("darlr.report.published").joinpath("published_results.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            (row["dataset"].lower(), row["method"].lower(), row["metric"].lower()): (float(row["mean"]), float(row["std"]))
            for row in csv.DictReader(text.splitlines())
        }
    )
