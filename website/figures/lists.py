"""Lists, lists that skip, and methods in the built-in world: what a visit is worth."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import darlr
from website.figures.judged import ADAPTING
from website.figures.style import GREY, LIST, POLICY, TRUTH, figure

NETWORK = {"training": {"steps_per_epoch": 60_000}}
ROWS = (
    ("uniform_random", "random items", GREY),
    ("popular", "popular items", GREY),
    ("variational", "best estimates", GREY),
    ("popular_skipping", "popular items, skipping", LIST),
    ("item_mean_skipping", "item means, skipping", LIST),
    ("variational_skipping", "best estimates, skipping", LIST),
)


def draw(out: Path) -> Figure:
    """Returns of every user; runs lie in `out`."""
    adapting = darlr.train("synthetic", "bayes-adaptive", seed=0, epochs=3, out=out, device="cpu", settings=ADAPTING)
    network = darlr.train("synthetic", "mbpo", seed=0, epochs=3, out=out, device="cpu", settings=NETWORK)
    opponents = adapting.opponents
    rows: list[tuple[str, Any, str]] = [(label, opponents[name]["nx_0"]["r_tra"], colour) for name, label, colour in ROWS]
    rows[3:3] = [("a network from the simulator (MBPO)", network.summary["every_user"]["nx_0"]["r_tra"], POLICY)]
    rows.append(("adapts to the user (bayes-adaptive)", adapting.summary["every_user"]["nx_0"]["r_tra"], POLICY))
    rows.append(("knows the answers", opponents["truth_oracle"]["nx_0"]["r_tra"], TRUTH))

    picture = figure(7.6, 3.1)
    axes = picture.subplots()
    for place, (_, value, colour) in enumerate(rows):
        axes.plot([0, value], [place, place], color=colour, linewidth=2, alpha=0.4)
        axes.plot(value, place, "o", color=colour, markersize=7)
        axes.annotate(f"{value:.1f}", (value, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_xlim(0, 65)
    axes.set_xlabel("return of a visit, every user")
    return picture
