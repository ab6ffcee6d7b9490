import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.data.catalog import Features
from darlr.errors import InputError
from darlr.world_model.deepfm import LOG_VARIANCE_RANGE, DeepFMEnsemble
from darlr.world_model.inputs import PADDING, Inputs
from darlr.world_model.losses import gaussian_loss
from tests.worlds import catalog_of, dataset_of, draws, log_of

MEMBERS = 3


def network() -> DeepFMEnsemble:
    """Three members over 4 users with an age and an income, and 5 items with up to 2 categories; all weights far from 0."""
    random = np.random.default_rng(1)
    users = Features(
        ("age",), np.array([[0], [1], [1], [0]], np.int32), (2,), ("income",), random.normal(size=(4, 1)).astype(np.float32)
    )
    dataset = dataset_of(log_of([(0, 0, 1.0)], 4, 5), catalog_of([[0], [1], [], [0, 1], [1]]), users)
    ensemble = DeepFMEnsemble(Inputs.of(dataset), MEMBERS, 4, (6, 5), draws())
    with torch.no_grad():
        for parameter in ensemble.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws(2)) * 0.7)
    return ensemble


def one_prediction(ensemble: DeepFMEnsemble, member: int, user: int, item: int) -> tuple[Tensor, Tensor]:
    """Mean and unclamped log-variance of one member for one pair, written out term by term."""
    codes = [*ensemble.inputs.user_codes[user].tolist(), *ensemble.inputs.item_codes[item].tolist()]
    numbers = torch.cat([ensemble.inputs.user_numeric[user], ensemble.inputs.item_numeric[item]])
    vectors, linear = [], torch.zeros(())
    for code in codes:
        present = code != PADDING
        vectors.append(ensemble.table[member, code, :-1] * present)
        linear = linear + ensemble.table[member, code, -1] * present
    interactions = torch.zeros(())
    for first in range(len(vectors)):
        for second in range(first + 1, len(vectors)):
            interactions = interactions + vectors[first] @ vectors[second]
    hidden = torch.cat([*vectors, numbers])
    for weight, bias in zip(ensemble.weights, ensemble.biases, strict=True):
        hidden = torch.relu(hidden @ weight[member] + bias[member, 0])
    deep, log_variance = hidden @ ensemble.head[member]
    numeric = numbers @ ensemble.numeric_weight[member, :, 0]
    return ensemble.bias[member, 0] + linear + numeric + interactions + deep, log_variance


def test_ensemble_equals_a_plain_loop_over_members_and_pairs() -> None:
    ensemble = network()
    users = torch.randint(4, (MEMBERS, 7), generator=draws(3))
    items = torch.randint(5, (MEMBERS, 7), generator=draws(4))
    means, log_variances = ensemble(users, items)
    low, high = LOG_VARIANCE_RANGE
    for member in range(MEMBERS):
        for place in range(7):
            mean, raw = one_prediction(ensemble, member, int(users[member, place]), int(items[member, place]))
            below_high = high - torch.log1p(torch.exp(high - raw))
            clamped = low + torch.log1p(torch.exp(below_high - low))
            torch.testing.assert_close(means[member, place], mean)
            torch.testing.assert_close(log_variances[member, place], clamped)


def test_all_pairs_are_the_pairs_one_by_one() -> None:
    ensemble = network()
    users, items = torch.tensor([3, 0]), torch.tensor([2, 4, 1])
    listed = ensemble(users.repeat_interleave(3).expand(MEMBERS, -1), items.repeat(2).expand(MEMBERS, -1))
    all_pairs = ensemble.all_pairs(ensemble.user_side(users), ensemble.item_side(items))
    for part, expected in zip(all_pairs, listed, strict=True):
        torch.testing.assert_close(part, expected.view(MEMBERS, 2, 3))


