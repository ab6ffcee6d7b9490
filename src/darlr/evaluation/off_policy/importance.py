"""Estimators that weight the log's rows and need no model. r: rewards (n,); w = pi(a|x) / pi_0(a|x): weights (n,)."""

import numpy as np

from darlr.evaluation.off_policy.terms import Floats, Terms


def ips(rewards: Floats, weights: Floats) -> Terms:
    """Inverse propensity scoring: mean of w r (Horvitz and Thompson, 1952; Strehl et al., NeurIPS 2010).

    Unbiased where propensities are true and cover all that the policy recommends. Its variance grows with the weights.
    """
    return Terms.mean(weights * rewards)


def clipped_ips(rewards: Floats, weights: Floats, largest: float) -> Terms:
    """Clipped IPS: mean of min(w, M) r (Ionides, 2008; Bottou et al., JMLR 2013), M = `largest`.

    Biased towards 0 by what the clipped weights would have added, for less variance.
    """
    return Terms.mean(np.minimum(weights, largest) * rewards)


def snips(rewards: Floats, weights: Floats) -> Terms:
    """Self-normalised IPS: sum of w r over sum of w (Swaminathan and Joachims, NeurIPS 2015).

    Consistent, inside the range of the rewards, and unmoved by a constant that is added to them.
    """
    return Terms(weights * rewards, weights)
