from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from darlr.errors import RunError
from darlr.references.world_model import draw_negatives, fit_as_references, take_in_turn
from darlr.world_model.model import Scale
from darlr.world_model.settings import WorldModelConfig
from tests.runs import Listener
from tests.worlds import CPU, dataset_of, log_of, low_rank_world

SMALL = WorldModelConfig(
    members=2, embedding_size=4, hidden_sizes=(8,), negatives_per_row=2, batch_size=64, weight_decay=0.2, max_epochs=2
)


@pytest.mark.parametrize(
    ("values", "candidates", "taken"),
    [
        ([1, 2, 3], [0, 0, 0], [0, 1, 2]),  # one each, in turn
        ([2, 2, 2], [3, 0, 1], [1, 2, 1]),  # 3 is not below 2; after the last comes the first, which is passed over again
        ([2, 9, 9, 9], [4, 4, 4, 0], [2, 3, 0, 1]),  # the third try is taken whatever it is
        ([-1, 5], [0, 0], [0, 1]),  # nothing is below: three tries come round to the first
    ],
)
def test_candidates_are_taken_in_turn(values: list[float], candidates: list[float], taken: list[int]) -> None:
    assert take_in_turn(values, candidates) == taken


def test_negatives_are_of_the_first_third_of_what_is_drawn() -> None:
    log = log_of([(user, user, 1.0) for user in range(50)], 50, 60)
    found = draw_negatives(log, np.random.default_rng(3))
    random = np.random.default_rng(3)
    drawn = np.stack([random.integers(50, size=150), random.integers(60, size=150)])
    kept = {tuple(pair) for pair in drawn[:, :50].T.tolist()}
    assert {tuple(pair) for pair in found.T.tolist()} <= kept
    logged = drawn[0, :50] == drawn[1, :50]
    assert found.shape == (2, 50)
    assert (found[0] != found[1]).all()  # rated 1, like every row: passed over
    assert logged.any()


def test_a_pair_that_is_logged_twice_counts_as_the_sum() -> None:
    # One user, two items: item 0 was rated 2 twice, item 1 once with 3. Candidates rated 4 are never below 3 or 4.
    log = log_of([(0, 0, 2.0), (0, 0, 2.0), (0, 1, 3.0)], 1, 2)
    random = np.random.default_rng(0)
    for _ in range(20):
        state = np.random.default_rng(random.integers(2**32))
        offered = np.random.default_rng(0)
        offered.bit_generator.state = state.bit_generator.state
        offered.integers(1, size=9)
        items = offered.integers(2, size=9)[:3]
        rated = [4.0 if item == 0 else 3.0 for item in items]
        assert draw_negatives(log, state)[1].tolist() == items[take_in_turn([4.0, 4.0, 3.0], rated)].tolist()


def test_members_start_alike_and_differ_by_the_order_alone() -> None:
    dataset, _ = low_rank_world(20, 15)
    untrained, _ = fit_as_references(dataset, replace(SMALL, learning_rate=1e-12, max_epochs=1), 0, CPU)
    for parameter in untrained.network.parameters():
        torch.testing.assert_close(parameter[0], parameter[1], atol=1e-9, rtol=0)
    table = untrained.network.table[0].detach()
    assert 5e-4 < float(table[1:, :-1].std()) < 2e-3  # 0.001
    assert 5e-5 < float(table[1:, -1].std()) < 2e-4  # 0.0001
    trained, _ = fit_as_references(dataset, SMALL, 0, CPU)
    assert not torch.equal(trained.network.table[0], trained.network.table[1])
    whole, _ = fit_as_references(dataset, replace(SMALL, batch_size=10**6), 0, CPU)
    torch.testing.assert_close(whole.network.table[0], whole.network.table[1])  # one batch: the order does not matter


def test_one_step_by_hand() -> None:
    # One row (0, 0) rated 5 and a world of one user and item, so that the negative is the same pair: with squared errors the
    # gradient of the bias is 2 (0 - 5) + 2 (0 - 0) = -10, and Adam's first step is the learning rate against its sign.
    dataset = dataset_of(log_of([(0, 0, 5.0)], 1, 1))
    config = replace(SMALL, members=1, negatives_per_row=1, error="squared", max_epochs=1, learning_rate=0.25)
    told = Listener()
    model, report = fit_as_references(dataset, config, 0, CPU, told)
    assert float(model.network.bias.detach()) == pytest.approx(0.25)
    assert model.scale == Scale(0.0, 1.0)  # rewards as they are
    assert (report.epochs, report.best_epochs, report.held_out_loss, report.held_out_ranking) == (1, (1,), None, None)
    assert told.fits == 1


@pytest.mark.parametrize(("weighting", "estimate"), [("equal", 5 / 2), ("inverse_count", 5 / 3)])
def test_logged_rows_weigh_by_their_items_count_and_negatives_by_1(
    weighting: Literal["equal", "inverse_count"], estimate: float
) -> None:
    # Two rows (0, 0) rated 5 in a world of one user and item: (m - 5)^2 against m^2, or a half of it.
    dataset = dataset_of(log_of([(0, 0, 5.0)] * 2, 1, 1))
    config = replace(SMALL, members=1, error="squared", weight_decay=0.0, max_epochs=300, learning_rate=0.02)
    model, _ = fit_as_references(dataset, replace(config, weighting=weighting), 0, CPU)
    assert float(model.predict(torch.tensor([0]), torch.tensor([0]))[0]) == pytest.approx(estimate, abs=0.01)


def test_it_learns_which_items_are_chosen_and_repeats_its_numbers() -> None:
    rows = [(user, item, 4.0) for user in range(60) for item in range(3)]
    dataset = dataset_of(log_of(rows, 60, 30))
    config = replace(SMALL, max_epochs=30, learning_rate=0.01)
    model, _ = fit_as_references(dataset, config, 0, CPU)
    estimate, uncertainty = model.predict(torch.arange(60), torch.arange(30))
    assert float(estimate[:, :3].mean()) > 2 > float(estimate[:, 3:].mean())
    assert (uncertainty > 0).all()
    again, _ = fit_as_references(dataset, config, 0, CPU)
    other, _ = fit_as_references(dataset, config, 1, CPU)
    assert torch.equal(again.network.table, model.network.table)
    assert not torch.equal(other.network.table, model.network.table)


def test_a_loss_that_is_not_finite_stops_the_fit() -> None:
    dataset = dataset_of(log_of([(0, 0, 3e38), (1, 1, 1.0)], 2, 2, reward_range=(0.0, 3e38)))
    with pytest.raises(RunError, match="world model, epoch 1: the loss is "):
        fit_as_references(dataset, SMALL, 0, CPU)
