"""The log, the world model's estimates and the truth, for the same users and items side by side."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from website.figures.judged import adapting_run
from website.figures.style import figure, panels

SIZE = 70
"""Users and items of the picture."""


def draw(out: Path) -> Figure:
    """Three squares of users and items; runs lie in `out`."""
    judged = adapting_run(out)
    truth = judged.world.table.numpy()
    log = judged.specified.dataset.log
    shown = np.full(truth.shape, np.nan)
    shown[log.users, log.items] = log.rewards
    estimates = judged.estimates.rewards.table().numpy()

    users, items = _alike(truth)
    picture = figure(7.6, 2.9)
    axes = panels(picture, 1, 3)
    low, high = np.quantile(truth, [0.02, 0.98])
    missing = float(np.isnan(shown).mean())
    titles = (f"The log: {1 - missing:.0%} of the pairs", "The estimates", "The truth (not seen)")
    for panel, table, title in zip(axes, (shown, estimates, truth), titles, strict=True):
        drawn = panel.imshow(table[np.ix_(users, items)], vmin=low, vmax=high, cmap="viridis", interpolation="nearest")
        panel.set_title(title)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_xlabel("items")
    axes[0].set_ylabel("users")
    picture.colorbar(drawn, ax=axes, shrink=0.8, label="reward")
    return picture


def _alike(truth: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns, evenly chosen, in an order that puts users and items of like tastes together."""
    centred = np.log(truth) - np.log(truth).mean(axis=0)
    left, _, right = np.linalg.svd(centred, full_matrices=False)
    orders = (np.argsort(np.arctan2(axis[1], axis[0])) for axis in (left.T, right))
    users, items = (order[np.linspace(0, len(order) - 1, SIZE).astype(int)] for order in orders)
    return users, items
