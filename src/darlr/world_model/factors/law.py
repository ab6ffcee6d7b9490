"""The law of selection: the reward of an item from the users who left it out, on the scale of rewards.

Let c be the lowest reward, P_i the share of users who have item i, and g = P_i^eta. With r^ the estimate for the users who
chose the item, E r_ui = c + g (r^_ui - c). Under the logarithm this is not linear in the user's factors, so it is
linearised at the item's average user. If c is 0, the law only moves the intercept and the linearisation is exact.
"""

import torch
from torch import Tensor

from darlr.world_model.factors.responses import ResponseScale


def under_selection(intercepts: Tensor, kept: Tensor, scale: ResponseScale) -> tuple[Tensor, Tensor]:
    """The items' intercepts under the law, and the share of their loadings that remains; both (I,), on the scale of y.

    Args:
        intercepts: (I,) responses of an average user among those who chose the item.
        kept: (I,) g.
        scale: the map between rewards and y.
    """
    if scale.link == "identity":
        bottom = float(scale.to_scale(torch.tensor(scale.low, dtype=torch.float64)))
        return bottom + kept * (intercepts - bottom), kept
    chosen = (intercepts * scale.spread + scale.centre).exp()
    lowered = scale.low + kept * (chosen - scale.low)
    return intercepts + (lowered / chosen).log() / scale.spread, kept * chosen / lowered
