"""How well a hazard foretells when users of sessions that it has not seen leave."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.world_model.leaving.decisions import Decisions

GROUPS = 10
"""The number of equally large groups by which predicted and seen shares are compared."""


@dataclass(frozen=True)
class HazardCheck:
    """The figures of a hazard, each session foretold by a fit that has not seen it.

    Attributes:
        learned, by_step, constant: mean log-likelihood of a session by the learned hazard, by one hazard for each number of
            a step, and by one for all.
        gain, gain_error: mean and standard error of the sessions' differences of `learned` from `constant`.
        calibration_error: mean distance of the predicted from the seen share of leaving users in ten groups by prediction.
        predicted, seen: (10,) the shares.
        length, predicted_length: mean number of steps of a session within the longest episode, by the shares of users that
            stay at each step (Kaplan and Meier, 1958), seen and predicted.
        survival_error: the largest difference of the two curves of such shares.
    """

    learned: float
    by_step: float
    constant: float
    gain: float
    gain_error: float
    calibration_error: float
    predicted: tuple[float, ...]
    seen: tuple[float, ...]
    length: float
    predicted_length: float
    survival_error: float

    def record(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


NODES = 15
"""The number of nodes of the quadrature over a user's effect (Gauss and Hermite)."""


def foretold(decisions: Decisions, logits: Tensor, deviations: Tensor) -> Tensor:
    """Return (n,) the probability that a user leaves after each step, given that the user stayed so far in the session.

    The effect of a user is normal. A user who stays has shown an effect that is rather small, so the probability is the mean
    of the hazard over the effects, each with the weight of its probability to have stayed.

    Args:
        decisions: n steps.
        logits: (n,) the hazard's logits at the means of the effects.
        deviations: (n,) the standard deviations of the effects of the steps' users.
    """
    nodes, masses = (torch.from_numpy(each) for each in np.polynomial.hermite_e.hermegauss(NODES))
    at_nodes = logits[:, None] + deviations[:, None] * nodes
    stayed = -F.softplus(at_nodes)  # the logarithm of 1 - h
    before = stayed.cumsum(dim=0) - stayed
    first = torch.searchsorted(decisions.sessions, decisions.sessions)  # the place of a session's first step
    weights = (masses.log() + before - before[first]).softmax(dim=1)
    return (weights * at_nodes.sigmoid()).sum(dim=1)


@dataclass(frozen=True)
class Foretold:
    """Probabilities that users leave after n steps, none from a fit that has seen them.

    Attributes:
        learned: (n,) by the learned hazard.
        by_step: (n,) by the share of other users who left at a step of that number.
        constant: (n,) by the share of all steps of others.
    """

    learned: Tensor
    by_step: Tensor
    constant: Tensor


def plain_hazards(known: Decisions, held_out: Decisions) -> tuple[Tensor, Tensor]:
    """Return (n,) the shares by step and (n,) the share of all, from the `known` steps, for the n `held_out` ones."""
    longest = int(max(known.steps.max(), held_out.steps.max()))
    share = (float(known.left.sum()) + 1) / (len(known) + 2)
    at = torch.bincount(known.steps, minlength=longest + 1).double()
    gone = torch.bincount(known.steps, weights=known.left.double(), minlength=longest + 1)
    by_step = (gone + 2 * share) / (at + 2)  # few steps are drawn towards the share of all
    return by_step[held_out.steps], torch.full((len(held_out),), share, dtype=torch.float64)


def check_hazard(decisions: Decisions, hazards: Foretold) -> HazardCheck:
    """Compare the `hazards` with the ends of the sessions in `decisions`."""
    left = decisions.left.double()
    own, each, one = (_log_likelihood(of, left) for of in (hazards.learned, hazards.by_step, hazards.constant))
    longest = int(decisions.steps.max())
    numbers = torch.unique_consecutive(decisions.sessions, return_inverse=True)[1]
    count = int(numbers[-1]) + 1
    gains = torch.zeros(count, dtype=torch.float64).index_add_(0, numbers, own - one)
    predicted, seen, sizes = _groups(hazards.learned, left)
    stays, predicted_stays = (_survival(decisions, of, longest) for of in (left, hazards.learned))
    return HazardCheck(
        learned=float(own.sum()) / count,
        by_step=float(each.sum()) / count,
        constant=float(one.sum()) / count,
        gain=float(gains.mean()),
        gain_error=float(gains.std(correction=0)) / count**0.5,
        calibration_error=float(((predicted - seen).abs() * sizes).sum() / sizes.sum()),
        predicted=tuple(predicted.tolist()),
        seen=tuple(seen.tolist()),
        length=_mean_length(stays),
        predicted_length=_mean_length(predicted_stays),
        survival_error=float((stays - predicted_stays).abs().max()),
    )


def _log_likelihood(hazards: Tensor, left: Tensor) -> Tensor:
    return left * hazards.log() + (1 - left) * (1 - hazards).log()


def _groups(hazards: Tensor, left: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean prediction, the seen share and the size of groups by prediction, (G,) each."""
    parts = hazards.argsort().tensor_split(min(GROUPS, len(hazards)))
    means = [(hazards[part].mean(), left[part].mean()) for part in parts]
    sizes = torch.tensor([len(part) for part in parts], dtype=torch.float64)
    predicted, seen = (torch.stack(column) for column in zip(*means, strict=True))
    return predicted, seen, sizes


def _survival(decisions: Decisions, hazards: Tensor, longest: int) -> Tensor:
    """Return (longest + 1,) the share of users who are still there after so many steps."""
    at = torch.bincount(decisions.steps, minlength=longest + 1).clamp_min(1)
    gone = torch.bincount(decisions.steps, weights=hazards, minlength=longest + 1)
    return (1 - gone / at).cumprod(dim=0)


def _mean_length(stays: Tensor) -> float:
    """Return the mean number of steps, at most as many as `stays` (T + 1,) has: everybody takes the first."""
    return float(stays[:-1].sum())
