"""A cluster's nodes as workers: the same as this machine, whatever dies and whatever joins."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.config.loading import merge
from darlr.errors import RunError
from tests.clusters import add_node
from tests.runs import SMALL, SMALL_WORLD, results
from tests.worlds import CPU, low_rank_world

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr import train
from darlr.cluster.spread import workers_at
from darlr.world_model.factors import problem
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.settings import WorldModelConfig

pytestmark = pytest.mark.slow


def added(value: torch.Tensor, common: torch.Tensor) -> torch.Tensor:
    if value[0] < 0:
        raise RunError("a number is below 0")
    return value + common


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


def test_members_of_an_ensemble_are_trained_on_a_cluster(cluster: Any) -> None:
    world, _ = low_rank_world(12, 15)
    config = WorldModelConfig(members=3, embedding_size=4, hidden_sizes=(8,), batch_size=32, max_epochs=2, members_apart=True)
    expected, _ = fit_world_model(world, config, 0, CPU)
    with workers_at(cluster.address) as workers:
        spread, _ = fit_world_model(world, config, 0, CPU, workers=workers)
    for name, tensor in expected.network.state_dict().items():
        assert torch.equal(spread.network.state_dict()[name], tensor), name


def test_a_run_on_a_cluster_has_the_numbers_of_one_machine(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(problem, "ROWS_OF_A_PART", 50)
    monkeypatch.setattr(problem, "ROWS_AN_ITEM", 1)
    settings = merge(merge(SMALL, SMALL_WORLD), {"method": "bayes-adaptive", "factors": {"size": None}})
    alone, spread = (
        train("synthetic", out=tmp_path / name, device="cpu", ray=address, settings=settings).path
        for name, address in (("alone", None), ("spread", cluster.address))
    )
    assert results(spread) == results(alone)
    weights = "world_model.safetensors"
    assert (spread / weights).read_bytes() == (alone / weights).read_bytes()
