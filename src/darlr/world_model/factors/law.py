"""The law of selection: what an item would be given by those who left it out, on the scale of rewards.

With c the lowest reward and g = P_i^eta, P_i the share of users who have the item: E r_ui = c + g (r^_ui - c), where r^ is the
estimate for those who chose it. Under the logarithm that is not linear in the user's factors, so it is linearised at the item's
average user; where c is 0 it only moves the intercept, and nothing is lost.
"""

import torch
from torch import Tensor

from darlr.world_model.factors.responses import ResponseScale


def under_selection(intercepts: Tensor, kept: Tensor, scale: ResponseScale) -> tuple[Tensor, Tensor]:
    """Items' intercepts under the law, and how much of their loadings is left; all (I,), on the scale of y.

    Args: intercepts: what an average user who chose the item gives; kept: g.
    """
    if scale.link == "identity":
        bottom = float(scale.to_scale(torch.tensor(scale.low, dtype=torch.float64)))
        return bottom + kept * (intercepts - bottom), kept
    chosen = (intercepts * scale.spread + scale.centre).exp()
    lowered = scale.low + kept * (chosen - scale.low)
    return intercepts + (lowered / chosen).log() / scale.spread, kept * chosen / lowered
