"""The policy's network for the users of a block: made once for all users of the log if that is cheap, else for each block."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.policy import Policy
from darlr.run.saved import SavedPolicy
from darlr.serving.blocks import Block
from darlr.serving.features import FeatureReader
from darlr.serving.understanding import NEW_USER

MOST_BYTES = 1 << 29
"""The largest size of all users' rows for which one network serves all of them."""
FROM_ESTIMATES = {"prior", "estimates"}
"""Rows that require predictions of the world model, which take time for every user."""


@dataclass(frozen=True)
class Asked:
    """A scorer, and the rows (B,) of its users that belong to the block's users."""

    scorer: Scorer
    rows: Tensor


class Networks:
    """The policy's networks for the users of any block."""

    def __init__(self, policy: SavedPolicy, features: FeatureReader, device: torch.device, standing: bool) -> None:
        """
        Args:
            policy: the saved policy.
            features: reads features of new users.
            device: the device that computes.
            standing: whether one network may be made for all users.
        """
        self._policy, self._features, self._device = policy, features, device
        n_users = len(policy.user_ids)
        size = sum(row.nbytes for row in policy.average_user.values())
        cheap = standing and not FROM_ESTIMATES & policy.average_user.keys() and n_users * size <= MOST_BYTES
        network = policy.network(np.arange(n_users if cheap else 1))
        self.knows_log = network.knows_log
        self._standing = network.scorer() if cheap else None

    def of(self, block: Block) -> Asked:
        """Return the policy for the users of `block`."""
        users = block.users
        if self._standing is not None and not block.described:
            rows = np.where(users == NEW_USER, len(self._policy.user_ids), users)
            return Asked(self._standing, torch.from_numpy(rows).to(self._device))
        known, places = np.unique(users[users != NEW_USER], return_inverse=True)
        rows = np.full(len(users), len(known))  # the average user's row follows those of known users
        rows[users != NEW_USER] = places
        network = self._policy.network(known)
        self._add_described(network, block, rows)
        return Asked(network.scorer(), torch.from_numpy(rows).to(self._device))

    def _add_described(self, network: Policy, block: Block, rows: NDArray[np.int64]) -> None:
        """Append the users with features, and write their places into `rows` (B,)."""
        if not block.described:
            return
        newcomers = self._policy.newcomer_rows(*self._features.priors(list(block.described.values())))
        first = len(np.unique(block.users[block.users != NEW_USER])) + 1
        network.append_user(newcomers)
        rows[list(block.described)] = np.arange(first, first + len(block.described))
