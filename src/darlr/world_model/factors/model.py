"""The fitted factor model: posteriors of all users and items, and predictions in the log's reward units."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.artifacts.schema import Keys, Shape, number, one_of, positive, require, require_indices, require_tensors
from darlr.data.catalog import Features, ItemCatalog
from darlr.world_model.factors.design import Columns, Description, Tags
from darlr.world_model.factors.law import under_selection
from darlr.world_model.factors.posterior import Posteriors
from darlr.world_model.factors.responses import PAIRS_AT_ONCE, FactorResponses, ResponseScale
from darlr.world_model.model import SCALE, Scale

STATE = Keys(
    {
        "log_noise": positive,
        "response_scale": Keys(
            {
                "link": one_of("identity", "log"),
                **dict.fromkeys(("low", "high", "floor", "centre"), number),
                "spread": positive,
            }
        ),
        "scale": SCALE,
        "selection_exponent": number,
    }
)
SHAPES: dict[str, Shape] = {
    "shares": (torch.float32, ["items"]),
    **{
        f"{side}.{name}": shape
        for side in ("users", "items")
        for name, shape in {
            "means": (torch.float32, [side, "d"]),
            "covariances": (torch.float32, [side, "d", "d"]),
            "centre": (torch.float64, ["d"]),
            "weights": (torch.float64, [f"columns of {side}", "d"]),
            "prior": (torch.float64, ["d", "d"]),
            "of_code": (torch.int64, [f"codes of {side}"]),
            "column_means": (torch.float64, [f"columns of {side}"]),
        }.items()
    },
}


@dataclass(frozen=True)
class Population:
    """Posteriors of the n users or items of a vocabulary, and the prior of an unknown one; d = size + 1.

    Attributes:
        means: (n, d) float32: a user's bias and factors, or an item's bias and loadings.
        covariances: (n, d, d) float32.
        centre: (d,) float64, prior mean of an entity with average features.
        weights: (F, d) float64, added to the prior mean for each column of the features.
        prior: (d, d) float64, covariance around the prior mean.
        of_code, column_means: see `design.Columns`.
    """

    means: Tensor
    covariances: Tensor
    centre: Tensor
    weights: Tensor
    prior: Tensor
    of_code: Tensor
    column_means: Tensor

    @classmethod
    def of(cls, side: Posteriors, description: Description, fitted: Tensor, block: int) -> "Population":
        """All entities of `description`: those at `fitted` (n',) have the posteriors of `side`, the others have their prior."""
        free, columns, prior = side.free, side.design.columns, side.prior
        means = torch.empty(len(description), len(free), device=prior.device)
        for first in range(0, len(description), block):
            last = min(first + block, len(description))
            means[first:last] = side.expected(columns.matrix(description, first, last))[:, free]
        covariances = prior.float().expand(len(description), -1, -1).clone()
        means[fitted] = side.means[:, free].float()
        for first in range(0, len(fitted), block):
            covariances[fitted[first : first + block]] = side.covariances[first : first + block].float()
        return cls(means, covariances, side.centre[free], side.weights[:, free], prior, columns.of_code, columns.means)

    def prior_of(self, described: Features | ItemCatalog) -> tuple[Tensor, Tensor]:
        """Prior means (m, d) and covariances (m, d, d), float32, of m new entities with these features."""
        description = Description.of(described)
        matrix = Columns(self.of_code, self.column_means).matrix(description, 0, len(description))
        return self._prior_at(matrix)

    def prior_of_some(
        self, codes: NDArray[np.int64], sizes: Sequence[int], numeric: NDArray[np.float32], tags: Tags | None = None
    ) -> tuple[Tensor, Tensor]:
        """The prior of new entities with some features unknown.

        Args:
            codes, sizes, numeric, tags: see `design.Columns.partial`.

        Returns:
            Means (m, d) and covariances (m, d, d), float32.
        """
        return self._prior_at(Columns(self.of_code, self.column_means).partial(codes, sizes, numeric, tags))

    def and_more(self, means: Tensor, covariances: Tensor) -> "Population":
        """These entities, followed by m more with `means` (m, d) and `covariances` (m, d, d)."""
        return replace(self, means=torch.cat([self.means, means]), covariances=torch.cat([self.covariances, covariances]))

    def _prior_at(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        means = (self.centre + matrix @ self.weights).float()
        return means, self.prior.float().expand(len(means), -1, -1)


class FactorModel:
    """A world model whose estimates come with closed-form posteriors: f(r_ui) = b_i + a_u + v_i . z_u + noise.

    Attributes:
        responses: the model in the form that a belief about a user needs.
        scale: mean and standard deviation of the fitted rewards, in reward units.
        selection_exponent: eta, see `law`.
    """

    responses: FactorResponses
    scale: Scale
    selection_exponent: float

    def __init__(
        self,
        users: Population,
        items: Population,
        log_noise: float,
        response_scale: ResponseScale,
        scale: Scale,
        shares: Tensor,
        selection_exponent: float = 0.0,
    ) -> None:
        """
        Args:
            users, items: the posteriors.
            log_noise: variance of a logged y.
            response_scale: the map between rewards and y.
            scale: mean and standard deviation of the fitted rewards, in reward units.
            shares: (I,) float32 in (0, 1], the share of the users who chose an item.
            selection_exponent: eta, see `law`.
        """
        self.users, self.items, self.shares = users, items, shares
        self.scale, self.selection_exponent = scale, selection_exponent
        biases, loadings = items.means[:, 0], items.means[:, 1:]
        intercepts, self._kept = under_selection(biases, shares**selection_exponent, response_scale)
        unknown = items.covariances.diagonal(dim1=1, dim2=2).sum(dim=1)
        self.responses = FactorResponses(
            intercepts=intercepts,
            loadings=torch.cat([torch.ones_like(biases)[:, None], self._kept[:, None] * loadings], dim=1),
            noise=log_noise + self._kept.square() * unknown,
            log_noise=log_noise,
            user_means=users.means,
            user_covariances=users.covariances,
            scale=response_scale,
        )

    def with_selection(self, exponent: float) -> "FactorModel":
        """The same posteriors under the law of selection with `exponent`."""
        return FactorModel(
            self.users, self.items, self.responses.log_noise, self.responses.scale, self.scale, self.shares, exponent
        )

    def with_items(self, means: Tensor, covariances: Tensor) -> "FactorModel":
        """The model with m more items, whose posteriors are `means` (m, d) and `covariances` (m, d, d).

        Nobody could choose them yet. Their share of users is taken to be the mean share of the log's items.
        """
        shares = torch.cat([self.shares, self.shares.mean().expand(len(means))])
        items, responses = self.items.and_more(means, covariances), self.responses
        return FactorModel(self.users, items, responses.log_noise, responses.scale, self.scale, shares, self.selection_exponent)

    @torch.no_grad()
    def predict(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate and uncertainty of every pair of `users` (n,) and `items` (m,), indices into the log's vocabularies.

        Returns:
            r: (n, m) float32, f^-1 of the posterior mean of y, cut to the log's reward range.
            P_U: (n, m) float32 in squared reward units. It is the posterior variance of the mean of y, times the squared
                slope of f^-1 there.
        """
        estimate = torch.empty(len(users), len(items), device=self.shares.device)
        uncertainty = torch.empty_like(estimate)
        step = max(1, PAIRS_AT_ONCE // max(1, len(items)))
        columns = self._columns(items)
        for start in range(0, len(users), step):
            rows = slice(start, start + step)
            estimate[rows], uncertainty[rows] = self._block(users[rows], *columns)
        return estimate, uncertainty

    @torch.no_grad()
    def uncertainty(self, users: Tensor, items: Tensor) -> Tensor:
        """P_U of single pairs, as in `predict`, of the shape (n, ...) that `users` and `items` broadcast to."""
        users, items = torch.broadcast_tensors(users, items)  # type: ignore[no-untyped-call]
        parts = zip(torch.split(users.flatten(), PAIRS_AT_ONCE), torch.split(items.flatten(), PAIRS_AT_ONCE), strict=True)
        return torch.cat([self._uncertainty(*part) for part in parts]).view(users.shape)

    @torch.no_grad()
    def most_uncertain(self, users: Tensor, items: Tensor) -> float:
        """An upper bound of P_U over all pairs of `users` (n,) and `items` (m,), from n + m numbers.

        With v, C and q, S the means and covariances of an item's loadings and a user's factors, v'Sv is at most |v|^2 times
        the largest eigenvalue of S. The other term, the sum of products of (qq' + S) and C, is at most the largest
        eigenvalue of C times the trace of qq' + S.
        """
        responses = self.responses
        means, covariances = self.users.means[users], self.users.covariances[users]
        second = 1 + means[:, 1:].square().sum(dim=1) + covariances.diagonal(dim1=1, dim2=2)[:, 1:].sum(dim=1)
        unknown = self._kept[items].square() * torch.linalg.eigvalsh(self.items.covariances[items])[:, -1]
        own = torch.linalg.eigvalsh(covariances).max() * responses.loadings[items].square().sum(dim=1).max()
        slope = responses.scale.slope(torch.tensor(responses.scale.high))
        return float((own + unknown.max() * second.max()) * slope.square())

    def _uncertainty(self, users: Tensor, items: Tensor) -> Tensor:
        responses, means, covariances = self.responses, self.users.means[users], self.users.covariances[users]
        loadings = responses.loadings[items]
        estimate = responses.to_reward(responses.intercepts[items] + (means * loadings).sum(dim=1))
        met = torch.cat([torch.ones_like(means[:, :1]), means[:, 1:]], dim=1)
        second = met.unsqueeze(2) * met.unsqueeze(1)
        second[:, 1:, 1:] += covariances[:, 1:, 1:]
        own = (covariances * loadings.unsqueeze(2) * loadings.unsqueeze(1)).sum(dim=(1, 2))
        unknown = (second * self.items.covariances[items]).sum(dim=(1, 2)) * self._kept[items].square()
        return (own + unknown).clamp_min_(0) * responses.scale.slope(estimate).square()

    def _columns(self, items: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Intercepts (m,), loadings (m, d), their products (m, d d), and the loadings' posterior covariances (m, d d)."""
        loadings = self.responses.loadings[items]
        products = (loadings.unsqueeze(2) * loadings.unsqueeze(1)).flatten(1)
        unknown = self._kept[items].square()[:, None] * self.items.covariances[items].flatten(1)
        return self.responses.intercepts[items], loadings, products, unknown

    def _block(
        self, users: Tensor, intercepts: Tensor, loadings: Tensor, products: Tensor, unknown: Tensor
    ) -> tuple[Tensor, Tensor]:
        means, covariances = self.users.means[users], self.users.covariances[users]
        estimate = self.responses.to_reward(torch.addmm(intercepts, means, loadings.T))
        # The uncertainty of an item's bias and loadings multiplies (1, z).
        met = torch.cat([torch.ones_like(means[:, :1]), means[:, 1:]], dim=1)
        second = met.unsqueeze(2) * met.unsqueeze(1)
        second[:, 1:, 1:] += covariances[:, 1:, 1:]
        variance = covariances.flatten(1) @ products.T + second.flatten(1) @ unknown.T
        return estimate, variance.clamp_min_(0) * self.responses.scale.slope(estimate).square()

    def user_vectors(self) -> Tensor:
        """Each user's bias and factors, (U, d) float32."""
        return self.responses.user_means

    def item_vectors(self) -> Tensor:
        """Each item's intercept and loadings, (I, d) float32."""
        return torch.cat([self.responses.intercepts[:, None], self.responses.loadings[:, 1:]], dim=1)

    def tensors(self) -> dict[str, Tensor]:
        """All learned tensors by name; predictions need nothing else than these and `state()`."""
        sides = {"users": self.users, "items": self.items}
        parts = {f"{side}.{field.name}": getattr(of, field.name) for side, of in sides.items() for field in fields(Population)}
        return {name: tensor.contiguous() for name, tensor in parts.items()} | {"shares": self.shares}

    def state(self) -> dict[str, Any]:
        """The learned numbers beside the tensors, as plain values."""
        return {
            "log_noise": self.responses.log_noise,
            "response_scale": asdict(self.responses.scale),
            "scale": asdict(self.scale),
            "selection_exponent": self.selection_exponent,
        }

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor], state: Mapping[str, Any], device: torch.device) -> "FactorModel":
        """The model that `tensors()` and `state()` described, on `device`.

        Raises:
            InputError: if they do not describe a factor model.
        """
        require(state, STATE, "its state")
        require_tensors(tensors, SHAPES)
        for side in ("users", "items"):
            columns = len(tensors[f"{side}.column_means"])
            require_indices(tensors[f"{side}.of_code"], f"{side}.of_code", columns + 1)
        users, items = (
            Population(**{field.name: tensors[f"{side}.{field.name}"].to(device) for field in fields(Population)})
            for side in ("users", "items")
        )
        return cls(
            users,
            items,
            state["log_noise"],
            ResponseScale(**state["response_scale"]),
            Scale(**state["scale"]),
            tensors["shares"].to(device),
            state["selection_exponent"],
        )
