import numpy as np
import pytest
import torch

from darlr.data.catalog import Features
from darlr.world_model.factors.background import Background
from darlr.world_model.factors.design import Description, Design
from darlr.world_model.factors.observations import Observations
from darlr.world_model.factors.posterior import FLOOR, Packing, Side
from darlr.world_model.factors.sums import Expectations, Groups
from tests.world_model.factors.logs import numeric
from tests.world_model.factors.slow import posteriors, squared_error, whole

CPU = torch.device("cpu")
USERS, ITEMS, SIZE = 4, 3, 2


def no_features(n: int) -> Design:
    return Design(Description.of(Features.none(n)), 100, CPU)


def drawn(n: int, fixed: int, seed: int, design: Design | None = None) -> Side:
    """A side with random posteriors, of two factors."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(n, SIZE + 2, generator=generator, dtype=torch.float64)
    means[:, fixed] = 1.0
    side = Side.start(means, fixed, 0.3, torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64), design or no_features(n))
    roots = torch.randn(n, SIZE + 1, SIZE + 1, generator=generator, dtype=torch.float64)
    side.covariances = roots @ roots.mT
    side.products = side.packing.products(side.means, side.covariances)
    return side


def both(side: Side) -> tuple[np.ndarray, np.ndarray]:
    return side.means.numpy(), whole(side.covariances.numpy(), side.fixed)


PAIRS = [(0, 0, 0.5, 1.0), (0, 2, -1.0, 1.0), (1, 1, 2.0, 1.0), (0, 0, 0.7, 1.0), (3, 2, 0.1, 1.0)]  # user 2 has no row


def rated(weights: list[float] | None = None) -> tuple[Observations, list[tuple[int, int, float, float]]]:
    users, items = torch.tensor([pair[0] for pair in PAIRS]), torch.tensor([pair[1] for pair in PAIRS])
    targets = torch.tensor([pair[2] for pair in PAIRS], dtype=torch.float64)
    own = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    pairs = [(user, item, target, 1.0 if weights is None else weights[user]) for user, item, target, _ in PAIRS]
    return Observations.rated(users, items, targets, own, USERS, ITEMS), pairs


def against_background() -> tuple[Observations, list[tuple[int, int, float, float]]]:
    """Three logged pairs among all, of which those of users 2 and 3 with item 1 are left out."""
    logged = {(0, 0): 2.0, (1, 1): 3.0, (3, 2): 2.5}
    weights, target = [0.5, 1.0, 2.0, 0.25], -0.4
    apart_users, apart_items = [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0]
    sides = (weights, [1.0] * ITEMS, apart_users, apart_items)
    of_users, of_items, users_apart, items_apart = (torch.tensor(side, dtype=torch.float64) for side in sides)
    backgrounds = Background(of_users, users_apart, target), Background(of_items, items_apart, target)
    pairs = [
        (user, item, logged.get((user, item), target), weights[user])
        for user in range(USERS)
        for item in range(ITEMS)
        if not (apart_users[user] and apart_items[item])
    ]
    users, items = (torch.tensor([pair[side] for pair in logged]) for side in (0, 1))
    targets = torch.tensor(list(logged.values()), dtype=torch.float64)
    return Observations.against_background(users, items, targets, backgrounds), pairs


def learn(side: Side, observed: Observations, other: Side, noise: float, block: int) -> float:
    """Update a side given the other one, then its prior; returns the error without the targets' squares."""
    rows = observed.parts[0].by_item if side.fixed else observed.parts[0].by_user
    own, others = observed.backgrounds[side.fixed], observed.backgrounds[other.fixed]
    sums = rows.against(Expectations.of(other.means, other.products, others), own)
    moments = side.update(sums, noise, block)
    side.relearn_prior(moments)
    return moments.error


