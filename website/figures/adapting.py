"""A policy that adapts to a user, against the best list: one user's visit, and all users' mean."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from website.figures.judged import adapting_run
from website.figures.style import GREY, LIST, POLICY, TRUTH, figure, named_at_end, panels

BEST_LIST = "variational_skipping"
QUANTILE = 0.9
"""The user on the left gains more than so many of all users: adapting is easiest to see where it changes much."""


def draw(out: Path) -> Figure:
    """Returns over the steps of a visit; runs lie in `out`."""
    judged = adapting_run(out)
    scorers = {"policy": judged.policy, "list": judged.lists[BEST_LIST], "truth": judged.lists["truth"]}
    totals = {name: judged.episodes(scorer).rewards.cumsum(dim=1).numpy() for name, scorer in scorers.items()}
    gain = totals["policy"][:, -1] - totals["list"][:, -1]
    user = int(np.argsort(gain)[int(QUANTILE * len(gain))])
    steps = np.arange(1, totals["policy"].shape[1] + 1)

    picture = figure(7.6, 3.1)
    left, right = panels(picture, 1, 2)
    for name, colour in (("truth", TRUTH), ("policy", POLICY), ("list", LIST)):
        left.plot(steps, totals[name][user], color=colour, linewidth=2)
    named_at_end(left, ["knows the answers", "adapts to the user", "best list"])
    left.set_xlim(0, 41)
    left.set_xticks([0, 10, 20, 30])
    left.set_title(f"One user: {gain[user]:+.1f} over the visit")
    left.set_ylabel("what the user gave so far")
    left.set_xlabel("recommendations")

    ahead = totals["policy"] - totals["list"]
    low, high = np.quantile(ahead, [0.1, 0.9], axis=0)
    right.fill_between(steps, low, high, color=POLICY, alpha=0.18, linewidth=0)
    right.plot(steps, ahead.mean(axis=0), color=POLICY, linewidth=2)
    right.axhline(0, color=GREY, linewidth=1)
    right.annotate("best list", (1, 0), xytext=(0, -10), textcoords="offset points", color=GREY, fontsize=8)
    most = (steps[-1], high[-1])
    right.annotate("80% of users", most, xytext=(-62, -4), textcoords="offset points", color=POLICY, fontsize=8)
    right.set_title(f"All {len(gain):,} users: {gain.mean():+.2f} on average")
    right.set_ylabel("ahead of the best list")
    right.set_xlabel("recommendations")
    return picture
