"""From distributions over items, context by context, to the decisions that estimators read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.decisions import Decisions, require_distributions
from darlr.evaluation.off_policy.terms import Floats

CELLS = 4_000_000
"""The number of rows times items in memory at a time."""

Distributions = Callable[[NDArray[np.intp]], NDArray[np.floating]]
"""Numbers of logged rows (m,) -> (m, n_items): probabilities, or estimated rewards, of every item in their contexts."""


@dataclass(frozen=True)
class LoggedRows:
    """n logged recommendations, independent of the judged policy.

    Attributes:
        users, items: (n,) codes; items are columns of the distributions.
        rewards: (n,) float64.
        propensities: (n,) float64.
        modelled: the model's estimate of every item in a row's context.
        behaviour: the logging policy's distribution, for the weights of groups; None if items have no groups.
        groups: (n_items, C) float, the share with which an item belongs to each group, rows summing to 1; None without groups.
        shown: (n_items,) bool, the items that the log shows to any user.
    """

    users: NDArray[np.int64]
    items: NDArray[np.intp]
    rewards: Floats
    propensities: Floats
    modelled: Distributions
    behaviour: Distributions | None
    groups: Floats | None
    shown: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.users)

    def parts(self) -> Iterable[NDArray[np.intp]]:
        """Yield the numbers of the rows (m,), in parts whose size `CELLS` bounds."""
        return np.array_split(np.arange(len(self)), max(1, len(self) * len(self.shown) // CELLS))

    @cached_property
    def _logged_groups(self) -> Floats:
        """(n, C) the share of each group in the logging policy's distribution; computed once for all judged policies."""
        assert self.behaviour is not None
        assert self.groups is not None
        return np.concatenate([self.behaviour(part) @ self.groups for part in self.parts()])

    def against(self, policy: Distributions, name: str) -> Decisions:
        """Return the decisions of `policy`, named `name` in messages.

        Raises:
            InputError: if its probabilities are not distributions.
        """
        parts = [self._part(part, policy, name) for part in self.parts()]
        probabilities, modelled, expected, unsupported, weights = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return Decisions(
            users=self.users,
            rewards=self.rewards,
            propensities=self.propensities,
            probabilities=probabilities,
            modelled=modelled,
            expected=expected,
            group_weights=None if self.groups is None else weights,
            unsupported=unsupported,
        )

    def _part(self, part: NDArray[np.intp], policy: Distributions, name: str) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        chosen = np.asarray(policy(part), np.float64)
        require_distributions(chosen, f"policy '{name}'")
        estimates, items = self.modelled(part), self.items[part, None]
        weights = np.ones(len(part))
        if self.groups is not None and self.behaviour is not None:
            weights = _group_weights(chosen @ self.groups, self._logged_groups[part], self.groups[self.items[part]])
        return (
            np.take_along_axis(chosen, items, axis=1)[:, 0],
            np.take_along_axis(np.asarray(estimates, np.float64), items, axis=1)[:, 0],
            np.einsum("ri,ri->r", chosen, estimates),
            chosen[:, ~self.shown].sum(axis=1),
            weights,
        )


def _group_weights(policy: Floats, behaviour: Floats, of_items: Floats) -> Floats:
    """Return (m,) the mean over the shown item's groups of pi(c|x) / pi_0(c|x); `of_items` (m, C) are its shares of them."""
    ratios = np.divide(policy, behaviour, out=np.zeros_like(policy), where=behaviour > 0)
    weights: Floats = (ratios * of_items).sum(axis=1)
    return weights
