"""LinUCB with disjoint linear models (Li et al., WWW 2010, "A Contextual-Bandit Approach to Personalized News Article
Recommendation"), one for each user.

    theta_u = A_u^-1 b_u,  p_ui = o_i + theta_u . x_i + alpha s sqrt(x_i^T A_u^-1 x_i)       (Algorithm 1, lines 8 and 9)

After each answer A_u += x_i x_i^T and b_u += x_i (r - o_i) (lines 12 and 13). `ridge.py` has A_u, b_u, x_i, o_i and s before
the episode; docs/methods/lin-ucb.md lists the differences from the paper.
"""

import torch
from torch import Tensor

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.agents.believing.belief import Followed
from darlr.agents.believing.factors import FactorBelief, FactorPosterior
from darlr.agents.supervised.ridge import bandit_belief, bandit_unfit, fit_bandit
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.world.window import OUTSIDE, Window

ALPHA = 1.0
"""Width of the bound in posterior standard deviations. Held-out rows cannot show how much exploration is worth."""


class LinUCBScorer(Scorer):
    """Scores items by their upper confidence bounds, which fall with the user's answers."""

    lookback = WHOLE_EPISODE

    def __init__(self, belief: FactorBelief, alpha: float) -> None:
        self._followed, self._alpha = Followed(belief), alpha
        contexts = belief.loadings[:-OUTSIDE]
        # x^T S x is a sum over the upper triangle of S, in which entries off the diagonal count twice.
        self._upper = torch.triu_indices(contexts.shape[1], contexts.shape[1], device=contexts.device)
        first, second = self._upper
        self._products = (contexts[:, first] * contexts[:, second] * torch.where(first == second, 1.0, 2.0)).T.contiguous()

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        believed = self._followed.believed(users, window)
        assert isinstance(believed, FactorPosterior)
        expected, _ = believed.expect()
        first, second = self._upper
        variances = believed.covariances[:, 0][:, first, second] @ self._products
        return mask_logits(expected + self._alpha * variances.clamp_min(0.0).sqrt(), blocked)


def _scorer(learned: Learned, played: Played) -> Scorer:
    return LinUCBScorer(bandit_belief(learned, played), ALPHA)


LIN_UCB = Supervised(fit_bandit, _scorer, bandit_unfit, lambda dataset: False)
