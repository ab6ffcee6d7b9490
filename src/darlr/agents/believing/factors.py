"""The exact posterior of users' factors in a linear Gaussian model, updated during their episodes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from darlr.agents.believing.belief import Belief
from darlr.world.window import OUTSIDE, Window
from darlr.world_model.factors.responses import FactorResponses


class FactorBelief(Belief):
    """The exact posterior of users' factors, averaged over levels of a user's noise.

    y = b_i + v_i . q_u + noise of variance w_ij = level_j * log_noise + (noise_i - log_noise), q_u ~ N(m_u, S_u). All
    levels are equally likely before the episode (docs/methods/bayes-adaptive.md, Eqs. 1 to 4).

    Attributes:
        scale: converts between rewards and y.
        intercepts, loadings, noise: (I + 2,), (I + 2, d), (I + 2, J) of the items, then of start and absence, whose
            loadings are 0, so that they add nothing to any sum.
        user_means, user_covariances: (U, d), (U, d, d) of m_u and S_u.
    """

    intercepts: Tensor
    loadings: Tensor
    noise: Tensor
    user_means: Tensor
    user_covariances: Tensor

    def __init__(self, responses: FactorResponses, levels: Sequence[float]) -> None:
        """
        Args:
            responses: the responses of the world's users to its items.
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
            self.loadings.new_zeros(users.shape[0], levels),  # len() would fix the batch of an exported graph
        )

    def expected_rows(self, users: Tensor, items: Tensor | slice = slice(-OUTSIDE)) -> Tensor:
        """Return (A, n) responses to `items` (n,), by default all, that are expected of `users` (A,) before their episodes."""
        return torch.addmm(self.intercepts[items], self.user_means[users], self.loadings[items].T)

    def responses(self, window: Window) -> Tensor:
        """Return (A, L) the users' rewards in `window`, on the scale of y."""
        scale = self.scale
        y: Tensor = scale.to_scale(window.rewards * (scale.high - scale.low) + scale.low)
        return y

    def to_reward(self, responses: Tensor) -> Tensor:
        return self.scale.to_reward(responses)

    def average_user(self) -> dict[str, Tensor]:
        """Return the rows (1, ...) of the mean user. Their uncertainty is the mean user's plus the spread between users."""
        centred = self.user_means - self.user_means.mean(dim=0)
        covariance = self.user_covariances.mean(dim=0) + centred.T @ centred / len(centred)
        return {"user_means": self.user_means.mean(dim=0, keepdim=True), "user_covariances": covariance[None]}


@dataclass(frozen=True)
class FactorPosterior:
    """The belief about the factors of A users, at each of J noise levels.

    Attributes:
        belief: the belief at the start of their episodes.
        means, covariances: (A, J, d), (A, J, d, d).
        log_evidence: (A, J) log probability of the observed rewards, up to a constant.
    """

    belief: FactorBelief
    means: Tensor
    covariances: Tensor
    log_evidence: Tensor

    def observe(self, window: Window) -> "FactorPosterior":
        if bool((window.items >= self.belief.n_items).all()):
            return self  # no reward yet
        return self.respond(window.items, self.belief.responses(window))

    def respond(self, items: Tensor, y: Tensor) -> "FactorPosterior":
        """Return the belief after responses `y` (A, L) to `items` (A, L); start and absence carry no information."""
        believed = self
        informative = (items < self.belief.n_items).any(dim=0)
        for position in informative.nonzero().squeeze(1).tolist():
            believed = believed.add(items[:, position], y[:, position])
        return believed

    def add(self, items: Tensor, y: Tensor) -> "FactorPosterior":
        """Return the belief after the response y (A,) to each user's item (A,): a rank-one update, whose cost does not grow
        with time.
        """
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

    def expect_of(self, items: Tensor) -> Tensor:
        belief = self.belief
        loadings = belief.loadings[items]  # (A, k, d)
        return plus_products(belief.intercepts[items], loadings, self.factors())

    def factors(self) -> Tensor:
        """Return (A, d) posterior means, averaged over the noise levels with their posterior probabilities."""
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


def plus_products(start: Tensor, loadings: Tensor, factors: Tensor) -> Tensor:
    """Return `start` (A, k) plus the products of each item's `loadings` (A, k, d) with its user's `factors` (A, d)."""
    return torch.baddbmm(start[:, :, None], loadings, factors[:, :, None]).squeeze(2)
