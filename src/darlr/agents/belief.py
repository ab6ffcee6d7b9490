"""Beliefs about the users of running episodes, from what they have given since their episodes began.

`Belief.begin` opens episodes. What is believed then observes what was recommended and given, and expects responses to all
items.
`FactorBelief` is the exact posterior of a linear Gaussian model; `Certainty` knows a table and has nothing to learn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from darlr.agents.acting import Scorer, mask_logits
from darlr.rewards.source import Window
from darlr.world_model.factors.responses import FactorResponses


class Believed(Protocol):
    """What is believed of the users of A episodes."""

    def observe(self, window: Window) -> "Believed":
        """What is believed after every position of `window` (A, L) as well; start and absence say nothing."""
        ...

    def expect(self) -> tuple[Tensor, Tensor]:
        """Expected responses (A, I), on a scale on which they grow with the reward, and a summary (A, s)."""
        ...

    def rows(self, chosen: Tensor) -> "Believed":
        """The chosen episodes."""
        ...


class Belief(nn.Module):
    """Base: what is known of users before their episodes.

    Attributes:
        n_items: I.
        size: s, how many numbers summarise what is believed of a user.
    """

    n_items: int
    size: int

    def begin(self, users: Tensor) -> Believed:
        """What is believed of `users` (A,), rows of the world, before their episodes."""
        raise NotImplementedError

    def average_user(self) -> dict[str, Tensor]:
        """(1, ...) rows for somebody unknown, by buffer."""
        raise NotImplementedError

    def append_user(self, rows: Mapping[str, Tensor]) -> None:
        """Add the user whose rows `average_user` gave."""
        for name, row in rows.items():
            setattr(self, name, torch.cat([getattr(self, name), row]))


class FactorBelief(Belief):
    """The exact posterior of users' factors, averaged over how noisy a user is.

    y = b_i + v_i . q_u + noise of variance w_ij = level_j * log_noise + (noise_i - log_noise), q_u ~ N(m_u, S_u). Every level
    is as likely as any other before the episode (docs/methods/bayes-adaptive.md, Eqs. 1 to 4).

    Attributes:
        scale: between rewards and y.
        intercepts, loadings, noise: (I + 2,), (I + 2, d), (I + 2, J) of the items, then of start and absence. Their loadings
            are 0, so they add nothing to any sum.
        user_means, user_precisions: (U, d), (U, d, d) of m_u and the inverse of S_u.
    """

    intercepts: Tensor
    loadings: Tensor
    noise: Tensor
    user_means: Tensor
    user_precisions: Tensor

    def __init__(self, responses: FactorResponses, levels: Sequence[float]) -> None:
        """Args:
        responses: of the world's users and items, in its order.
        levels: (J,) above 0, shares of the log's noise.
        """
        super().__init__()
        self.n_items, self.size = responses.loadings.shape
        self.scale = responses.scale
        shares = torch.tensor(levels, device=responses.noise.device)
        noise = responses.noise[:, None] + (shares - 1) * responses.log_noise
        self._keep("intercepts", nn.functional.pad(responses.intercepts, (0, 2)))
        self._keep("loadings", nn.functional.pad(responses.loadings, (0, 0, 0, 2)))
        self._keep("noise", nn.functional.pad(noise, (0, 0, 0, 2), value=1.0))
        self._keep("user_means", responses.user_means)
        self._keep("user_precisions", torch.linalg.inv(responses.user_covariances.double()).float())

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.register_buffer(name, tensor, persistent=False)

    def begin(self, users: Tensor) -> "Evidence":
        shape = (len(users), self.noise.shape[1])
        zeros = self.loadings.new_zeros
        return Evidence(self, users, zeros(*shape, self.size, self.size), zeros(*shape, self.size), zeros(shape))

    def average_user(self) -> dict[str, Tensor]:
        """The mean user, known as little as all users differ: their spread added to what is not known of each."""
        centred = self.user_means - self.user_means.mean(dim=0)
        spread = torch.linalg.inv(self.user_precisions).mean(dim=0) + centred.T @ centred / len(centred)
        precision = torch.linalg.inv(spread)
        return {"user_means": self.user_means.mean(dim=0, keepdim=True), "user_precisions": precision[None]}


@dataclass(frozen=True)
class Evidence:
    """What the users of A episodes gave, as sums over the episodes' steps: a step costs the same early or late.

    With v the item's loadings, w_j its noise at level j and e = y - b - v . m the surprise to the prior mean m:

    Attributes:
        belief: before the episodes.
        users: (A,) int64 rows of the world.
        precision: (A, J, d, d), sum of v v' / w_j.
        information: (A, J, d), sum of v e / w_j.
        misfit: (A, J), sum of log w_j + e^2 / w_j.
    """

    belief: FactorBelief
    users: Tensor
    precision: Tensor
    information: Tensor
    misfit: Tensor

    def observe(self, window: Window) -> "Evidence":
        belief, items, scale = self.belief, window.items, self.belief.scale
        loadings, noise = belief.loadings[items], belief.noise[items].transpose(1, 2)  # (A, L, d), (A, J, L)
        prior = belief.intercepts[items] + (loadings @ belief.user_means[self.users, :, None]).squeeze(2)
        rewards = scale.to_scale(window.rewards * (scale.high - scale.low) + scale.low)
        surprise = (rewards - prior) * (items < belief.n_items)
        weighted = loadings.transpose(1, 2)[:, None] / noise[:, :, None]  # (A, J, d, L)
        return replace(
            self,
            precision=self.precision + weighted @ loadings[:, None],
            information=self.information + (weighted @ surprise[:, None, :, None]).squeeze(3),
            misfit=self.misfit + (noise.log() + surprise[:, None].square() / noise).sum(dim=2),
        )

    def expect(self) -> tuple[Tensor, Tensor]:
        belief, factors = self.belief, self.factors()
        return torch.addmm(belief.intercepts[:-2], factors, belief.loadings[:-2].T), factors

    def factors(self) -> Tensor:
        """(A, d) posterior means: those of the noise levels, weighed by how likely each is after the evidence."""
        root = torch.linalg.cholesky(self.precision + self.belief.user_precisions[self.users][:, None])
        shift = torch.cholesky_solve(self.information.unsqueeze(3), root).squeeze(3)  # (A, J, d)
        determinant = 2 * root.diagonal(dim1=2, dim2=3).log().sum(dim=2)
        explained = (self.information * shift).sum(dim=2)
        likely = (-0.5 * (self.misfit + determinant - explained)).softmax(dim=1)
        mean: Tensor = self.belief.user_means[self.users] + (likely[:, None] @ shift).squeeze(1)
        return mean

    def rows(self, chosen: Tensor) -> "Evidence":
        return replace(
            self,
            users=self.users[chosen],
            precision=self.precision[chosen],
            information=self.information[chosen],
            misfit=self.misfit[chosen],
        )


class Certainty(Belief):
    """A table of rewards that is taken for true, whatever users give; standardised, so that its scale is a belief's."""

    table: Tensor

    def __init__(self, table: Tensor) -> None:
        """Args: table: (n_users, n_items) float32."""
        super().__init__()
        self.n_items, self.size = table.shape[1], 0
        spread, centre = torch.std_mean(table)
        self.register_buffer("table", (table - centre) / spread, persistent=False)

    def begin(self, users: Tensor) -> "Known":
        return Known(self.table, users)

    def average_user(self) -> dict[str, Tensor]:
        return {"table": self.table.mean(dim=0, keepdim=True)}


@dataclass(frozen=True)
class Known:
    """Users (A,), rows of a table (n_users, n_items) that has nothing to learn from them."""

    table: Tensor
    users: Tensor

    def observe(self, window: Window) -> "Known":
        return self

    def expect(self) -> tuple[Tensor, Tensor]:
        return self.table[self.users], self.table.new_zeros(len(self.users), 0)

    def rows(self, chosen: Tensor) -> "Known":
        return Known(self.table, self.users[chosen])


class BelievedList(Scorer):
    """The items by their expected responses after the window: a list that learns from the user, and has learned nothing else.

    A window must show the whole episode.
    """

    def __init__(self, belief: Belief) -> None:
        self._belief = belief

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._belief.begin(users).observe(window).expect()[0], blocked)
