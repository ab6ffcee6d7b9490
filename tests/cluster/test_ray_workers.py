"""A cluster's nodes as workers: the same as this machine, whatever dies and whatever joins."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.config.loading import merge
from darlr.errors import RunError
from tests.clusters import add_node
from tests.runs import SMALL, SMALL_WORLD, results
from tests.world_model.factors.logs import planted
from tests.worlds import CPU, draws, low_rank_world

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr import train
from darlr.cluster.spread import workers_at
from darlr.cluster.workers import HERE
from darlr.world_model.factors import problem
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.settings import WorldModelConfig

pytestmark = pytest.mark.slow


def added(value: torch.Tensor, common: torch.Tensor) -> torch.Tensor:
    if value[0] < 0:
        raise RunError("a number is below 0")
    return value + common


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 50)
    monkeypatch.setattr(problem, "ROWS_AN_ITEM", 1)
    monkeypatch.setattr(problem, "ITEMS_OF_A_SLICE", 10)


@dataclass
class Numbers:
    """Numbers that can be added up."""

    values: torch.Tensor

    def add(self, other: "Numbers") -> None:
        self.values = self.values + other.values


def summed(pair: tuple[torch.Tensor, float], times: torch.Tensor) -> tuple[float, list[Numbers]]:
    value, factor = pair
    return factor, [Numbers(value * factor), Numbers(value * times)]


def same(value: Numbers) -> Numbers:
    return value


def slow(value: torch.Tensor, common: tuple[Path, float]) -> int:
    """Notes that it was called, and by whom."""
    folder, seconds = common
    number = int(value[0])
    time.sleep(seconds)
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    return number


def test_results_come_in_the_order_of_the_values(cluster: Any) -> None:
    values = [torch.full((1_000,), float(number)) for number in range(9)]
    with workers_at(cluster.address) as workers:
        held = workers.hold(values)
        for common in (torch.tensor(1.0), torch.tensor(2.0)):
            made = list(workers.apply(added, held, common))
            assert all(torch.equal(one, value + common) for one, value in zip(made, values, strict=True))


def test_what_a_function_raises_is_raised_here(cluster: Any) -> None:
    with workers_at(cluster.address) as workers:
        held = workers.hold([torch.tensor([1.0]), torch.tensor([-1.0])])
        with pytest.raises(RunError, match=r"^a number is below 0$"):
            list(workers.apply(added, held, torch.tensor(0.0)))


def test_a_node_lost_and_one_that_joins_lose_no_result_and_double_none(cluster: Any, tmp_path: Path) -> None:
    with workers_at(cluster.address) as workers:
        held = workers.hold([torch.tensor([number]) for number in range(10)])
        made = workers.apply(slow, held, (tmp_path, 0.5))
        found = [next(made)]
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        found.append(next(made))
        add_node(cluster)
        found.extend(made)
    assert found == list(range(10))
    finished = [int(note.name.split("-")[0]) for note in tmp_path.iterdir()]
    assert set(finished) == set(range(10))
    assert len(finished) <= 12  # at most what the lost node had done and not told


def test_what_was_kept_and_added_up_on_a_lost_node_is_made_again(cluster: Any) -> None:
    # All are too large to travel with their tasks.
    values, times = [torch.full((200_000,), float(number)) for number in range(6)], torch.full((200_000,), 3.0)
    with workers_at(cluster.address) as workers:
        expected = HERE.add_up(summed, HERE.pairs(HERE.keep(added, values, torch.tensor(1.0)), range(6)), 2, times)
        kept = workers.keep(added, values, torch.tensor(1.0))
        results, sums = workers.add_up(summed, workers.pairs(kept, workers.hold(range(6))), 2, times)
        assert results == expected[0]
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        made = list(workers.apply(same, sums))
        add_node(cluster)
    assert [float(one.values[0]) for one in made] == [70.0, 63.0]  # of number times number + 1, and of 3 times number + 1
    assert all(torch.equal(one.values, other.values) for one, other in zip(made, expected[1], strict=True))


def test_a_fit_outlives_a_node(cluster: Any, small_parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, settings = planted(users=2_000, items=300, rows=40_000)[0], FactorSettings(size=2, link="identity", sweeps=8)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 8_000)
    expected, _ = fit_factors(dataset, settings, draws(), CPU, 0.0)
    with workers_at(cluster.address) as workers:
        add_up, sweeps = workers.add_up, iter(range(8))

        def add_up_and_lose(*given: Any) -> Any:
            made = add_up(*given)
            if next(sweeps) == 3:
                cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
            return made

        monkeypatch.setattr(workers, "add_up", add_up_and_lose)
        spread, _ = fit_factors(dataset, settings, draws(), CPU, 0.0, workers=workers)
        add_node(cluster)
    assert all(torch.equal(tensor, spread.tensors()[name]) for name, tensor in expected.tensors().items())


def test_members_of_an_ensemble_are_trained_on_a_cluster(cluster: Any) -> None:
    world, _ = low_rank_world(12, 15)
    config = WorldModelConfig(members=3, embedding_size=4, hidden_sizes=(8,), batch_size=32, max_epochs=2, members_apart=True)
    expected, _ = fit_world_model(world, config, 0, CPU)
    with workers_at(cluster.address) as workers:
        spread, _ = fit_world_model(world, config, 0, CPU, workers=workers)
    for name, tensor in expected.network.state_dict().items():
        assert torch.equal(spread.network.state_dict()[name], tensor), name


def test_a_run_on_a_cluster_has_the_numbers_of_one_machine(cluster: Any, tmp_path: Path, small_parts: None) -> None:
    settings = merge(merge(SMALL, SMALL_WORLD), {"method": "bayes-adaptive", "factors": {"size": None}})
    alone, spread = (
        train("synthetic", out=tmp_path / name, device="cpu", ray=address, settings=settings).path
        for name, address in (("alone", None), ("spread", cluster.address))
    )
    assert results(spread) == results(alone)
    weights = "world_model.safetensors"
    assert (spread / weights).read_bytes() == (alone / weights).read_bytes()
