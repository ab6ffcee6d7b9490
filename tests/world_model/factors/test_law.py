"""The law of selection, against the law itself: E r = c + g (r - c)."""

import numpy as np
import pytest
import torch

from darlr.world_model.factors.law import under_selection
from darlr.world_model.factors.responses import Link, ResponseScale

KEPT = torch.tensor([1.0, 0.5, 0.1])


def scale_of(link: Link, low: float) -> ResponseScale:
    return ResponseScale(link, low, 5.0, 0.01, 0.3, 0.7)


def reward(y: torch.Tensor, scale: ResponseScale) -> torch.Tensor:
    linked = y * scale.spread + scale.centre
    return linked.exp() if scale.link == "log" else linked


@pytest.mark.parametrize(("link", "low"), [("identity", 0.0), ("identity", 1.0), ("log", 0.0), ("log", 1.0)])
def test_an_average_user_gives_what_the_law_says(link: Link, low: float) -> None:
    scale, y = scale_of(link, low), torch.tensor([1.0, 1.5, 2.0])
    lowered, _ = under_selection(y, KEPT, scale)
    expected = low + KEPT * (reward(y, scale) - low)
    np.testing.assert_allclose(reward(lowered, scale), expected, rtol=1e-5)


@pytest.mark.parametrize(("link", "low"), [("identity", 1.0), ("log", 0.0)])
def test_other_users_too_where_the_law_is_linear(link: Link, low: float) -> None:
    scale, y, taste = scale_of(link, low), torch.tensor([1.0, 1.5, 2.0]), torch.tensor([-0.8, 0.5, 1.2])
    lowered, loadings = under_selection(y, KEPT, scale)
    expected = low + KEPT * (reward(y + taste, scale) - low)
    np.testing.assert_allclose(reward(lowered + loadings * taste, scale), expected, rtol=1e-5)


def test_tastes_are_linearised_where_it_is_not() -> None:
    scale, y, step = scale_of("log", 1.0), torch.tensor([1.0, 1.5, 2.0], dtype=torch.float64), 1e-5
    lowered, loadings = under_selection(y, KEPT.double(), scale)
    further, _ = under_selection(y + step, KEPT.double(), scale)
    np.testing.assert_allclose(loadings, (further - lowered) / step, rtol=1e-3)


@pytest.mark.parametrize("link", ["identity", "log"])
def test_items_that_everybody_has_stay(link: Link) -> None:
    y = torch.tensor([-2.0, 0.0, 2.0])
    lowered, loadings = under_selection(y, torch.ones(3), scale_of(link, 0.0))
    np.testing.assert_allclose(lowered, y, atol=1e-6)
    np.testing.assert_allclose(loadings, 1, atol=1e-6)
