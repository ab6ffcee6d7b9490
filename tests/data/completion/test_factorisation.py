import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darlr.data.completion import factorisation
from darlr.data.completion.factorisation import Factorisation, Penalties, Ratings, sweeps


def after(count: int, ratings: Ratings, factors: int, penalties: Penalties, seed: int = 0) -> Factorisation:
    return next(itertools.islice(sweeps(ratings, factors, penalties, np.random.default_rng(seed)), count - 1, None))


def random_ratings(n_users: int, n_items: int, n: int, seed: int) -> Ratings:
    random = np.random.default_rng(seed)
    cells = random.choice(n_users * n_items, n, replace=False)
    return Ratings(cells // n_items, cells % n_items, random.normal(3, 1, n), (n_users, n_items))


def test_one_sweep_of_biases_worked_by_hand() -> None:
    """Ratings 1 and 3 of user 0, 5 of user 1, on items 0, 1, 0; the mean is 3, every penalty 1.

    Users first, items at 0: b_0 = (-2 + 0) / (2 + 1) = -2/3, b_1 = 2 / (1 + 1) = 1. Then items:
    c_0 = (-2 + 2/3 + 2 - 1) / (2 + 1) = -1/9, c_1 = (0 + 2/3) / (1 + 1) = 1/3.
    """
    ratings = Ratings(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([1.0, 3.0, 5.0]), (2, 2))
    model = after(1, ratings, 0, Penalties(factors=1.0, biases=1.0))
    assert model.mean == 3.0
    np.testing.assert_allclose(model.users, np.array([[-2 / 3], [1.0]]))
    np.testing.assert_allclose(model.items, [[-1 / 9], [1 / 3]])
    np.testing.assert_allclose(model.block(slice(None)), 3 + np.array([[-7 / 9, -1 / 3], [8 / 9, 4 / 3]]))


@settings(max_examples=25, deadline=None)
@given(
    n_users=st.integers(2, 12), n_items=st.integers(2, 12), factors=st.integers(0, 3), seed=st.integers(0, 99), data=st.data()
)
def test_no_sweep_raises_the_objective(n_users: int, n_items: int, factors: int, seed: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, n_users * n_items))
    ratings, penalties = random_ratings(n_users, n_items, n, seed), Penalties(0.7, 0.3)
    models = itertools.islice(sweeps(ratings, factors, penalties, np.random.default_rng(seed)), 6)
    values = [model.objective(ratings, penalties) for model in models]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in itertools.pairwise(values))


def test_objective_is_that_of_its_definition() -> None:
    ratings = Ratings(np.array([0]), np.array([1]), np.array([4.0]), (1, 2))
    model = Factorisation(3.0, np.array([[0.5, 1.0]]), np.array([[9.0, 9.0], [0.25, 2.0]]))
    # Predicted 3 + 0.5 + 0.25 + 1 * 2 = 5.75.
    expected = 1.75**2 + 10 * (1 + 81 + 4) + 100 * (0.25 + 81 + 0.0625)
    assert model.objective(ratings, Penalties(factors=10.0, biases=100.0)) == pytest.approx(expected)


def test_a_fit_is_where_no_gradient_is_left() -> None:
    ratings, penalties = random_ratings(15, 10, 90, 3), Penalties(1.5, 0.8)
    model = after(400, ratings, 2, penalties)
    errors = model.at(ratings.users, ratings.items) - ratings.values
    gradient = np.zeros_like(model.users)
    inputs = model.items[ratings.items].copy()
    inputs[:, 0] = 1.0
    np.add.at(gradient, ratings.users, errors[:, None] * inputs)
    gradient += model.users * [0.8, 1.5, 1.5]
    assert np.abs(gradient).max() < 1e-3


def test_planted_ratings_are_recovered() -> None:
    """For a matrix of two factors and biases, 40% of the cells determine the others."""
    random = np.random.default_rng(0)
    users, items = random.normal(0, 1, (120, 2)), random.normal(0, 1, (90, 2))
    truth = 3 + random.normal(0, 0.5, (120, 1)) + random.normal(0, 0.5, 90) + users @ items.T
    seen = random.random(truth.shape) < 0.4
    rows, columns = np.nonzero(seen)
    model = after(60, Ratings(rows, columns, truth[seen], (120, 90)), 2, Penalties(0.05, 0.05))
    errors = (model.block(slice(None)) - truth)[~seen]
    assert np.sqrt(np.square(errors).mean()) < 0.02 * truth.std()


def test_who_was_never_observed_is_predicted_by_the_other_side() -> None:
    ratings = Ratings(np.array([0, 1]), np.array([0, 0]), np.array([2.0, 5.0]), (3, 2))
    model = after(3, ratings, 2, Penalties(1.0, 1.0))
    assert not model.users[2].any()
    assert not model.items[1].any()
    np.testing.assert_allclose(model.block(slice(2, 3)), model.mean + model.items[None, :, 0])
    np.testing.assert_allclose(model.at(np.array([0, 2]), np.array([1, 1])), [model.mean + model.users[0, 0], model.mean])


def test_batches_do_not_change_what_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, penalties = random_ratings(30, 20, 200, 1), Penalties(1.0, 1.0)
    whole = after(3, ratings, 3, penalties)
    monkeypatch.setattr(factorisation, "ROWS_AT_ONCE", 7)  # fewer than some users have
    np.testing.assert_allclose(after(3, ratings, 3, penalties).users, whole.users, rtol=1e-9, atol=1e-12)


def test_blocks_agree_with_single_cells() -> None:
    ratings = random_ratings(9, 7, 40, 5)
    model = after(2, ratings, 3, Penalties(0.5, 0.5))
    rows, columns = np.indices((9, 7)).reshape(2, -1)
    together = np.concatenate([model.block(slice(0, 4)), model.block(slice(4, 9))])
    np.testing.assert_allclose(together.ravel(), model.at(rows, columns))