@pytest.mark.parametrize("pairs", [1, 4, 40])  # fewer than there are users or items, and more
def test_pairs_with_shared_sides_are_the_pairs_one_by_one(pairs: int) -> None:
    ensemble = network()
    random = torch.Generator().manual_seed(3)
    users, items = (
        torch.randint(len(codes), (MEMBERS, pairs), generator=random) for codes in (ensemble.user_codes, ensemble.item_codes)
    )
    weights = torch.randn(2, MEMBERS, pairs, generator=random)
    found = []
    for predict in (ensemble, ensemble.pairs):
        outputs = torch.stack(predict(users, items))
        gradients = torch.autograd.grad((outputs * weights).sum(), list(ensemble.parameters()))
        found.append((outputs.detach(), gradients))
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize("size", [-1e4, 1e4])
def test_log_variance_stays_in_its_range(size: float) -> None:
    ensemble = network()
    with torch.no_grad():
        ensemble.biases[-1].fill_(1.0)
        ensemble.head[..., 1] = size
    _, log_variance = ensemble(torch.zeros(MEMBERS, 1, dtype=torch.long), torch.zeros(MEMBERS, 1, dtype=torch.long))
    expected = LOG_VARIANCE_RANGE[0] if size < 0 else LOG_VARIANCE_RANGE[1]
    torch.testing.assert_close(log_variance, torch.full((MEMBERS, 1), expected), atol=1e-3, rtol=0)


def test_an_absent_category_contributes_nothing() -> None:
    ensemble = network()
    users, items = torch.arange(4).expand(MEMBERS, -1), torch.tensor([0, 2, 2, 4]).expand(MEMBERS, -1)  # 2 has none at all
    before, _ = ensemble(users, items)
    before.sum().backward()
    assert ensemble.table.grad is not None
    assert not ensemble.table.grad[:, PADDING].any()
    with torch.no_grad():
        ensemble.table[:, PADDING] += 100.0
    after, _ = ensemble(users, items)
    torch.testing.assert_close(after, before)


def test_members_are_independent() -> None:
    ensemble = network()
    users, items = torch.arange(4).expand(MEMBERS, -1), torch.arange(4).expand(MEMBERS, -1)
    mean, log_variance = ensemble(users, items)
    gaussian_loss(mean, log_variance, torch.zeros_like(mean))[1].sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in ensemble.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad[1].any(), name
        assert not parameter.grad[[0, 2]].any(), name


def test_vectors_are_the_first_members_embeddings_and_the_numbers() -> None:
    ensemble = network()
    embeddings = ensemble.table[0, :, :-1]
    # User 1: rows 0 padding, 1-4 users, 5-6 ages, so rows 2 and 6; item 3: 7-11 items, 12-13 categories, rows 10, 12, 13.
    torch.testing.assert_close(
        ensemble.user_vectors()[1], torch.cat([embeddings[2], embeddings[6], ensemble.inputs.user_numeric[1]])
    )
    torch.testing.assert_close(ensemble.item_vectors()[3], torch.cat([embeddings[10], embeddings[12], embeddings[13]]))


def test_goes_on_from_the_weights_of_another_one_and_keeps_its_own_new_rows() -> None:
    former, fresh = network(), network()
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(1.0)
    before = fresh.table.clone()
    rows = torch.arange(fresh.inputs.rows)
    rows[1], rows[2] = 3, -1  # the first user was the third, the second is new
    fresh.continue_from(former, rows)
    assert torch.equal(fresh.table[:, 1], former.table[:, 3])
    assert torch.equal(fresh.table[:, 2], before[:, 2])
    assert torch.equal(fresh.table[:, 3:], former.table[:, 3:])
    assert torch.equal(fresh.weights[0], former.weights[0])
    assert torch.equal(fresh.head, former.head)


def test_goes_on_from_no_other_networks() -> None:
    former = network()
    wider = DeepFMEnsemble(former.inputs, MEMBERS, 4, (7, 5), draws())
    with pytest.raises(
        InputError, match=r"'weights.0' of the run's world model has the size \[3, .*, 6\], and \[3, .*, 7\] is"
    ):
        wider.continue_from(former, torch.arange(former.inputs.rows))
