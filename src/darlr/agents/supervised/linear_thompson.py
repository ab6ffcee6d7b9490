"""Linear Thompson sampling (Agrawal and Goyal, ICML 2013, "Thompson Sampling for Contextual Bandits with Linear Payoffs").

    theta~ ~ N(A_u^-1 b_u, s^2 A_u^-1),  p_ui = o_i + theta~ . x_i                            (Algorithm 1)

drawn anew before every recommendation. `ridge.py` has A_u, b_u, x_i, o_i and s before the episode;
docs/methods/linear-thompson.md lists the differences from the paper.
"""

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.agents.believing.belief import Followed
from darlr.agents.believing.factors import FactorBelief, FactorPosterior
from darlr.agents.supervised.ridge import bandit_belief, bandit_unfit, fit_bandit
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.data.dataset import Dataset
from darlr.world.window import OUTSIDE, Window

DRAWS, STRIDE = 65_536, 9_973
"""Number of normal vectors, which are drawn once, and distance between neighbouring users' first ones; without common
divisors.
"""

ROUNDING = 1e-5
"""Rounding error of a covariance in single precision, relative to its mean variance."""


class LinearThompsonScorer(Scorer):
    """Scores items by one draw of each user's theta. The same moment of a user always has the same draw."""

    lookback = WHOLE_EPISODE

    def __init__(self, belief: FactorBelief, normal: Tensor) -> None:
        """
        Args:
            belief: the posterior of theta.
            normal: (DRAWS, d) standard normal vectors; a user's steps take one after the other.
        """
        self._belief, self._followed, self._normal = belief, Followed(belief), normal

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        belief, believed = self._belief, self._followed.believed(users, window)
        assert isinstance(believed, FactorPosterior)
        step = (window.items < belief.n_items).sum(dim=1)
        normal = self._normal[(users * STRIDE + step) % len(self._normal)]
        root = _root(believed.covariances[:, 0])
        drawn = believed.factors() + (root @ normal[:, :, None]).squeeze(2)
        scores = torch.addmm(belief.intercepts[:-OUTSIDE], drawn, belief.loadings[:-OUTSIDE].T)
        return mask_logits(scores, blocked)


def _root(covariances: Tensor) -> Tensor:
    """A matrix L (B, d, d) with L L^T = `covariances` (B, d, d), which rounding may make slightly indefinite."""
    wide = covariances.double()
    spread = wide.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    root = torch.linalg.cholesky(wide + ROUNDING * spread * torch.eye(wide.shape[1], dtype=wide.dtype, device=wide.device))
    narrow: Tensor = root.to(covariances.dtype)
    return narrow


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    learned = fit_bandit(dataset, generator)
    normal = generator.standard_normal((DRAWS, learned["contexts"].shape[1]), dtype=np.float32)
    return {**learned, "normal": torch.from_numpy(normal)}


def _scorer(learned: Learned, played: Played) -> Scorer:
    return LinearThompsonScorer(bandit_belief(learned, played), learned["normal"].to(played.device))


LINEAR_THOMPSON = Supervised(_fit, _scorer, bandit_unfit, lambda dataset: False)
