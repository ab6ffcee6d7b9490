import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from darlr.errors import RunError
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.settings import RewardConfig
from darlr.rewards.table import observed_reward, penalised_reward
from darlr.world.world import World
from tests.worlds import CPU, log_of, window_of

ESTIMATE = torch.tensor([[2.0, 3.0], [4.0, 6.0]])
UNCERTAINTY = torch.tensor([[0.5, 1.0], [0.0, 2.0]])
EVERY_CELL = (torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1]))
START_ONLY = window_of([[3, 2]] * 4)  # of a world of two items


def fit_entropy() -> EntropyTerm:
    # Item 0 is followed by 1, 1, 1 and 0: counts 3, 1 are 0.811278 bits of 1; item 1 by 0 alone.
    rows = [(0, item, 1.0) for item in (0, 0, 1, 0, 1, 0, 1)]
    return EntropyTerm.fit(log_of(rows, 2, 2, list(range(7))), World(np.arange(2), np.arange(2)), (1,), CPU)


def test_estimates_are_shifted_by_their_minimum() -> None:
    source = penalised_reward(ESTIMATE, UNCERTAINTY, None, RewardConfig())
    assert source.pay(*EVERY_CELL, START_ONLY).tolist() == [0.0, 1.0, 2.0, 4.0]
    assert (source.low, source.high) == (0.0, 4.0)


def test_uncertainty_is_subtracted() -> None:
    source = penalised_reward(ESTIMATE, UNCERTAINTY, None, RewardConfig(uncertainty_weight=0.5))
    # The shift is min r' - 0.5 max P_U = 2 - 1 = 1; the cells 2 - 0.25 - 1, 3 - 0.5 - 1, 4 - 0 - 1, 6 - 1 - 1.
    assert source.pay(*EVERY_CELL, START_ONLY).tolist() == [0.75, 1.5, 3.0, 4.0]
    assert (source.low, source.high) == (0.0, 5.0)  # max r' - 0.5 min P_U - 1 = 6 - 0 - 1


def test_entropy_is_added_and_its_minimum_shifted_away() -> None:
    config = RewardConfig(uncertainty_weight=0.5, entropy_weight=2.0, entropy_orders=(1,))
    source = penalised_reward(ESTIMATE, UNCERTAINTY, fit_entropy(), config)
    # The shift grows by 2 * 0.811278, item 0 is paid just that, and item 1 is paid 2 * 1.
    extra = 2 * (1 - 0.8112781)
    assert source.pay(*EVERY_CELL, START_ONLY).tolist() == pytest.approx([0.75, 1.5 + extra, 3.0, 4.0 + extra], abs=1e-5)
    assert [source.low, source.high] == pytest.approx([0.0, 5.0 + extra])


def test_rewards_that_are_all_alike_are_refused() -> None:
    with pytest.raises(RunError, match=r"all rewards are equal \(3\), so there is nothing to learn"):
        penalised_reward(torch.full((2, 2), 3.0), UNCERTAINTY, None, RewardConfig())


@given(
    cells=st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 4)), min_size=4, max_size=4),
    uncertainty_weight=st.floats(0, 3),
    entropy_weight=st.floats(0, 5),
    last=st.integers(0, 3),
)
def test_rewards_are_never_negative(
    cells: list[tuple[float, float]], uncertainty_weight: float, entropy_weight: float, last: int
) -> None:
    estimate, uncertainty = torch.tensor(cells).T.reshape(2, 2, 2)
    assume(max(cells)[0] - min(cells)[0] > 1e-3)  # equal rewards are refused
    config = RewardConfig(uncertainty_weight=uncertainty_weight, entropy_weight=entropy_weight, entropy_orders=(1,))
    source = penalised_reward(estimate, uncertainty, fit_entropy(), config)
    paid = source.pay(*EVERY_CELL, window_of([[2, last]] * 4))
    assert paid.min() >= -1e-5
    assert source.low == 0.0


def test_the_truth_is_paid_as_it_is() -> None:
    source = observed_reward(ESTIMATE.double(), (1.0, 5.0))
    paid = source.pay(*EVERY_CELL, START_ONLY)
    assert paid.tolist() == [2.0, 3.0, 4.0, 6.0]
    assert paid.dtype == torch.float32
    assert (source.low, source.high) == (1.0, 5.0)
