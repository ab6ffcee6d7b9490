"""The composition of a log: it mostly shows items that users like, and says little of most items."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import darlr
from website.figures.judged import Judged
from website.figures.lists import NETWORK
from website.figures.style import LIST, POLICY, TRUTH, figure, panels

PARTS = 8
"""Groups of items, by how many rows the log has about them."""


def draw(out: Path) -> Figure:
    """Logged rewards beside all rewards, and the estimates' errors by the rows about an item; runs lie in `out`."""
    judged = Judged.of(darlr.train("synthetic", "mbpo", seed=0, epochs=3, out=out, device="cpu", settings=NETWORK), out)
    truth = judged.world.table.numpy()
    estimates = judged.estimates.rewards.table().numpy()
    log = judged.specified.dataset.log
    counts = np.bincount(log.items, minlength=truth.shape[1])

    picture = figure(7.6, 3.0)
    left, right = panels(picture, 1, 2)
    bins = np.linspace(0, float(np.quantile(truth, 0.99)), 50)
    for rewards, colour, name in ((truth.ravel(), TRUTH, "all pairs"), (log.rewards, LIST, "the log's pairs")):
        heights, _ = np.histogram(rewards, bins, density=True)
        left.stairs(heights, bins, color=colour, linewidth=1.8)
        left.axvline(float(rewards.mean()), color=colour, linestyle="dashed", linewidth=1)
        place = (0.98, 0.9 if colour == TRUTH else 0.78)
        text = f"{name}: mean {rewards.mean():.2f}"
        left.annotate(text, place, xycoords="axes fraction", ha="right", color=colour)
    left.set_yticks([])
    left.set_ylabel("share of the pairs")
    left.set_xlabel("reward")
    left.set_title("A log shows what users rather like")

    groups = np.array_split(np.argsort(counts), PARTS)
    errors = [float(np.abs(estimates - truth)[:, group].mean() / truth[:, group].mean()) for group in groups]
    right.plot([counts[group].mean() for group in groups], errors, "o-", color=POLICY)
    right.set_xscale("log")
    right.set_xticks([20, 50, 100, 200], ["20", "50", "100", "200"])
    right.minorticks_off()
    right.set_ylim(0, 1.1 * max(errors))
    right.set_xlabel("rows of the log about the item")
    right.set_ylabel("mean error / mean reward")
    right.set_title("Where it is thin, estimates err")
    return picture
