"""Off-policy values from one log, beside the true ones: near the policy that made the log, and ever further from it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.off_policy import BenchmarkWorld, logged_rows, softmax
from matplotlib.figure import Figure
from numpy.typing import NDArray

from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.terms import Floats
from website.figures.style import GREY, POLICY, TRUTH, figure

ROWS = 2_000
SHARPNESS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Sharpness of the judged policies' preference for liked items; a sharper policy differs more from the log."""


def draw(out: Path) -> Figure:
    """DR's intervals and the values over a million users."""
    world, random = BenchmarkWorld.of(0), np.random.default_rng(0)
    logged, users = logged_rows(world, random, ROWS)
    many = world.users(np.random.default_rng(99), 200_000)
    picture = figure(7.6, 3.0)
    axes = picture.subplots()
    for place, sharpness in enumerate(SHARPNESS):
        weights = world.logging + sharpness * world.appeal
        chances = softmax(many @ weights)
        true = float((chances * world.chances(many)).sum(axis=1).mean())
        decisions = logged.against(_Softmax(users, weights), "judged")
        found = judge({"judged": decisions}, random).estimates["judged"]["dr"]
        colour = POLICY if found.told else GREY
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=5, alpha=0.4)
        axes.plot(found.value, place, "|", color=colour, markersize=11, markeredgewidth=2)
        axes.plot(true, place, "o", color=TRUTH, markersize=5)
        said = "" if found.told else "  cannot be told from this log"
        axes.annotate(said, (max(found.high, true), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(SHARPNESS)), ["the log's policy", "near it", "", "", "", "far from it"])
    axes.set_xlabel(f"mean reward of a recommendation; bars: 95% intervals from {ROWS:,} rows, dots: the truth")
    axes.margins(x=0.25)
    return picture


@dataclass(frozen=True)
class _Softmax:
    """A policy's probabilities for the users of logged rows."""

    users: Floats
    weights: Floats

    def __call__(self, rows: NDArray[np.intp]) -> Floats:
        return softmax(self.users[rows] @ self.weights)
