"""Rewards that are a cell of users x items estimates, with the entropy term beside it."""

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

    Every static variant is one of these: the world model's estimate with or without penalties (MBPO, MOPO, DORL), shaped by
    neighbours (ROLeR), the truth when testing and for the GT baseline.

    Attributes:
        estimates: (n_users, n_items) what is paid before the other terms.
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
            estimates: of all users and items, or a table of them.
            low, high: bounds of what is paid, after the shift.
        """
        self.estimates = estimates_of(estimates)
        self.low, self.high, self.shift = low, high, shift
        self.entropy, self.entropy_weight = entropy, entropy_weight

    @property
    def table(self) -> Tensor:
        """(n_users, n_items) the estimates; of a world whose estimates are computed when asked for, all of them at once."""
        return self.estimates.table()

    def over(self, estimates: Estimates | Tensor) -> "TableReward":
        """The same reward over other estimates (n_users, n_items)."""
        return TableReward(estimates, self.low, self.high, self.shift, self.entropy, self.entropy_weight)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        return self.estimates.cells(users, items) + self.extras(items, window)

    def extras(self, items: Tensor, window: Window) -> Tensor:
        """(B,) what is paid beside the table's cell: the weighted entropy term, less the shift."""
        if self.entropy is None:
            return torch.full((len(items),), -self.shift, device=items.device)
        return self.entropy_weight * self.entropy.value(items, window.items) - self.shift


def penalised_reward(
    estimate: Estimates | Tensor, uncertainty: Estimates | Tensor, entropy: EntropyTerm | None, config: RewardConfig
) -> TableReward:
    """The static reward r = r' - lambda_U P_U + lambda_E P_E (Eqs. 4 and 6), shifted by its lower bound.

    The shift, as the references have it (protocol section 5), is min r' - lambda_U max P_U + lambda_E min P_E, so that no
    reward is negative; the range that normalises the state's rewards runs from 0 to the matching upper bound.

    Args:
        estimate: (n_users, n_items) r' (Eq. 3).
        uncertainty: (n_users, n_items) P_U.
        entropy: P_E, or None where the log has no time or lambda_E is 0.

    What is paid is `estimate` itself where lambda_U is 0.

    Raises:
        RunError: if all rewards are alike, so that there is nothing to learn.
    """
    estimate, uncertainty = estimates_of(estimate), estimates_of(uncertainty)
    (low, high), (certain, uncertain) = estimate.bounds(), uncertainty.bounds() if config.uncertainty_weight else (0.0, 0.0)
    low -= config.uncertainty_weight * uncertain
    high -= config.uncertainty_weight * certain
    if entropy is not None:
        low += config.entropy_weight * entropy.low
        high += config.entropy_weight * entropy.high
    if not low < high:
        raise RunError(f"all rewards are alike ({low:g}), so there is nothing to learn; look at the log and at the world model")
    paid = penalised(estimate, uncertainty, config.uncertainty_weight) if config.uncertainty_weight else estimate
    return TableReward(paid, 0.0, high - low, low, entropy, config.entropy_weight)


def observed_reward(truth: Estimates | Tensor, reward_range: tuple[float, float]) -> TableReward:
    """What real users give: the truth (n_users, n_items) itself, unshifted, normalised by its declared `reward_range`."""
    return TableReward(truth.to(torch.float32) if isinstance(truth, Tensor) else truth, *reward_range)
