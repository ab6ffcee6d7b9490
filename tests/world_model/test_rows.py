"""The division of rows into training and held-out rows of members."""

import pytest
import torch

from darlr.world_model.losses import inverse_counts
from darlr.world_model.model import Scale
from darlr.world_model.rows import Rows
from tests.worlds import CPU, draws, log_of

LOG = log_of([(row % 4, row % 7, float(row % 5)) for row in range(23)], 4, 7)


def rows_of(members: int, held_out: int, seed: int = 0) -> Rows:
    return Rows.of(LOG, Scale(0.0, 1.0), "equal", members, held_out, draws(seed), CPU)


@pytest.mark.parametrize(("members", "held_out"), [(1, 1), (3, 5), (5, 4), (4, 11), (2, 22)])
def test_a_member_reads_what_it_does_not_hold_out(members: int, held_out: int) -> None:
    rows = rows_of(members, held_out)
    for training, own in zip(rows.training, rows.held_out, strict=True):
        assert len(own) == held_out
        assert sorted([*training.tolist(), *own.tolist()]) == list(range(23))


def test_folds_follow_each_other_so_that_all_rows_are_read_and_held_out() -> None:
    held_out = torch.cat(rows_of(5, 5).held_out).tolist()
    assert sorted(held_out[:23]) == list(range(23))
    assert held_out[23:] == held_out[:2]  # the order begins anew
    assert held_out != torch.cat(rows_of(5, 5, seed=1).held_out).tolist()


@pytest.mark.parametrize("shuffled_up_to", [2**24, 0])
@pytest.mark.parametrize(("members", "held_out"), [(3, 5), (2, 11), (4, 3), (1, 22)])
def test_every_epoch_is_another_order_of_each_members_own_rows(
    members: int, held_out: int, shuffled_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darlr.world_model.rows.SHUFFLED_UP_TO", shuffled_up_to)
    rows, generator = rows_of(members, held_out), draws()
    epochs = [rows.epoch(generator) for _ in range(4)]
    orders = [torch.cat([batch(first, first + 4) for first in range(0, rows.n_training, 4)], dim=1) for batch in epochs]
    for order in orders:
        for member, training in enumerate(rows.training):
            assert sorted(order[member].tolist()) == sorted(training.tolist())
    assert rows.n_training == 1 or len({tuple(order[0].tolist()) for order in orders}) > 1
    again = rows_of(members, held_out).epoch(draws())
    assert torch.equal(again(0, 4), orders[0][:, :4])


def test_members_share_one_order_in_32_bits_and_the_logs_own_columns() -> None:
    rows = rows_of(5, 5)
    assert len({part.untyped_storage().data_ptr() for part in (*rows.training, *rows.held_out)}) == 1
    assert rows.epoch(draws())(0, 4).dtype == rows.users.dtype == rows.items.dtype == rows.training[0].dtype == torch.int32
    assert (rows.users.data_ptr(), rows.items.data_ptr()) == (LOG.users.ctypes.data, LOG.items.ctypes.data)


def test_pairs_targets_and_weights_are_the_logs() -> None:
    rows = Rows.of(LOG, Scale(1.0, 2.0), "inverse_count", 1, 2, draws(), CPU)
    assert rows.users.tolist() == LOG.users.tolist()
    assert rows.items.tolist() == LOG.items.tolist()
    assert rows.targets.tolist() == [(reward - 1.0) / 2.0 for reward in LOG.rewards.tolist()]
    assert rows.weights.tolist() == inverse_counts(LOG.items).tolist()
    assert rows_of(1, 2).weights.tolist() == [1.0] * 23