def test_one_user_and_one_item_by_hand() -> None:
    """The item is known: b 1, v (), so the user's bias is the mean of a prior N(0, 1) and one row of noise 0.25."""
    users = Side.start(torch.tensor([[1.0, 0.0]]).double(), 0, 0.0, torch.ones(1).double(), no_features(1))
    items = Side.start(torch.tensor([[1.0, 1.0]]).double(), 1, 0.0, torch.ones(1).double(), no_features(1))
    one = torch.zeros(1, dtype=torch.long)
    observed = Observations.rated(one, one, torch.tensor([3.0]).double(), None, 1, 1)
    error = learn(users, observed, items, 0.25, 10)
    assert users.means[0].tolist() == pytest.approx([1.0, 1.6])  # (3 - 1) * 1 / (1 + 0.25)
    assert users.covariances[0].item() == pytest.approx(0.2)  # 1 / (1 + 4)
    assert observed.square + error == pytest.approx((3 - 1 - 1.6) ** 2 + 0.2)
    assert users.centre.tolist() == pytest.approx([1.0, 1.6])
    assert users.prior.item() == pytest.approx(0.2 + FLOOR)
    assert users.evidence == pytest.approx((np.log(0.2) - np.log(0.2 + FLOOR)) / 2)


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("observe", [rated, lambda: rated([0.5, 2.0, 1.0, 1.5]), against_background])
def test_updates_are_those_of_the_slow_version(observe: "object", block: int) -> None:
    observed, pairs = observe()  # type: ignore[operator]
    users, items = drawn(USERS, 0, 1), drawn(ITEMS, 1, 2)
    noise, prior = 0.3, users.prior.numpy().copy()
    expected = np.tile(users.centre.numpy(), (USERS, 1))
    means, covariances = posteriors(pairs, USERS, 0, *both(items), expected, prior, noise)
    error = learn(users, observed, items, noise, block) + observed.square
    np.testing.assert_allclose(users.means.numpy(), means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(users.covariances.numpy(), covariances, rtol=1e-5, atol=1e-6)
    assert error == pytest.approx(squared_error(pairs, both(users), both(items)), rel=1e-5)

    turned = [(item, user, target, weight) for user, item, target, weight in pairs]
    expected = np.tile(items.centre.numpy(), (ITEMS, 1))
    means, covariances = posteriors(turned, ITEMS, 1, *both(users), expected, items.prior.numpy().copy(), noise)
    error = learn(items, observed, users, noise, block) + observed.square
    np.testing.assert_allclose(items.means.numpy(), means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(items.covariances.numpy(), covariances, rtol=1e-5, atol=1e-6)
    assert error == pytest.approx(squared_error(turned, both(items), both(users)), rel=1e-5)
    assert observed.weight == pytest.approx(sum(pair[3] for pair in pairs))
    assert observed.square == pytest.approx(sum(pair[3] * pair[2] ** 2 for pair in pairs))


def test_prior_is_the_ridge_regression_of_the_posteriors_on_the_features() -> None:
    features = np.array([[1.0], [2.0], [-1.0], [0.5]], np.float32)
    users, items = drawn(USERS, 0, 1, Design(Description.of(numeric(features)), 100, CPU)), drawn(ITEMS, 1, 2)
    observed, _ = rated()
    learn(users, observed, items, 0.3, 2)
    centred = features.astype(np.float64) - features.mean()
    means = users.means.numpy()[:, 1:]
    weights = np.linalg.solve(centred.T @ centred + 5 * np.eye(1), centred.T @ (means - means.mean(axis=0)))
    left = means - means.mean(axis=0) - centred @ weights
    scatter = left.T @ left + 5 * weights.T @ weights + users.covariances.numpy().sum(axis=0)
    np.testing.assert_allclose(users.centre.numpy()[1:], means.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(users.weights.numpy()[:, 1:], weights, atol=1e-9)
    np.testing.assert_allclose(users.prior.numpy(), scatter / USERS + FLOOR * np.eye(3), atol=1e-9)


def test_products_are_the_upper_triangle_of_the_second_moments() -> None:
    packing = Packing(3, 1, CPU)
    packed = packing.products(torch.tensor([[2.0, 1.0, 3.0]]), torch.tensor([[[0.5, 0.1], [0.1, 0.25]]]))
    assert packed[0].tolist() == pytest.approx([4.5, 2.0, 6.1, 1.0, 3.0, 9.25])
    assert packed[0][packing.place].tolist()[2] == pytest.approx([6.1, 3.0, 9.25])


def test_a_sweep_reads_every_row_once_a_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cost is counted, not timed: rows read, whatever the blocks, and no table of users times items."""
    read: list[int] = []
    kept = Groups.sum

    def counting(self: Groups, first: int, last: int, table: torch.Tensor, values: torch.Tensor | None) -> torch.Tensor:
        found = kept(self, first, last, table, values)
        read.append(int(self.starts[last] - self.starts[first]))
        assert found.shape[0] * found.shape[1] <= (last - first) * (SIZE + 3) * (SIZE + 2) // 2
        return found

    monkeypatch.setattr(Groups, "sum", counting)
    for rows in (500, 1_000):
        random = np.random.default_rng(0)
        users, items = torch.from_numpy(random.integers(40, size=rows)), torch.from_numpy(random.integers(30, size=rows))
        observed = Observations.rated(users, items, torch.randn(rows).double(), None, 40, 30)
        other = drawn(30, 1, 2)
        read.clear()
        learn(drawn(40, 0, 1), observed, other, 0.3, 7)
        assert sum(read) == 2 * rows  # once for products, once for targets
