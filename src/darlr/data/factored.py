"""Rewards of all users and items in the form of factors: any cell or row can be computed, and no table is stored."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError

Link = Literal["identity", "log"]


@dataclass(frozen=True)
class FactoredRewards:
    """Rewards whose link is the product of a user's and an item's factors, clipped to low..high.

    Attributes:
        users: (U, K) float32, finite.
        items: (I, K) float32, finite.
        link: the function of the reward that equals the product: the identity, or the natural logarithm.
        low, high: the smallest and the largest reward; other values are clipped to these.

    Raises:
        InputError: if the factors differ in number or are not finite.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    link: Link
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.users.shape[1] != self.items.shape[1]:
            raise InputError(f"users have {self.users.shape[1]} factors and items {self.items.shape[1]}; expected as many")
        for whose, factors in (("users", self.users), ("items", self.items)):
            if not np.isfinite(factors).all():
                raise InputError(f"the factors of the {whose} are not all finite")

    def cells(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return (n,) rewards of pairs of a user (n,) and an item (n,)."""
        return self._rewards(np.einsum("nk,nk->n", self.users[users], self.items[items]))

    def table(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return (m, n) rewards of m users for n items."""
        return self._rewards(self.users[users] @ self.items[items].T)

    def _rewards(self, linked: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rewards for `linked`, which is changed in place."""
        if self.link == "log":
            with np.errstate(over="ignore"):  # infinity becomes the largest reward
                np.exp(linked, out=linked)
        return np.clip(linked, np.float32(self.low), np.float32(self.high), out=linked)
