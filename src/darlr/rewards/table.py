"""Rewards that are a cell of a users x items table, with the entropy term beside it."""

import torch
from torch import Tensor

from darlr.errors import RunError
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.settings import RewardConfig
from darlr.world.window import Window


class TableReward:
    """Pays `table[u, i] + entropy_weight * P_E - shift`.

    Every static variant is one of these: the world model's estimate with or without penalties (MBPO, MOPO, DORL), shaped by
    neighbours (ROLeR), the truth when testing and for the GT baseline.
    """

    def __init__(
        self,
        table: Tensor,
        low: float,
        high: float,
        shift: float = 0.0,
        entropy: EntropyTerm | None = None,
        entropy_weight: float = 0.0,
    ) -> None:
        """Args: table: (n_users, n_items) float32; low, high: bounds of what is paid, after the shift."""
        self.table = table
        self.low, self.high, self.shift = low, high, shift
        self.entropy, self.entropy_weight = entropy, entropy_weight

    def over(self, table: Tensor) -> "TableReward":
        """The same reward over another table (n_users, n_items)."""
        return TableReward(table, self.low, self.high, self.shift, self.entropy, self.entropy_weight)

    def pay(self, users: Tensor, items: Tensor, window: Window) -> Tensor:
        return self.table[users, items] + self.extras(items, window)

    def extras(self, items: Tensor, window: Window) -> Tensor:
        """(B,) what is paid beside the table's cell: the weighted entropy term, less the shift."""
        if self.entropy is None:
            return torch.full((len(items),), -self.shift, device=items.device)
        return self.entropy_weight * self.entropy.value(items, window.items) - self.shift


def penalised_reward(estimate: Tensor, uncertainty: Tensor, entropy: EntropyTerm | None, config: RewardConfig) -> TableReward:
    """The static reward r = r' - lambda_U P_U + lambda_E P_E (Eqs. 4 and 6), shifted by its lower bound.

    The shift, as the references have it (protocol section 5), is min r' - lambda_U max P_U + lambda_E min P_E, so that no
    reward is negative; the range that normalises the state's rewards runs from 0 to the matching upper bound.

    Args:
        estimate: (n_users, n_items) r' (Eq. 3).
        uncertainty: (n_users, n_items) P_U.
        entropy: P_E, or None where the log has no time or lambda_E is 0.

    The table is `estimate` itself where lambda_U is 0.

    Raises:
        RunError: if all rewards are alike, so that there is nothing to learn.
    """
    low = float(estimate.min()) - config.uncertainty_weight * float(uncertainty.max())
    high = float(estimate.max()) - config.uncertainty_weight * float(uncertainty.min())
    if entropy is not None:
        low += config.entropy_weight * entropy.low
        high += config.entropy_weight * entropy.high
    if not low < high:
        raise RunError(f"all rewards are alike ({low:g}), so there is nothing to learn; look at the log and at the world model")
    table = estimate
    if config.uncertainty_weight:
        table = (uncertainty * -config.uncertainty_weight).add_(estimate)  # one matrix is made, not two
    return TableReward(table, 0.0, high - low, low, entropy, config.entropy_weight)


def observed_reward(truth: Tensor, reward_range: tuple[float, float]) -> TableReward:
    """What real users give: the truth itself, unshifted, normalised by the `reward_range` that is declared for it."""
    return TableReward(truth.to(torch.float32), *reward_range)
