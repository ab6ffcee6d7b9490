"""ROLeR's shaping, by hand on four users whose rows have round cosines, and cosines on request."""

import pytest
import torch
from torch import Tensor

from darlr.rewards import neighbours
from darlr.rewards.nearest import nearest_users, unit_rows
from darlr.rewards.neighbours import Cosines, shape_by_neighbours
from darlr.rewards.settings import NeighbourConfig, NeighbourUncertainty, Weighting
from tests.worlds import draws

# Cosines: 0-1 0.96, 0-2 0, 0-3 0.48, 1-2 0, 1-3 0.36, 2-3 0.8.
ESTIMATES = torch.tensor([[3.0, 4.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 4.0]])
UNCERTAINTY = torch.arange(12.0).reshape(4, 3)


def shaped(
    users: int, weighting: Weighting = "normalised", uncertainty: NeighbourUncertainty = "none", centred: bool = False
) -> tuple[Tensor, Tensor]:
    return shape_by_neighbours(ESTIMATES, UNCERTAINTY, NeighbourConfig(users, weighting, uncertainty, centred))[:2]


def test_centred_rows_are_less_the_item_means() -> None:
    # Rows that are nearly parallel: only what they deviate by tells that 0 is like 1, not 2.
    estimates = 100 + torch.tensor([[1.0, 0, 0], [9.0, 0, 0], [-1.0, 0, 0], [-9.0, 0, 0]])
    plain, centred = unit_rows(estimates, centred=False), unit_rows(estimates, centred=True)
    assert nearest_users(plain, 2, include_self=True)[0][0].tolist() == [0, 2]
    torch.testing.assert_close(centred[:, 0], torch.tensor([1.0, 1, -1, -1]))
    assert nearest_users(centred, 2, include_self=True)[0].tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    config = NeighbourConfig(users=2, weighting="mean", centred=True)
    shaped, *_ = shape_by_neighbours(estimates, torch.zeros(4, 3), config)
    assert shaped[:, 0].tolist() == [105.0, 105.0, 95.0, 95.0]  # the averages are of the rows as they are


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        ("mean", [[3.5, 3.5, 0], [3.5, 3.5, 0], [0, 1.5, 3], [0, 1.5, 3]]),
        # 1 * own row + cosine * the other's: 3 + 0.96 * 4 = 6.84, ...
        ("sum", [[6.84, 6.88, 0], [6.88, 6.84, 0], [0, 2.4, 5.2], [0, 3, 5.6]]),
        ("divided", [[3.42, 3.44, 0], [3.44, 3.42, 0], [0, 1.2, 2.6], [0, 1.5, 2.8]]),
        (
            "normalised",
            [[6.84 / 1.96, 6.88 / 1.96, 0], [6.88 / 1.96, 6.84 / 1.96, 0], [0, 2.4 / 1.8, 5.2 / 1.8], [0, 3 / 1.8, 5.6 / 1.8]],
        ),
    ],
)
def test_weightings_by_hand(weighting: Weighting, expected: list[list[float]]) -> None:
    torch.testing.assert_close(shaped(2, weighting)[0], torch.tensor(expected))


@pytest.mark.parametrize(
    ("uncertainty", "expected"),
    [
        ("none", [[0, 0, 0]] * 4),
        ("model", UNCERTAINTY.tolist()),
        # Of 3 and 4: 0.25; of 0 and 3: 2.25; of 2 and 4: 1.
        ("variance", [[0.25, 0.25, 0], [0.25, 0.25, 0], [0, 2.25, 1], [0, 2.25, 1]]),
        ("cosine_min", [[0, 0, 0]] * 4),  # the user itself
        ("cosine_mean", [[0.02] * 3, [0.02] * 3, [0.1] * 3, [0.1] * 3]),
        ("cosine_max", [[0.04] * 3, [0.04] * 3, [0.2] * 3, [0.2] * 3]),
    ],
)
@pytest.mark.parametrize("weighting", ["mean", "normalised"])
def test_uncertainties_by_hand(weighting: Weighting, uncertainty: NeighbourUncertainty, expected: list[list[float]]) -> None:
    found = shaped(2, weighting, uncertainty)[1]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32), atol=1e-6, rtol=1e-5)


def test_normalised_weights_of_opposite_users() -> None:
    # Centred, the cosines of user 0 are 1, 1, -1 and -1, which add up to 0.
    estimates = 3 + torch.tensor([[1.0, 0], [2.0, 0], [-1.0, 0], [-2.0, 0]])
    shaped, *_ = shape_by_neighbours(estimates, torch.zeros(4, 2), NeighbourConfig(users=4, centred=True))
    torch.testing.assert_close(shaped, torch.tensor([[4.5, 3], [4.5, 3], [1.5, 3], [1.5, 3]]))


@pytest.mark.parametrize("weighting", ["mean", "sum", "divided", "normalised"])
def test_one_neighbour_is_the_user_itself(weighting: Weighting) -> None:
    torch.testing.assert_close(shaped(1, weighting)[0], ESTIMATES)


@pytest.mark.parametrize("uncertainty", ["variance", "cosine_mean"])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, uncertainty: NeighbourUncertainty) -> None:
    estimates = torch.randn(10, 6, generator=draws())
    config = NeighbourConfig(users=4, uncertainty=uncertainty)
    whole = shape_by_neighbours(estimates, torch.zeros(10, 6), config)
    for block in (1, 4, 10):  # 4: the last block has two users
        monkeypatch.setattr(neighbours, "BLOCK", block)
        torch.testing.assert_close(shape_by_neighbours(estimates, torch.zeros(10, 6), config), whole)


def test_the_estimates_themselves_are_left_alone() -> None:
    before = ESTIMATES.clone()
    shaped(3, "sum", "variance", centred=True)
    assert torch.equal(ESTIMATES, before)


@pytest.mark.parametrize("centred", [False, True])
def test_cosines_are_the_same_kept_and_computed_when_asked_for(monkeypatch: pytest.MonkeyPatch, centred: bool) -> None:
    estimates = torch.randn(40, 6, generator=draws())
    rows = unit_rows(estimates, centred)
    first, second = torch.randint(40, (7, 3), generator=draws(1)), torch.randint(40, (7, 5), generator=draws(2))
    kept = Cosines(estimates, centred).between(first, second)
    monkeypatch.setattr(neighbours, "WHOLE_UP_TO", 39)
    monkeypatch.setattr(neighbours, "BLOCK", 10)  # two visits at a time
    torch.testing.assert_close(Cosines(estimates, centred).between(first, second), kept)
    assert float(kept[2, 1, 4]) == pytest.approx(float(rows[first[2, 1]] @ rows[second[2, 4]]))
