"""The list of a matrix factorisation."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from darlr.agents.static import matrix_factorisation
from darlr.agents.static.lists import item_means
from darlr.agents.static.matrix_factorisation import CANDIDATES, factorised, fit_best, log_ratings
from darlr.data.completion.factorisation import Factorisation, Ratings, sweeps
from darlr.world.world import World
from tests.worlds import CPU, dataset_of, log_of, low_rank_world, window_of


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_pairs_count_once_and_ratings_are_standardised() -> None:
    # Pair (1, 2) was rated 1 and 5: 3. The values are 3, 1, 5: mean 3, deviation sqrt(8 / 3).
    found = log_ratings(log_of([(1, 2, 1.0), (0, 1, 1.0), (1, 2, 5.0), (2, 0, 5.0)], 3, 4), random())
    assert list(zip(found.users.tolist(), found.items.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 0)]
    assert found.values.tolist() == pytest.approx([-2 / (8 / 3) ** 0.5, 0.0, 2 / (8 / 3) ** 0.5])
    assert found.shape == (3, 4)


def test_positives_stand_beside_pairs_that_the_log_lacks() -> None:
    rows = [(user, item, 1.0) for user in range(20) for item in range(user % 3, 60, 3)]
    found = log_ratings(log_of(rows, 20, 60), random())
    logged = {(user, item) for user, item, _ in rows}
    ones = found.values > 0
    pairs = list(zip(found.users.tolist(), found.items.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert {pair for pair, one in zip(pairs, ones, strict=True) if one} == logged
    assert not {pair for pair, one in zip(pairs, ones, strict=True) if not one} & logged
    assert len(pairs) > 2 * len(logged)
    assert (found.values.mean(), found.values.std()) == (pytest.approx(0), pytest.approx(1))


def test_the_list_is_personal_and_better_than_the_item_mean() -> None:
    dataset, truth = low_rank_world(60, 50)
    users = torch.arange(60)
    scorer = factorised(dataset, random(), CPU)
    assert scorer is not None
    best = scorer(users, window_of([[50]] * 60)).topk(5, dim=1).indices
    assert len({tuple(row) for row in best.tolist()}) > 10
    worth = float(torch.from_numpy(truth).gather(1, best).mean())
    alike = item_means(dataset)[0].topk(5).indices
    assert worth > float(truth[:, alike].mean()) + 1.0
    assert worth > 0.9 * float(np.sort(truth, axis=1)[:, -5:].mean())


def test_rows_and_columns_are_those_of_the_world() -> None:
    dataset, _ = low_rank_world(30, 20)
    chosen = dataset_of(dataset.log, world=World(np.array([7, 2]), np.array([5, 0, 9])))
    whole, part = factorised(dataset, random(), CPU), factorised(chosen, random(), CPU)
    assert whole is not None
    assert part is not None
    expected = whole(torch.tensor([2]), window_of([[20]]))[:, [5, 0, 9]]
    torch.testing.assert_close(part(torch.tensor([1]), window_of([[3]])), expected)
    blocked = torch.tensor([[False, True, False]])
    assert part(torch.tensor([1]), window_of([[3]]), blocked)[0, 1] == float("-inf")


def test_penalties_are_chosen_by_held_out_rows() -> None:
    """Where the ratings are noise, factors only mislead: the candidate that has the largest ones is not taken."""
    clean = log_ratings(low_rank_world(60, 50)[0].log, random())
    noise = replace(clean, values=random(1).normal(size=len(clean)))

    def spread(model: Factorisation) -> float:
        return float((model.users[:, 1:] @ model.items[:, 1:].T).std())

    def free(ratings: Ratings) -> Factorisation:
        return next(islice(sweeps(ratings, CANDIDATES[0].factors, CANDIDATES[0].penalties, random()), 9, None))

    assert spread(fit_best(clean, random())) == pytest.approx(spread(free(clean)), rel=0.01)
    assert spread(fit_best(noise, random())) < 0.8 * spread(free(noise))


def test_the_generator_decides() -> None:
    dataset, _ = low_rank_world(30, 20)
    window = window_of([[20]])

    def scores(seed: int) -> list[float]:
        scorer = factorised(dataset, random(seed), CPU)
        assert scorer is not None
        values: list[float] = scorer(torch.tensor([4]), window)[0].tolist()
        return values

    assert scores(0) == scores(0) != scores(1)


def test_the_cost_of_a_large_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _ = low_rank_world(30, 20)
    monkeypatch.setattr(matrix_factorisation, "MOST_PAIRS", 50)
    assert len(log_ratings(dataset.log, random())) == 50


def test_too_few_pairs_make_no_list() -> None:
    assert factorised(dataset_of(log_of([(0, item, float(item)) for item in range(5)], 2, 9)), random(), CPU) is None
