"""Beliefs that begin from a table of rewards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from darlr.agents.believing.belief import Belief
from darlr.agents.believing.factors import FactorBelief, FactorPosterior, plus_products
from darlr.artifacts.schema import Shape
from darlr.world.window import OUTSIDE, Window


def standardised(rewards: Tensor) -> Tensor:
    """Return `rewards`, of any shape, scaled to mean 0 and standard deviation 1."""
    spread, centre = torch.std_mean(rewards)
    return (rewards - centre) / spread


class Certainty(Belief):
    """A table of responses that is taken for true, whatever the users' rewards are.

    Attributes:
        ids: (n_users,) int64, identities of the world's users; -1 for an unknown user.
        known: (K,) int64, identities of the table's users, ascending; saved with the policy, like the table.
        table: (K + 1, n_items) float32; the last row is the mean of the others, for users outside the table.
    """

    ids: Tensor
    known: Tensor
    table: Tensor

    def __init__(self, ids: Tensor, n_items: int) -> None:
        """
        Args:
            ids: (n_users,) int64, identities of the world's users.
            n_items: number of items. The table is empty before `learn`, or before a saved table is loaded.
        """
        super().__init__()
        self.n_items, self.size = n_items, 0
        self.register_buffer("ids", ids, persistent=False)
        self.register_buffer("known", ids[:0])
        self.register_buffer("table", torch.zeros(1, n_items, device=ids.device))

    def learn(self, expected: Tensor) -> None:
        """Take the responses `expected` (n_users, n_items) of the world's users for true."""
        self.known, order = self.ids.sort()
        table = expected[order]
        self.table = torch.cat([table, table.mean(dim=0, keepdim=True)])

    def begin(self, users: Tensor) -> "Known":
        ids, n_known = self.ids[users], len(self.known)
        rows = torch.searchsorted(self.known, ids)
        found = torch.isin(ids, self.known)
        return Known(self.table, torch.where(found, rows, n_known))

    def average_user(self) -> dict[str, Tensor]:
        return {"ids": self.ids.new_full((1,), -1)}

    def saved_shapes(self) -> dict[str, Shape]:
        return {"known": (self.known.dtype, ["known"]), "table": (self.table.dtype, ["known and the mean", self.n_items])}

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
        """Load a saved table, whose number of rows does not depend on this world's users."""
        known, table = (state_dict.get(prefix + name) for name in ("known", "table"))
        if known is not None and table is not None and len(table) != len(known) + 1:
            raise ValueError(f"the table has {len(table)} rows for {len(known)} users; expected one more, for their mean")
        for name in ("known", "table"):
            if (saved := state_dict.get(prefix + name)) is not None:
                setattr(self, name, saved.to(self.ids.device))
        super()._load_from_state_dict(state_dict, prefix, *others)


@dataclass(frozen=True)
class Known:
    """Users (A,), rows of a table (K + 1, n_items), whose rewards change nothing."""

    table: Tensor
    users: Tensor

    def at(self, items: Tensor) -> Tensor:
        """Return (A, L) responses to `items` (A, L); an arbitrary number for start and absence."""
        return self.table[self.users[:, None], items.clamp_max(self.table.shape[1] - 1)]

    def observe(self, window: Window) -> "Known":
        return self

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return torch.index_select(self.table, 0, self.users, out=out), self.table.new_zeros(self.users.shape[0], 0)

    def expect_of(self, items: Tensor) -> Tensor:
        return self.at(items)

    def rows(self, chosen: Tensor) -> "Known":
        return Known(self.table, self.users[chosen])


class CorrectedTable(Belief):
    """A table of responses, corrected during an episode by the belief about the user's factors.

    E y = table[u, i] + loadings_i . (q_t - m_u), where q_t is the mean of the factors after the feedback and m_u the one
    before. Feedback that equals the table changes nothing.

    Attributes:
        table: holds the responses; saved with the policy.
        factors: rebuilt from the world model, not saved.
    """

    def __init__(self, table: Certainty, factors: FactorBelief) -> None:
        """
        Args:
            table, factors: of the same users and items.
        """
        super().__init__()
        self.n_items, self.size = factors.n_items, factors.size
        self.table, self.factors = table, factors

    def learn(self, rewards: Tensor) -> None:
        """Begin from the `rewards` (n_users, n_items) of the world's users."""
        self.table.learn(self.factors.scale.to_scale(rewards))

    def begin(self, users: Tensor) -> "Corrected":
        return Corrected(self.table.begin(users), self.factors.begin(users), self.factors.user_means[users])

    def to_reward(self, responses: Tensor) -> Tensor:
        return self.factors.to_reward(responses)

    def average_user(self) -> dict[str, Tensor]:
        return {**self.table.average_user(), **self.factors.average_user()}

    def saved_shapes(self) -> dict[str, Shape]:
        return {f"table.{name}": shape for name, shape in self.table.saved_shapes().items()}

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        for part in (self.table, self.factors):
            part.append_user({name: row for name, row in rows.items() if name in part.average_user()})


@dataclass(frozen=True)
class Corrected:
    """The belief about A users.

    Attributes:
        table: the responses at the start of their episodes.
        posterior: the belief about their factors.
        before: (A, d) the factors' means before the episodes.
    """

    table: Known
    posterior: FactorPosterior
    before: Tensor

    def observe(self, window: Window) -> "Corrected":
        # The posterior learns from the difference to its own expectation, so the difference to the table is added to that
        # expectation.
        belief = self.posterior.belief
        surprise = belief.responses(window) - self.table.at(window.items)
        own = belief.intercepts[window.items] + (belief.loadings[window.items] @ self.before[:, :, None]).squeeze(2)
        return replace(self, posterior=self.posterior.respond(window.items, own + surprise))

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        belief, factors = self.posterior.belief, self.posterior.factors()
        expected, _ = self.table.expect(out)
        return expected.addmm_(factors - self.before, belief.loadings[:-OUTSIDE].T), factors

    def expect_of(self, items: Tensor) -> Tensor:
        learned = self.posterior.factors() - self.before
        return plus_products(self.table.at(items), self.posterior.belief.loadings[items], learned)

    def rows(self, chosen: Tensor) -> "Corrected":
        return Corrected(self.table.rows(chosen), self.posterior.rows(chosen), self.before[chosen])
