"""Adam for the rows of the batch: two steps by hand, against torch's Adam where it reads every row, and in fits."""

import copy
from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.dataset import Dataset
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.row_adam import RowAdam, rows_of
from darlr.world_model.settings import WorldModelConfig
from tests.workers import Elsewhere
from tests.world_model.test_fitting import Kept
from tests.worlds import CPU, dataset_of, draws, log_of, low_rank_world

CONFIG = WorldModelConfig(
    members=3, embedding_size=4, hidden_sizes=(16,), batch_size=32, learning_rate=1e-2, max_epochs=4, table_updates="batch"
)


@pytest.fixture(scope="module")
def world() -> Dataset:
    return low_rank_world(60, 50)[0]


def test_two_steps_by_hand_with_skipped_rows() -> None:
    """The gradient of a row's weight is the number that it is multiplied by: 2 in the first step, 1 and 3 in the second."""
    table = torch.nn.Parameter(torch.tensor([[[1.0], [1.0], [1.0]]]))
    adam = RowAdam([table], lr=0.1, weight_decay=0.0)
    for codes, factors, expected in (
        ([0, 0], [1.5, 0.5], [0.9, 1.0, 1.0]),  # the first step of Adam has the length of the rate: m = 0.1 g, v = 0.001 g^2
        ([1, 0], [3.0, 1.0], None),
    ):
        adam.zero_grad()
        loss = (rows_of(table, torch.tensor([codes]))[..., 0] * torch.tensor([factors])).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        if expected is not None:
            torch.testing.assert_close(table.detach().flatten(), torch.tensor(expected))
    # Row 0: m = 0.9 * 0.2 + 0.1 = 0.28, v = 0.999 * 0.004 + 0.001 = 0.004996; corrected by 1 - 0.81 and 1 - 0.998001.
    zero = 0.9 - 0.1 * (0.28 / 0.19) / (0.004996 / 0.001999) ** 0.5
    # Row 1 was skipped: m = 0.1 * 3, v = 0.001 * 9, corrected as if it had been there for two steps.
    one = 1.0 - 0.1 * (0.3 / 0.19) / (0.009 / 0.001999) ** 0.5
    torch.testing.assert_close(table.detach().flatten(), torch.tensor([zero, one, 1.0]), atol=1e-6, rtol=0)
    state = adam.state[table]
    torch.testing.assert_close(state["exp_avg"].flatten(), torch.tensor([0.28, 0.3, 0.0]))
    torch.testing.assert_close(state["exp_avg_sq"].flatten(), torch.tensor([0.004996, 0.009, 0.0]))
    assert float(state["step"]) == 2


@given(members=st.integers(1, 3), rows=st.integers(1, 5), decay=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 1_000))
def test_a_step_that_reads_every_row_is_adams(members: int, rows: int, decay: float, seed: int) -> None:
    generator = draws(seed)
    ours = torch.nn.Parameter(torch.randn(members, rows, 3, generator=generator))
    theirs = copy.deepcopy(ours)
    adam, lazy = torch.optim.Adam([theirs], lr=0.05, weight_decay=decay), RowAdam([ours], lr=0.05, weight_decay=decay)
    for _ in range(4):
        codes = torch.stack([torch.randperm(rows, generator=generator).repeat(2) for _ in range(members)])
        factors = torch.randn(members, 2 * rows, 3, generator=generator)
        picked = theirs.gather(1, codes.unsqueeze(2).expand(-1, -1, 3))
        read = rows_of(ours, codes)
        for optimiser, values in ((adam, picked), (lazy, read)):
            optimiser.zero_grad()
            loss = (values * factors).square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_both_ways_are_alike_where_batches_have_every_row(world: Dataset) -> None:
    whole = replace(CONFIG, batch_size=10_000, max_epochs=6, schedule="constant")
    (rows, told), (dense, told_dense) = (
        fit_world_model(world, replace(whole, table_updates=way), 0, CPU) for way in ("batch", "all")
    )
    torch.testing.assert_close(rows.network.table[:, 1:], dense.network.table[:, 1:], atol=1e-4, rtol=1e-3)
    assert told.held_out_loss == pytest.approx(told_dense.held_out_loss, rel=1e-4)


@pytest.mark.parametrize(("way", "stays"), [("batch", True), ("all", False)])
def test_the_row_of_a_user_without_logged_rows(way: Literal["batch", "all"], stays: bool) -> None:
    dataset = dataset_of(log_of([(0, 0, 1.0), (1, 1, 4.0), (0, 1, 2.0), (1, 0, 5.0)] * 5, n_users=3, n_items=2))
    fitted = [
        fit_world_model(dataset, replace(CONFIG, table_updates=way, loss="logged", batch_size=4, max_epochs=epochs), 0, CPU)[0]
        for epochs in (1, 2)
    ]
    before, after = (model.network.table for model in fitted)
    assert not torch.equal(before[:, 1], after[:, 1])
    assert torch.equal(before[:, 3], after[:, 3]) == stays
    assert bool((after[:, 0] == 0).all())  # PADDING


@pytest.mark.parametrize("apart", [False, True])
def test_a_stopped_fit_goes_on_to_the_same_bits(world: Dataset, apart: bool) -> None:
    kept, config = Kept(), replace(CONFIG, members_apart=apart, loss="negatives")
    whole, report = fit_world_model(world, config, 0, CPU, checkpoint=kept, workers=Elsewhere())
    resumed, again = fit_world_model(world, config, 0, CPU, checkpoint=Kept(kept.saved[0]), workers=Elsewhere())
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name
    assert again == report


def test_members_apart_are_those_together(world: Dataset) -> None:
    together, apart = (fit_world_model(world, replace(CONFIG, members_apart=way), 0, CPU)[0] for way in (False, True))
    torch.testing.assert_close(apart.network.table, together.network.table, rtol=1e-4, atol=1e-4)
