import json
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.world_model import ensemble as module
from darlr.world_model.deepfm import DeepFMEnsemble, Side
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.inputs import Inputs
from darlr.world_model.model import Scale
from tests.worlds import CPU, catalog_of, dataset_of, draws, log_of


def ensemble() -> DeepFMEnsemble:
    return DeepFMEnsemble(Inputs.of(dataset_of(log_of([(0, 0, 1.0)], 2, 3), catalog_of([[0], [], [1]]))), 2, 4, (6,), draws())


class Told(DeepFMEnsemble):
    """Two members with known means and variances: member m predicts 10 m + 3 u + i, with variance (1 + m + u) / (1 + i)."""

    def __init__(self) -> None:
        network = ensemble()
        super().__init__(network.inputs, 2, 4, (6,), draws())

    def user_side(self, users: Tensor) -> Side:
        told = users.float()
        return Side(told, told, told)

    def item_side(self, items: Tensor) -> Side:
        return self.user_side(items)

    def all_pairs(self, users: Side, items: Side) -> tuple[Tensor, Tensor]:
        member, user, item = torch.arange(2)[:, None, None], users.score[:, None], items.score
        return 10 * member + 3 * user + item, ((1 + member + user) / (1 + item)).log()


def test_estimate_is_the_mean_and_uncertainty_the_largest_variance() -> None:
    estimate, uncertainty = EnsembleModel(Told(), Scale(centre=2.0, spread=0.5)).predict(
        torch.tensor([1, 0]), torch.tensor([2, 0])
    )
    # User 1, item 2: the members say 5 and 15, so r' = 10 * 0.5 + 2 = 7; variances 2/3 and 3/3, so P_U = 1 * 0.5^2.
    # User 1, item 0: (3 + 13) / 2 * 0.5 + 2 = 6 and 3 * 0.25.
    # User 0, item 2: (2 + 12) / 2 -> 5.5 and 2/3 * 0.25; item 0: (0 + 10) / 2 -> 4.5 and 2 * 0.25.
    torch.testing.assert_close(estimate, torch.tensor([[7.0, 6.0], [5.5, 4.5]]))
    torch.testing.assert_close(uncertainty, torch.tensor([[0.25, 0.75], [1 / 6, 0.5]]))


@pytest.mark.parametrize("block", [6, 2, 1])  # two users at a time and one left over; two items, one left over; single pairs
def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    model = EnsembleModel(ensemble(), Scale(0.0, 1.0))
    users, items = torch.tensor([0, 1, 1, 0, 1]), torch.tensor([2, 0, 1])
    whole = model.predict(users, items)
    monkeypatch.setattr(module, "BLOCK", block)
    for part, expected in zip(model.predict(users, items), whole, strict=True):
        torch.testing.assert_close(part, expected)


def test_scale_counts_the_negatives() -> None:
    rewards = np.array([1, 3], np.float32)
    plain, with_negatives = Scale.of(rewards, 0), Scale.of(rewards, 1)
    assert (plain.centre, plain.spread) == pytest.approx((2.0, 1.0))
    # 1, 3, 0, 0: mean 1, mean square 10 / 4, so variance 1.5
    assert (with_negatives.centre, with_negatives.spread) == pytest.approx((1.0, math.sqrt(1.5)))
    assert plain.standardise(rewards).tolist() == pytest.approx([-1.0, 1.0])
    # 1, 3, 1, 1: mean 3 / 2, mean square 3, so variance 3 / 4
    worth_one = Scale.of(rewards, 1, negative=1.0)
    assert (worth_one.centre, worth_one.spread) == pytest.approx((1.5, math.sqrt(0.75)))


def test_what_is_saved_is_restored() -> None:
    model = EnsembleModel(ensemble(), Scale(1.5, 2.0))
    state = json.loads(json.dumps(model.state()))
    restored = EnsembleModel.restore(model.tensors(), state, CPU)
    users, items = torch.arange(2), torch.arange(3)
    for part, expected in zip(restored.predict(users, items), model.predict(users, items), strict=True):
        assert torch.equal(part, expected)
    assert torch.equal(restored.network.item_vectors(), model.network.item_vectors())
