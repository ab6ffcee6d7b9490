"""Beliefs about the users of running episodes, from what they have given since their episodes began.

`Belief.begin` opens episodes. What is believed then observes what was recommended and given, and expects responses to all
items.
`FactorBelief` is the exact posterior of a linear Gaussian model; `Certainty` knows a table and has nothing to learn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.world.window import OUTSIDE, Window
from darlr.world_model.factors.responses import FactorResponses


class Believed(Protocol):
    """What is believed of the users of A episodes."""

    def observe(self, window: Window) -> "Believed":
        """What is believed after every position of `window` (A, L) as well; start and absence say nothing."""
        ...

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Expected responses (A, I), on a scale on which they grow with the reward, and a summary (A, s).

        Args: out: (A, I) float32 where the responses are to lie; anew without.
        """
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
        user_means, user_covariances: (U, d), (U, d, d) of m_u and S_u.
    """

    intercepts: Tensor
    loadings: Tensor
    noise: Tensor
    user_means: Tensor
    user_covariances: Tensor

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
        self._keep("intercepts", nn.functional.pad(responses.intercepts, (0, OUTSIDE)))
        self._keep("loadings", nn.functional.pad(responses.loadings, (0, 0, 0, OUTSIDE)))
        self._keep("noise", nn.functional.pad(noise, (0, 0, 0, OUTSIDE), value=1.0))
        self._keep("user_means", responses.user_means)
        self._keep("user_covariances", responses.user_covariances)

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.register_buffer(name, tensor, persistent=False)

    def begin(self, users: Tensor) -> "FactorPosterior":
        levels = self.noise.shape[1]
        return FactorPosterior(
            self,
            self.user_means[users][:, None].expand(-1, levels, -1),
            self.user_covariances[users][:, None].expand(-1, levels, -1, -1),
            self.loadings.new_zeros(len(users), levels),
        )

    def average_user(self) -> dict[str, Tensor]:
        """The mean user, known as little as all users differ: their spread added to what is not known of each."""
        centred = self.user_means - self.user_means.mean(dim=0)
        covariance = self.user_covariances.mean(dim=0) + centred.T @ centred / len(centred)
        return {"user_means": self.user_means.mean(dim=0, keepdim=True), "user_covariances": covariance[None]}


@dataclass(frozen=True)
class FactorPosterior:
    """What is believed of the factors of A users, at each of J noise levels.

    Attributes:
        belief: what their episodes began from.
        means, covariances: (A, J, d), (A, J, d, d).
        log_evidence: (A, J) log probability of what was given, up to a constant.
    """

    belief: FactorBelief
    means: Tensor
    covariances: Tensor
    log_evidence: Tensor

    def observe(self, window: Window) -> "FactorPosterior":
        believed, scale = self, self.belief.scale
        y = scale.to_scale(window.rewards * (scale.high - scale.low) + scale.low)
        informative = (window.items < self.belief.n_items).any(dim=0)
        for position in informative.nonzero().squeeze(1).tolist():
            believed = believed._add(window.items[:, position], y[:, position])
        return believed

    def _add(self, items: Tensor, y: Tensor) -> "FactorPosterior":
        """A rank-one update by the response y (A,) to each user's item (A,): a step costs the same early or late."""
        belief = self.belief
        users, levels, size = self.means.shape
        loadings = belief.loadings[items, :, None]  # (A, d, 1)
        covered = (self.covariances.reshape(users, levels * size, size) @ loadings).view(users, levels, size)
        variance = (covered @ loadings).squeeze(2) + belief.noise[items]
        surprise = (y - belief.intercepts[items])[:, None] - (self.means @ loadings).squeeze(2)
        surprise = surprise * (items < belief.n_items)[:, None]
        gain = surprise / variance
        scaled = covered / variance[:, :, None]
        return FactorPosterior(
            belief,
            torch.addcmul(self.means, covered, gain[:, :, None]),
            torch.addcmul(self.covariances, covered[:, :, :, None], scaled[:, :, None], value=-1),
            self.log_evidence - 0.5 * (variance.log() + surprise * gain),
        )

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        belief, factors = self.belief, self.factors()
        expected = torch.addmm(belief.intercepts[:-OUTSIDE], factors, belief.loadings[:-OUTSIDE].T, out=out)
        return expected, factors

    def factors(self) -> Tensor:
        """(A, d) posterior means: those of the noise levels, weighed by how likely each is after the evidence."""
        likely = self.log_evidence.softmax(dim=1)
        factors: Tensor = (likely[:, None] @ self.means).squeeze(1)
        return factors

    def rows(self, chosen: Tensor) -> "FactorPosterior":
        return replace(
            self,
            means=self.means[chosen],
            covariances=self.covariances[chosen],
            log_evidence=self.log_evidence[chosen],
        )


class Certainty(Belief):
    """A table of rewards that is taken for true, whatever users give; standardised, so that its scale is a belief's.

    Attributes:
        ids: (n_users,) int64, who the world's users are; -1 for somebody unknown.
        known: (K,) int64, whom the table has, ascending; saved with the policy, and so is the table.
        table: (K + 1, n_items) float32; the last row is the mean of the others, for users whom the table lacks.
    """

    ids: Tensor
    known: Tensor
    table: Tensor

    def __init__(self, ids: Tensor, n_items: int) -> None:
        """Nothing is known before `learn`, or before a saved table is loaded."""
        super().__init__()
        self.n_items, self.size = n_items, 0
        self.register_buffer("ids", ids, persistent=False)
        self.register_buffer("known", ids[:0])
        self.register_buffer("table", torch.zeros(1, n_items, device=ids.device))

    def learn(self, rewards: Tensor) -> None:
        """Take `rewards` (n_users, n_items) of the world's users for true."""
        spread, centre = torch.std_mean(rewards)
        self.known, order = self.ids.sort()
        table = (rewards[order] - centre) / spread
        self.table = torch.cat([table, table.mean(dim=0, keepdim=True)])

    def begin(self, users: Tensor) -> "Known":
        ids, n_known = self.ids[users], len(self.known)
        rows = torch.searchsorted(self.known, ids)
        found = torch.isin(ids, self.known)
        return Known(self.table, torch.where(found, rows, n_known))

    def average_user(self) -> dict[str, Tensor]:
        return {"ids": self.ids.new_full((1,), -1)}

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
        """A saved table has the rows that it has, whoever the users of this world are."""
        for name in ("known", "table"):
            if (saved := state_dict.get(prefix + name)) is not None:
                setattr(self, name, saved.to(self.ids.device))
        super()._load_from_state_dict(state_dict, prefix, *others)


@dataclass(frozen=True)
class Known:
    """Users (A,), rows of a table (K + 1, n_items) that has nothing to learn from them."""

    table: Tensor
    users: Tensor

    def observe(self, window: Window) -> "Known":
        return self

    def expect(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return torch.index_select(self.table, 0, self.users, out=out), self.table.new_zeros(len(self.users), 0)

    def rows(self, chosen: Tensor) -> "Known":
        return Known(self.table, self.users[chosen])


class BelievedList(Scorer):
    """The items by their expected responses after the window: a list that learns from the user alone."""

    lookback = WHOLE_EPISODE

    def __init__(self, belief: Belief) -> None:
        self._belief = belief

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self._belief.begin(users).observe(window).expect()[0], blocked)
