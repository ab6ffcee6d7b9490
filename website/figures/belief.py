"""The belief about one user before a visit, after five answers and after twenty."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from darlr.agents.believing.factors import FactorBelief, FactorPosterior
from darlr.agents.settings import BeliefConfig
from darlr.run.world_models import list_factors
from website.figures.adapting import BEST_LIST, QUANTILE
from website.figures.judged import CPU, Judged, adapting_run
from website.figures.style import POLICY, TRUTH, figure, panels

MOMENTS = (0, 5, 20)
ITEMS = 14
"""Number of items in the figure. They were not recommended in the visit, and are spread evenly over the user's true rewards."""


def draw(out: Path) -> Figure:
    """Intervals of the belief beside the user's true rewards; runs lie in `out`."""
    judged = adapting_run(out)
    visits = judged.episodes(judged.policy)
    gain = visits.rewards.sum(dim=1) - judged.episodes(judged.lists[BEST_LIST]).rewards.sum(dim=1)
    user = int(gain.argsort()[int(QUANTILE * len(gain))])
    truth = judged.world.table[user]
    others = torch.ones_like(truth, dtype=torch.bool)
    others[visits.actions[user]] = False
    order = truth.argsort()[others[truth.argsort()]]
    items = order[torch.linspace(0, len(order) - 1, ITEMS).long()]

    belief = belief_of(judged, out)
    picture = figure(7.6, 2.9)
    for panel, moment in zip(panels(picture, 1, len(MOMENTS), sharey=True), MOMENTS, strict=True):
        answers = belief.scale.to_scale(visits.rewards[user, :moment])[None]
        believed = belief.begin(torch.tensor([user])).respond(visits.actions[user, :moment][None], answers)
        mean, deviation = expected(believed, items)
        low, middle, high = (belief.scale.to_reward(mean + width * deviation).numpy() for width in (-2, 0, 2))
        places = np.arange(ITEMS)
        panel.vlines(places, low, high, color=POLICY, linewidth=5, alpha=0.35)
        panel.plot(places, middle, "_", color=POLICY, markersize=9, markeredgewidth=2)
        panel.plot(places, truth[items].numpy(), "o", color=TRUTH, markersize=4)
        panel.set_title("Before the visit" if not moment else f"After {moment} answers")
        panel.set_xticks([])
        panel.set_xlabel("items not yet recommended")
    picture.axes[0].set_ylabel("reward")
    picture.axes[0].annotate("would give", (ITEMS - 1, float(truth[items[-1]])), xytext=(-8, 0), color=TRUTH, ha="right",
                             va="center", textcoords="offset points", fontsize=8)  # fmt: skip
    return picture


def belief_of(judged: Judged, out: Path) -> FactorBelief:
    """The belief about the users of the test world that the run's method acts on."""
    factors = list_factors(out, judged.specified.config, judged.specified.dataset, CPU, print)()
    if factors is None:
        raise TypeError("the built-in world's log allows no factor model; expected one")
    seen = judged.world.rewards.low, judged.world.rewards.high
    return FactorBelief(factors.responses(judged.specified.dataset.world, seen), BeliefConfig().levels)


def expected(believed: FactorPosterior, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (n,) of one user's responses to `items` (n,), over the levels of noise."""
    loadings = believed.belief.loadings[items]
    weights = believed.log_evidence.softmax(dim=1)[0]
    means = believed.means[0] @ loadings.T  # (J, n)
    variances = torch.einsum("nd,jde,ne->jn", loadings, believed.covariances[0], loadings)
    mean = weights @ means
    variance = weights @ (variances + (means - mean) ** 2)
    return believed.belief.intercepts[items] + mean, variance.sqrt()
