"""The rewards that users are expected to give: by the policy's belief, or else by the world model's estimates."""

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Reasons
from darlr.run.saved import SavedPolicy
from darlr.serving.blocks import Block
from darlr.serving.features import FeatureReader
from darlr.serving.networks import Asked
from darlr.serving.understanding import NEW_USER

AVERAGED = 256
"""The largest number of the world's users whose mean estimate stands for an unknown user."""


class Expectations:
    """Expected rewards of the users of blocks, in the units of the log."""

    def __init__(self, policy: SavedPolicy, features: FeatureReader, device: torch.device) -> None:
        self._policy, self._features, self._device = policy, features, device
        self._items = torch.from_numpy(policy.world_items).to(device)
        self._average: Tensor | None = None

    def of(self, block: Block, asked: Asked, columns: Tensor) -> Tensor:
        """Return (B, k) expected rewards for `columns` (B, k) of the world."""
        believed = asked.scorer.expected_rewards(asked.rows, block.window, columns)
        return self._estimates(block, columns) if believed is None else believed

    def reasons(self, block: Block, asked: Asked, columns: Tensor) -> Reasons:
        """Return the parts of the expected rewards for `columns` (B, k); the estimates alone, if the policy has no belief."""
        reasons = asked.scorer.reasons(asked.rows, block.window, columns)
        if reasons is not None:
            return reasons
        estimates = self._estimates(block, columns)
        return Reasons(estimates, estimates.new_zeros(len(block), 0, columns.shape[1]), torch.zeros_like(estimates))

    def _estimates(self, block: Block, columns: Tensor) -> Tensor:
        """Return (B, k) the world model's estimates."""
        distinct, places = torch.unique(columns, return_inverse=True)
        found = torch.empty(len(block), len(distinct), device=self._device)
        known = np.flatnonzero(block.users != NEW_USER)
        if len(known):
            users = torch.from_numpy(block.users[known]).to(self._device)
            found[torch.from_numpy(known)] = self._policy.model.predict(users, self._items[distinct])[0]
        if len(known) < len(block):
            found[torch.from_numpy(block.users == NEW_USER)] = self._of_nobody()[distinct]
        if block.described:
            means, _ = self._features.priors(list(block.described.values()))
            found[list(block.described)] = self._policy.newcomer_estimates(means)[:, distinct]
        return found.gather(1, places)

    def _of_nobody(self) -> Tensor:
        """Return (n_items,) the mean estimate of the world's users."""
        if self._average is None:
            users = self._policy.world_users
            some = users[np.linspace(0, len(users) - 1, min(AVERAGED, len(users))).astype(np.int64)]
            self._average = self._policy.model.predict(torch.from_numpy(some).to(self._device), self._items)[0].mean(dim=0)
        return self._average
