"""Starts a fit from the posteriors of a former log. Known users and items keep their posteriors; new ones have their prior.

Targets are standardised anew. With y' the former targets and y = ratio y' + shift,

    b = ratio b' + shift,  v = ratio v',  a = ratio a',  z = z'
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.errors import InputError
from darlr.world.world import ABSENT
from darlr.world_model.continuing import Former
from darlr.world_model.factors.design import Design
from darlr.world_model.factors.fitting import ITEM_CONSTANT, NOISE_FLOOR, USER_CONSTANT, Start
from darlr.world_model.factors.model import FactorModel, Population
from darlr.world_model.factors.posterior import Packing, Side
from darlr.world_model.factors.problem import Problem


@dataclass(frozen=True)
class Restated:
    """Converts one side's entries to the scale of the new targets: factors * entries + shift, (d,) float64 each."""

    factors: Tensor
    shift: Tensor

    def means(self, means: Tensor) -> Tensor:
        """Restate means (n, d)."""
        return means.double() * self.factors + self.shift

    def covariances(self, covariances: Tensor) -> Tensor:
        """Restate covariances (n, d, d)."""
        return self.factors[:, None] * covariances.double() * self.factors


def start_from(former: Former, problem: Problem, users: Design, items: Design) -> Start:
    """The start of a fit of `problem` from a former model, for entities with the designs `users` and `items`.

    Raises:
        InputError: if the former model is not a factor model.
    """
    model, places = former.model, former.places
    if not isinstance(model, FactorModel):
        raise InputError(f"the run's world model is a {type(model).__name__}; expected one of factors")
    before = model.responses.scale
    ratio = before.spread / problem.scale.spread
    shift = (before.centre - problem.scale.centre) / problem.scale.spread
    d = model.users.means.shape[1]
    device = model.users.prior.device
    zeros, first = torch.zeros(d, dtype=torch.float64, device=device), torch.zeros(d, dtype=torch.float64, device=device)
    first[0] = 1.0
    of_users = Restated(1.0 + (ratio - 1.0) * first, zeros)
    of_items = Restated(torch.full_like(first, ratio), shift * first)
    codes = places.former.item_features.n_codes
    categories = np.where(places.categories == ABSENT, ABSENT, places.categories + codes)
    item_codes = np.concatenate([places.item_codes, categories])
    return Start(
        continued(model.users, places.users[problem.users], places.user_codes, users, USER_CONSTANT, of_users),
        continued(model.items, places.items[problem.items], item_codes, items, ITEM_CONSTANT, of_items),
        max(model.responses.log_noise * ratio**2, NOISE_FLOOR),
    )


def continued(
    population: Population,
    places: NDArray[np.int64],
    code_places: NDArray[np.int64],
    design: Design,
    fixed: int,
    restated: Restated,
) -> Side:
    """One side of n entities: entities of the former log have their former posteriors, the others have the prior.

    Args:
        population: the former posteriors and prior of this side.
        places: (n,) position of each entity in `population`, `ABSENT` for a new one.
        code_places: (V,) former number of each code of the features, `ABSENT` for a new code.
        design: features of the n entities.
        fixed: index of the entry that is always 1.
        restated: the conversion to the new targets' scale.
    """
    centre, weights = _regression(population, code_places, design)
    centre, weights = restated.means(centre), weights * restated.factors
    prior = restated.covariances(population.prior)
    device = prior.device
    place = torch.from_numpy(places).to(device)
    known = place != ABSENT
    n, d = len(places), len(centre)
    means, covariances = centre.new_empty(n, d), prior.expand(n, d, d).clone()
    new = design.description.rows(np.flatnonzero(places == ABSENT))
    means[~known] = centre + design.columns.matrix(new, 0, len(new)) @ weights
    means[known] = restated.means(population.means[place[known]])
    covariances[known] = restated.covariances(population.covariances[place[known]])
    packing = Packing(d + 1, fixed, device)
    full_means, full_centre, full_weights = (
        _with_fixed(part, packing, value) for part, value in ((means, 1.0), (centre[None], 1.0), (weights, 0.0))
    )
    products = packing.products(full_means, covariances)
    return Side(fixed, full_means, covariances, products, packing, design, full_centre[0], full_weights, prior)


def _with_fixed(part: Tensor, packing: Packing, value: float) -> Tensor:
    """Add the fixed entry, at `value`, to the free entries `part` (n, d); returns (n, d + 1)."""
    full = part.new_full((len(part), part.shape[1] + 1), value)
    full[:, packing.free] = part
    return full


def _regression(population: Population, code_places: NDArray[np.int64], design: Design) -> tuple[Tensor, Tensor]:
    """The former prior means as a centre (d,) and weights (F, d) of the columns of `design`; a new column has weight 0."""
    columns, width = design.columns, len(design.columns.means)
    numbers = design.description.numeric.shape[1]
    weights = population.weights.new_zeros(width, len(population.centre))
    means = columns.means.clone()
    former_width = len(population.column_means)
    code = torch.from_numpy(code_places).to(columns.of_code.device)
    column = columns.of_code[:-1]
    theirs = torch.where(code == ABSENT, former_width, population.of_code[code])
    both = (column < width - numbers) & (theirs < former_width - numbers)
    pairs = [(column[both], theirs[both])]
    ends = (torch.arange(size - numbers, size, device=code.device) for size in (width, former_width))
    pairs.append((next(ends), next(ends)))
    for ours, before in pairs:
        weights[ours] = population.weights[before]
        means[ours] = population.column_means[before]
    # The features' means differ from the former ones.
    return population.centre + (columns.means - means) @ weights, weights
