from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.names import Names, Places
from darlr.errors import InputError
from darlr.world.world import World
from darlr.world_model.continuing import Former
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.continuing import start_from
from darlr.world_model.factors.design import Description, Design
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import Problem, prepare
from darlr.world_model.factors.settings import FactorSettings
from tests.world_model.factors.logs import planted

CPU = torch.device("cpu")
FIT = {"size": 2, "link": "identity", "activity_exponent": 0.0}
SETTINGS = FactorSettings(size=2, link="identity", tolerance=1e-6)


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def former() -> tuple[Dataset, FactorModel]:
    dataset, _ = planted()
    # Numbers go with the items' biases; categories say nothing.
    items = len(dataset.items)
    catalog = ItemCatalog((np.arange(items) % 3).astype(np.int32)[:, None], ("a", "b", "c"), dataset.items.features)
    dataset = replace(dataset, items=catalog)
    return dataset, fit_factors(dataset, SETTINGS, draws(), CPU)[0]


def later(dataset: Dataset) -> Dataset:
    """Make the same log with other numbers: users and items in reverse order, one new of each, and one more category."""
    log, users, items = dataset.log, dataset.log.n_users, dataset.log.n_items
    numeric = np.concatenate([dataset.items.features.numeric[::-1], [[2.0]]]).astype(np.float32)
    features = Features((), np.zeros((items + 1, 0), np.int32), (), dataset.items.features.numeric_names, numeric)
    codes = np.concatenate([dataset.items.categories[::-1] + 1, [[0]]]).astype(np.int32)
    turned = replace(
        log,
        users=np.append(users - 1 - log.users, [users]).astype(np.int32),
        items=np.append(items - 1 - log.items, [items]).astype(np.int32),
        rewards=np.append(log.rewards, [5.0]).astype(np.float32),
        user_ids=np.append(np.arange(users)[::-1], [1000]),
        item_ids=np.append(np.arange(items)[::-1], [1000]),
    )
    return Dataset(
        name="later",
        log=turned,
        items=ItemCatalog(codes, ("new", "a", "b", "c"), features),
        user_features=Features.none(users + 1),
        world=World(np.arange(users + 1), np.arange(items + 1)),
        leave=dataset.leave,
        hashes={},
    )


def started(former: tuple[Dataset, FactorModel], now: Dataset) -> tuple[Problem, Former, Design, Design]:
    places = Places.of(Names.of(now), Names.of(former[0]))
    problem = prepare(now, now.log, "identity", 0.0, CPU)
    users = Design(Description.of(now.user_features).rows(problem.users), 500, CPU)
    items = Design(Description.of(now.items).rows(problem.items), 500, CPU)
    return problem, Former(former[1], FIT, places), users, items


def test_starts_where_the_former_fit_ended_whatever_the_numbers(former: tuple[Dataset, FactorModel]) -> None:
    dataset, model = former
    now = later(dataset)
    problem, before, users, items = started(former, now)
    start = start_from(before, problem, users, items)
    responses = (start.items.means[:-1] @ start.users.means[:-1].T).T * problem.scale.spread + problem.scale.centre
    n_users, n_items = dataset.log.n_users, dataset.log.n_items
    expected, _ = model.with_selection(0.0).predict(torch.arange(n_users).flip(0), torch.arange(n_items).flip(0))
    torch.testing.assert_close(responses.float().clamp(0, 10), expected, atol=1e-3, rtol=1e-4)
    ratio = model.responses.scale.spread / problem.scale.spread
    assert start.noise == pytest.approx(model.responses.log_noise * ratio**2)


def test_new_entities_have_the_prior_of_their_features(former: tuple[Dataset, FactorModel]) -> None:
    dataset, model = former
    now = later(dataset)
    problem, before, users, items = started(former, now)
    start = start_from(before, problem, users, items)
    # The new item's category is new, too, and weighs nothing; what it lacks of the old ones counts.
    absent = np.full((1, 1), -1, np.int32)
    described = ItemCatalog(
        absent,
        ("a", "b", "c"),
        replace(now.items.features, codes=np.zeros((1, 0), np.int32), numeric=np.full((1, 1), 2.0, np.float32)),
    )
    means, covariances = model.items.prior_of(described)
    scale = model.responses.scale
    bias = (float(means[0, 0]) * scale.spread + scale.centre - problem.scale.centre) / problem.scale.spread
    assert float(start.items.means[-1, 0]) == pytest.approx(bias, abs=1e-5)
    ratio = scale.spread / problem.scale.spread
    torch.testing.assert_close(start.items.means[-1, 2:].float(), means[0, 1:] * ratio, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(start.items.covariances[-1].float(), covariances[0] * ratio**2)
    assert start.users.means[-1].tolist() == pytest.approx([1.0, *(model.users.centre * torch.tensor([ratio, 1, 1])).tolist()])


def test_a_fit_that_starts_from_its_own_end_is_done_at_once(former: tuple[Dataset, FactorModel]) -> None:
    dataset, model = former
    places = Places.of(Names.of(dataset), Names.of(dataset))
    again, report = fit_factors(dataset, FactorSettings(), draws(), CPU, former=Former(model, FIT, places))
    assert (report.size, report.link, report.trials) == (2, "identity", ())
    assert report.reason == "as in the run that it starts from"
    assert len(report.objective) == 2
    torch.testing.assert_close(again.items.means, model.items.means, atol=0.01, rtol=0.01)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (FactorSettings(size=3), "config key 'factors.size' is 3, but the run's factors have 2; expected the same"),
        (FactorSettings(link="log"), "config key 'factors.link' is 'log', but the run's factors have 'identity'; expected"),
    ],
)
def test_refuses_another_size_or_link(former: tuple[Dataset, FactorModel], asked: FactorSettings, message: str) -> None:
    dataset, model = former
    places = Places.of(Names.of(dataset), Names.of(dataset))
    with pytest.raises(InputError, match=message):
        fit_factors(dataset, asked, draws(), CPU, former=Former(model, FIT, places))
