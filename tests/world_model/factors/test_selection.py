from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.data.dataset import Dataset
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.estimation import shares_of
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.selection import from_log, from_randomised
from darlr.world_model.factors.settings import FactorSettings
from tests.world_model.factors.logs import dataset_of

CPU = torch.device("cpu")
USERS, ITEMS = 600, 100


def selected(strength: float, uneven: float = 0.9) -> tuple[Dataset, np.ndarray]:
    """A log of users who rate each item once at most, in proportion to exp(strength * reward), and the truth."""
    random = np.random.default_rng(0)
    truth = (3 + random.standard_normal(ITEMS) + random.standard_normal((USERS, ITEMS))).clip(0, 10)
    counts = np.clip(np.exp(np.log(15) + uneven * random.standard_normal(USERS)).astype(int), 4, 60)
    order = np.argsort(-(strength * truth + random.gumbel(size=truth.shape)), axis=1)
    rows = [(user, int(item), float(truth[user, item])) for user in range(USERS) for item in order[user, : counts[user]]]
    return dataset_of(rows, USERS, ITEMS), truth


def plain(dataset: Dataset) -> FactorModel:
    settings = FactorSettings(size=1, link="identity")
    return fit_factors(dataset, settings, torch.Generator().manual_seed(0), CPU, selection_exponent=0.0)[0]


def test_exponent_of_the_law_itself_is_found() -> None:
    """Rewards of user u are 5 n_u^-0.3 for all items: what the law says of a log whose users select with exponent 0.3."""
    counts = [4, 8, 16, 32, 64]
    rows = [(user, item, 8 * count**-0.3) for user, count in enumerate(counts * 20) for item in range(count)]
    dataset = dataset_of(rows, 100, 64)
    model = plain(dataset)
    even = FactorModel(
        model.users,
        replace(model.items, means=torch.zeros_like(model.items.means)),  # an average item, whoever rated it
        model.responses.log_noise,
        model.responses.scale,
        model.scale,
        model.shares,
    )
    found = from_log(even, dataset.log)
    assert found.exponent == pytest.approx(0.3, abs=0.05)  # shrunk a little
    assert found.slope == pytest.approx(-found.exponent)
    assert found.source == "log"
    assert "active users rate lower" in found.reason


def test_selected_logs_have_a_larger_exponent_than_free_ones() -> None:
    free, strong = (from_log(plain(dataset), dataset.log) for dataset in (selected(0.0)[0], selected(1.0)[0]))
    assert free.slope is not None
    assert free.error is not None
    assert abs(free.slope) < 4 * free.error
    assert strong.exponent > free.exponent + 0.03


def test_users_of_equal_activity_tell_nothing() -> None:
    dataset, _ = selected(1.0, uneven=0.0)
    found = from_log(plain(dataset), dataset.log)
    assert (found.exponent, found.slope) == (0.0, None)
    assert "equally active" in found.reason


def test_randomly_shown_ratings_set_the_level() -> None:
    dataset, truth = selected(1.0)
    random = np.random.default_rng(1)
    u, i = random.integers(USERS, size=400), random.integers(ITEMS, size=400)
    shown = dataset_of(list(zip(u.tolist(), i.tolist(), truth[u, i].tolist(), strict=True)), USERS, ITEMS).log
    model = plain(dataset)
    found = from_randomised(model, shown)
    assert found.exponent > 0.02
    assert found.source == "randomised"
    responses = model.with_selection(found.exponent).responses
    level = responses.to_reward(responses.expected(torch.from_numpy(u), torch.from_numpy(i))).mean()
    assert float(level) == pytest.approx(float(shown.rewards.mean()), abs=1e-3)
    generous = replace(shown, rewards=np.full_like(shown.rewards, 9.0))
    assert from_randomised(model, generous).exponent == 0.0


def test_randomly_shown_ratings_go_before_the_log_and_a_given_exponent_before_both() -> None:
    dataset, truth = selected(1.0)
    random = np.random.default_rng(1)
    u, i = random.integers(USERS, size=400), random.integers(ITEMS, size=400)
    shown = dataset_of(list(zip(u.tolist(), i.tolist(), truth[u, i].tolist(), strict=True)), USERS, ITEMS).log
    settings, both = FactorSettings(size=1, link="identity"), replace(dataset, randomised=shown)
    fits = [
        fit_factors(data, settings, torch.Generator().manual_seed(0), CPU, exponent)
        for data, exponent in ((both, None), (dataset, None), (both, 0.5))
    ]
    assert [report.selection.source for _, report in fits] == ["randomised", "log", "given"]
    assert fits[0][1].selection == from_randomised(plain(dataset), shown)
    assert [model.selection_exponent for model, _ in fits] == [report.selection.exponent for _, report in fits]
    # Nothing but eta is learned from them.
    torch.testing.assert_close(fits[0][0].items.means, fits[1][0].items.means, rtol=0, atol=0)
    torch.testing.assert_close(fits[0][0].users.means, fits[1][0].users.means, rtol=0, atol=0)


def test_positives_have_no_law() -> None:
    dataset = dataset_of([(0, 0, 1.0), (1, 1, 1.0)], 2, 3, reward_range=(0.0, 1.0), positive_only=True)
    _, report = fit_factors(dataset, FactorSettings(activity_exponent=0.0), torch.Generator().manual_seed(0), CPU)
    assert report.selection.exponent == 0.0
    assert "positives alone" in report.selection.reason


def test_shares_count_users_once() -> None:
    log = dataset_of([(0, 0, 1.0), (0, 0, 2.0), (1, 0, 3.0), (1, 1, 4.0)], 3, 3).log
    assert shares_of(log).tolist() == [1.0, 0.5, 0.25]  # two users have rows; nobody has item 2
