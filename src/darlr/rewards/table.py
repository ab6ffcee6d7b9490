"""Rewards that are a cell of a users x items table, plus the entropy term."""

import torch
from torch import Tensor

from darlr.errors import RunError
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.rewards.estimates.penalised import penalised
from darlr.rewards.settings import RewardConfig
from darlr.world.window import Window


class TableReward:
    """Pays `estimate(u, i) + entropy_weight * P_E - shift`.

    Every static variant is one of these: the world model's estimate with or without penalties (MBPO, MOPO, DORL), averaged
    over neighbours (ROLeR), or the truth, in tests and for the GT baseline.

    Attributes:
        estimates: (n_users, n_items) the first term.
    """

    def __init__(
        self,
        estimates: Estimates | Tensor,
        low: float,
        high: float,
        shift: float = 0.0,
        entropy: EntropyTerm | None = None,
        entropy_weight: float = 0.0,
    ) -> None:
        """
        Args:
            estimates: (n_users, n_items), a table or on request.
            low, high: bounds of the rewards, after the shift.
            shift: a number that is subtracted from every reward.
            entropy: P_E, or None.
            entropy_weight: lambda_E.
        """
        self.estimates = estimates_of(estimates)
        self.low, self.high, self.shift = low, high, shift
        self.entropy, self.entropy_weight = entropy, entropy_weight

    @property
    def table(self) -> Tensor:
        """(n_users, n_items) the estimates. If they are computed on request, this computes all of them."""
        return self.estimates.table()

    def over(self, estimates: Estimates | Tensor) -> "TableReward":
        """Return the same reward over other estimates (n_users, n_items)."""
        return TableReward(estimates, self.low, self.high, self.shift, self.entropy, self.entropy_weight)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        return self.estimates.cells(users, items) + self.extras(items, window)

    def extras(self, items: Tensor, window: Window) -> Tensor:
        """Return (B,) the terms besides the table's cell: the weighted entropy term minus the shift."""
        if self.entropy is None:
            return torch.full((len(items),), -self.shift, device=items.device)
        return self.entropy_weight * self.entropy.value(items, window.items) - self.shift


def penalised_reward(
    estimate: Estimates | Tensor, uncertainty: Estimates | Tensor, entropy: EntropyTerm | None, config: RewardConfig
) -> TableReward:
    """Make the static reward r = r' - lambda_U P_U + lambda_E P_E (Eqs. 4 and 6), shifted by its lower bound.

    The shift is min r' - lambda_U max P_U + lambda_E min P_E, as in the reference code (protocol section 5), so no reward
    is negative. The range that normalises the state's rewards runs from 0 to the matching upper bound. If lambda_U is 0,
    the estimates are used without a copy.

    Args:
        estimate: (n_users, n_items) r' (Eq. 3).
        uncertainty: (n_users, n_items) P_U.
        entropy: P_E, or None if the log has no time or lambda_E is 0.
        config: lambda_U and lambda_E.

    Raises:
        RunError: if all rewards are equal, so that there is nothing to learn.
    """
    estimate, uncertainty = estimates_of(estimate), estimates_of(uncertainty)
    (low, high), (certain, uncertain) = estimate.bounds(), uncertainty.bounds() if config.uncertainty_weight else (0.0, 0.0)
    low -= config.uncertainty_weight * uncertain
    high -= config.uncertainty_weight * certain
    if entropy is not None:
        low += config.entropy_weight * entropy.low
        high += config.entropy_weight * entropy.high
    if not low < high:
        raise RunError(f"all rewards are equal ({low:g}), so there is nothing to learn; look at the log and at the world model")
    paid = penalised(estimate, uncertainty, config.uncertainty_weight) if config.uncertainty_weight else estimate
    return TableReward(paid, 0.0, high - low, low, entropy, config.entropy_weight)


def observed_reward(truth: Estimates | Tensor, reward_range: tuple[float, float]) -> TableReward:
    """Make the reward that users give: the `truth` (n_users, n_items), unshifted, normalised by its declared `reward_range`."""
    return TableReward(truth.to(torch.float32) if isinstance(truth, Tensor) else truth, *reward_range)
