"""Estimators that weight the log's rows and need no model. r: rewards (n,); w = pi(a|x) / pi_0(a|x): weights (n,)."""

import numpy as np

from darlr.evaluation.off_policy.terms import Floats, Terms


def ips(rewards: Floats, weights: Floats) -> Terms:
    """Return inverse propensity scoring: mean of w r (Horvitz and Thompson, 1952; Strehl et al., NeurIPS 2010), r and w (n,).

    Unbiased if propensities are true and cover all items that the policy recommends. Its variance grows with the weights.
    """
    return Terms.mean(weights * rewards)


def clipped_ips(rewards: Floats, weights: Floats, largest: float) -> Terms:
    """Return clipped IPS: mean of min(w, M) r (Ionides, 2008; Bottou et al., JMLR 2013), M = `largest`, r and w (n,).

    It has less variance, and a bias towards 0 by the contribution of the clipped weights.
    """
    return Terms.mean(np.minimum(weights, largest) * rewards)


def snips(rewards: Floats, weights: Floats) -> Terms:
    """Return self-normalised IPS: sum of w r over sum of w (Swaminathan and Joachims, NeurIPS 2015), r and w (n,).

    It is consistent, stays inside the range of the rewards, and is equivariant to a constant that is added to them.
    """
    return Terms(weights * rewards, weights)
