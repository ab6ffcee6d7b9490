"""The fully known rewards of the test world.

Only data, evaluation, the GT baseline and the rooms from run on may import this module; a test walks the imports. Opening
the truth while a policy or a reward is learned is a defect.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError
from darlr.world.hazard import LeaveHazard
from darlr.world.returns import ReturnLaw
from darlr.world.world import World


@dataclass(frozen=True)
class Truth:
    """The reward that every user of the test world would give every item.

    Attributes:
        world: the users and items of the rows and columns.
        rewards: (n_users, n_items) of the world, float32, finite; it may be a memory map.
        known: (n_users, n_items) bool, the cells that policies may recommend; None: all.
        leave: the law by which users leave, if it is known; None: tests use the rule that the settings name.
        returns: the law by which they return, if it is known.
    """

    world: World
    rewards: NDArray[np.float32]
    known: NDArray[np.bool_] | None = None
    leave: LeaveHazard | None = None
    returns: ReturnLaw | None = None

    def __post_init__(self) -> None:
        expected = (self.world.n_users, self.world.n_items)
        if self.rewards.shape != expected:
            raise InputError(f"the truth has shape {self.rewards.shape}; expected {expected} (users x items of the test world)")
        if self.known is not None and self.known.shape != expected:
            raise InputError(f"the truth's known cells have shape {self.known.shape}; expected {expected}")
        # Extremes need no second matrix, and this one may fill the memory; NaN is an extreme, too.
        if not np.isfinite((self.rewards.min(), self.rewards.max())).all():
            row, column = np.argwhere(~np.isfinite(self.rewards))[0]
            raise InputError(f"the truth's cell (user row {row}, item column {column}) is not finite")
