"""LinUCB and Thompson sampling beside the papers' algorithms, one user and one step at a time."""

import numpy as np
import pytest
import torch

from darlr.agents.acting import WHOLE_EPISODE
from darlr.agents.supervised.lin_ucb import LIN_UCB, LinUCBScorer
from darlr.agents.supervised.linear_thompson import DRAWS, LINEAR_THOMPSON, STRIDE
from darlr.agents.supervised.ridge import COMPONENTS, bandit_belief, contexts_of, fit_ridge
from darlr.agents.supervised.supervised import Played
from darlr.data.catalog import Features
from darlr.data.dataset import Dataset
from darlr.evaluation.protocol import EvaluationWorld
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from tests.worlds import CPU, catalog_of, dataset_of, log_of


def rated() -> Dataset:
    """12 users and 9 items in three categories with a number; rewards depend on both."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(9, 1)).astype(np.float32)
    features = Features((), np.zeros((9, 0), np.int32), (), ("size",), numbers)
    tastes = random.normal(size=(12, 3))
    rows = []
    for user in range(12):
        for item in random.permutation(9)[:5].tolist():
            value = 2.5 + tastes[user, item % 3] + 0.5 * numbers[item, 0] + 0.2 * random.normal()
            rows.append((user, item, float(np.clip(value, 0, 5))))
    return dataset_of(log_of(rows, 12, 9), catalog_of([[item % 3] for item in range(9)], features))


def test_contexts_are_a_constant_and_principal_components() -> None:
    found = contexts_of(rated().items)
    assert found.shape == (9, 4)  # three categories, of which one follows from the others, and a number
    assert (found[:, 0] == 1).all()
    np.testing.assert_allclose(found[:, 1:].mean(axis=0), 0, atol=1e-12)
    assert (found[:, 1:] ** 2).sum(axis=1).mean() == pytest.approx(1)
    gram = found[:, 1:].T @ found[:, 1:]
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    many = catalog_of([[item] for item in range(40)])
    assert contexts_of(many).shape == (40, 1 + COMPONENTS)
    assert contexts_of(catalog_of([[], []])).tolist() == [[1.0], [1.0]]


def test_what_the_log_tells_is_the_papers_update_row_by_row() -> None:
    dataset = rated()
    ridge = fit_ridge(dataset, np.random.default_rng(0))
    chosen = float(ridge.precisions[0, 0, 0]) - 5  # the constant's entry: lambda and one for each row
    log, contexts = dataset.log, contexts_of(dataset.items)
    for user in range(12):
        a, b = chosen * np.eye(4), np.zeros(4)
        for item, reward in zip(log.items[log.users == user], log.rewards[log.users == user], strict=True):
            a += np.outer(contexts[item], contexts[item])
            b += contexts[item] * (reward - float(ridge.offsets[item]))
        np.testing.assert_allclose(ridge.precisions[user].numpy(), a, atol=1e-9)
        np.testing.assert_allclose(ridge.totals[user].numpy(), b, atol=1e-6)


def test_rewards_that_depend_on_what_is_known_are_predicted() -> None:
    dataset = rated()
    ridge = fit_ridge(dataset, np.random.default_rng(0))
    assert ridge.variance < float(dataset.log.rewards.var())


def slow_ucb(dataset: Dataset, user: int, pays: np.ndarray, steps: int, alpha: float) -> list[int]:
    """Algorithm 1 of Li et al. (2010), with inverses anew at every step."""
    ridge = fit_ridge(dataset, np.random.default_rng(0))
    a, b, x, o = (
        tensor.numpy() for tensor in (ridge.precisions[user].clone(), ridge.totals[user].clone(), ridge.contexts, ridge.offsets)
    )
    shown: list[int] = []
    for _ in range(steps):
        inverse = np.linalg.inv(a)
        bounds = o + x @ inverse @ b + alpha * np.sqrt(ridge.variance * np.einsum("id,de,ie->i", x, inverse, x))
        bounds[shown] = -np.inf
        item = int(bounds.argmax())
        shown.append(item)
        a += np.outer(x[item], x[item])
        b += x[item] * (pays[item] - o[item])
    return shown


@pytest.mark.parametrize("alpha", [0.0, 1.0, 20.0])
def test_lin_ucb_is_the_papers_algorithm(alpha: float) -> None:
    dataset = rated()
    learned = LIN_UCB.fit(dataset, np.random.default_rng(0))
    played = Played(dataset, (0.0, 5.0), CPU)
    scorer = LinUCBScorer(bandit_belief(learned, played), alpha)
    assert scorer.lookback == WHOLE_EPISODE
    table = torch.rand(12, 9, generator=torch.Generator().manual_seed(3)) * 5
    world = EvaluationWorld.of_table(TableReward(table, 0.0, 5.0), Never(), max_steps=7, lookback=1)
    items = world.recommended("nx_0", world.every_user, scorer, None).view(12, 7)
    assert items.tolist() == [slow_ucb(dataset, user, table[user].numpy(), 7, alpha) for user in range(12)]


def test_thompson_sampling_is_the_papers_algorithm() -> None:
    dataset = rated()
    learned = LINEAR_THOMPSON.fit(dataset, np.random.default_rng(0))
    scorer = LINEAR_THOMPSON.scorer(learned, Played(dataset, (0.0, 5.0), CPU))
    table = torch.rand(12, 9, generator=torch.Generator().manual_seed(3)) * 5
    world = EvaluationWorld.of_table(TableReward(table, 0.0, 5.0), Never(), max_steps=7, lookback=1)
    items = world.recommended("nx_0", world.every_user, scorer, None).view(12, 7)
    ridge = fit_ridge(dataset, np.random.default_rng(0))
    x, o = ridge.contexts.numpy(), ridge.offsets.numpy()
    for user in range(12):
        a, b = ridge.precisions[user].clone().numpy(), ridge.totals[user].clone().numpy()
        shown: list[int] = []
        for step in range(7):
            normal = learned["normal"][(user * STRIDE + step) % DRAWS].double().numpy()
            root = np.linalg.cholesky(ridge.variance * np.linalg.inv(a))
            scores = o + x @ (np.linalg.solve(a, b) + root @ normal)
            scores[shown] = -np.inf
            item = int(scores.argmax())
            shown.append(item)
            a += np.outer(x[item], x[item])
            b += x[item] * (float(table[user, item]) - o[item])
        assert items[user].tolist() == shown


def test_draws_have_the_posteriors_law() -> None:
    learned = LINEAR_THOMPSON.fit(rated(), np.random.default_rng(0))
    normal = learned["normal"][(7 * STRIDE + torch.arange(20_000)) % DRAWS]
    torch.testing.assert_close(normal.T @ normal / 20_000, torch.eye(4), atol=0.05, rtol=0)


def test_positives_alone_begin_with_popularity_and_no_knowledge_of_the_user() -> None:
    rows = [(user, 0, 1.0) for user in range(4)] + [(0, 1, 1.0)]
    log = log_of(rows, 4, 3, reward_range=(0.0, 1.0), positive_only=True)
    ridge = fit_ridge(dataset_of(log, catalog_of([[0], [1], [0]])), np.random.default_rng(0))
    assert ridge.offsets.tolist() == [1.0, 0.25, 0.0]
    assert torch.equal(ridge.precisions, torch.eye(2).double().expand(4, 2, 2))
    assert not ridge.totals.any()
    assert ridge.variance == 0.0625


def test_items_of_which_too_much_is_known_are_left_out_with_a_reason() -> None:
    features = Features(("brand",), np.zeros((9, 1), np.int32), (20_000_000,), (), np.zeros((9, 0), np.float32))
    dataset = dataset_of(rated().log, catalog_of([[]] * 9, features))
    assert LIN_UCB.unfit(rated()) == ""
    expected = "items, categories and values of features make a table of 180,000,000 cells; at most 100,000,000"
    assert LIN_UCB.unfit(dataset) == LINEAR_THOMPSON.unfit(dataset) == expected
