"""The choice model: probabilities by hand, and their properties."""

from itertools import pairwise
from math import exp

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.simulator.choice import ConditionalLogit, choose_places
from darlr.world.settings import SlateConfig
from tests.worlds import draws

UTILITIES = st.lists(st.floats(-40, 40), min_size=1, max_size=6)


def test_probabilities_by_hand() -> None:
    choice = ConditionalLogit.of(SlateConfig(size=2, scale=2.0, nothing=0.5), (1.0, 5.0))
    utilities = choice.utilities(torch.tensor([[5.0, 3.0]]))  # the best reward, and the middle of the range
    assert utilities.tolist() == [[2.0, 1.0]]
    total = exp(2) + exp(1) + exp(1)
    assert choice.probabilities(utilities)[0].tolist() == pytest.approx([exp(2) / total, exp(1) / total, exp(1) / total])
    always = ConditionalLogit.of(SlateConfig(size=2, scale=2.0), (1.0, 5.0))
    assert always.probabilities(utilities)[0].tolist() == pytest.approx([exp(1) / (exp(1) + 1), 1 / (exp(1) + 1)])


def test_a_scale_of_zero_chooses_blindly_and_equal_units_choose_equally() -> None:
    blind = ConditionalLogit.of(SlateConfig(size=2, scale=0.0, nothing=-3.0), (0.0, 1.0))
    found = blind.probabilities(blind.utilities(torch.tensor([[0.0, 1.0]])))
    assert found[0].tolist() == pytest.approx([1 / 3] * 3)
    stars, shares = (ConditionalLogit.of(SlateConfig(size=2, nothing=0.2), paid) for paid in ((1.0, 5.0), (0.0, 1.0)))
    rewards = torch.tensor([[0.1, 0.9, 0.4]])
    torch.testing.assert_close(
        stars.probabilities(stars.utilities(1 + 4 * rewards)), shares.probabilities(shares.utilities(rewards))
    )


@given(UTILITIES, st.one_of(st.none(), st.floats(-40, 40)))
def test_probabilities_add_up_and_grow_with_the_utility(utilities: list[float], nothing: float | None) -> None:
    choice = ConditionalLogit(0.0, 1.0, 1.0, nothing)
    found = choice.probabilities(torch.tensor([utilities]))[0]
    assert len(found) == len(utilities) + (nothing is not None)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-5)
    assert (found >= 0).all()
    order = sorted(range(len(utilities)), key=lambda place: utilities[place])
    assert all(found[low] <= found[high] + 1e-6 for low, high in pairwise(order))


@given(UTILITIES, st.floats(-40, 40), st.floats(0.1, 20))
def test_another_item_takes_from_all_and_a_better_one_takes_more(utilities: list[float], other: float, more: float) -> None:
    choice = ConditionalLogit(0.0, 1.0, 1.0, 0.0)
    alone, beside, behind = (
        choice.probabilities(torch.tensor([[*utilities, *added]], dtype=torch.float64))[0]
        for added in ([], [other], [other + more])
    )
    places = [*range(len(utilities)), -1]  # the items, and nothing
    assert all(behind[place] <= beside[place] + 1e-12 <= alone[place] + 2e-12 for place in places)
    assert behind[len(utilities)] >= beside[len(utilities)] - 1e-12


def test_places_are_chosen_with_their_probabilities() -> None:
    chances = torch.tensor([0.1, 0.0, 0.6, 0.3])
    found = choose_places(chances.expand(40_000, -1), torch.rand(40_000, generator=draws()))
    assert (torch.bincount(found, minlength=4) / 40_000).tolist() == pytest.approx(chances.tolist(), abs=0.01)
    assert choose_places(chances[None], torch.tensor([0.0])).tolist() == [0]
    assert choose_places(chances[None], torch.tensor([1.0])).tolist() == [3]
