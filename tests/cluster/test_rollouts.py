"""Roll-outs on a cluster: the numbers of one machine, whatever dies in the middle."""

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from darlr.config.loading import merge
from tests.agents.test_a2c import Setting, agent
from tests.clusters import add_node
from tests.run.test_resuming import StoppedError, Stopping
from tests.runs import SMALL, SMALL_WORLD, results
from tests.worlds import draws

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr import train
from darlr.agents.a2c import ActorCriticPlayer, ValuedRollout
from darlr.agents.dividing import Divided
from darlr.cluster.spread import workers_at
from darlr.cluster.workers import HERE

pytestmark = pytest.mark.slow


class SlowPlayer(ActorCriticPlayer):
    """Notes each group that it has begun, and takes its time for it."""

    def __init__(self, like: ActorCriticPlayer, folder: Path) -> None:
        super().__init__(like.policy, like.simulator, like.n_users)
        self._folder = folder

    def forward(self, episodes: int, generator: torch.Generator) -> ValuedRollout:
        (self._folder / f"{generator.initial_seed()}-{time.monotonic_ns()}").touch()
        time.sleep(0.5)
        return super().forward(episodes, generator)


def test_a_node_that_dies_in_the_middle_repeats_its_groups_alone(cluster: Any, tmp_path: Path) -> None:
    player = agent(Setting()).player
    assert isinstance(player, ActorCriticPlayer)
    player(3, draws())  # as many episodes as in a group: nodes must not write to this process's memory of them
    expected = Divided(player, 8, HERE).sample(20, draws(), 0)

    def kill() -> None:
        while len(list(tmp_path.iterdir())) < 3:  # both nodes are at work, and a group is done
            time.sleep(0.01)
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)

    with workers_at(cluster.address) as workers:
        killer = Thread(target=kill)
        killer.start()
        played = Divided(SlowPlayer(player, tmp_path), 8, workers).sample(20, draws(), 0)
        killer.join()
    add_node(cluster)  # for the tests that follow
    for name in ("users", "lengths", "items", "seen_rewards", "rewards"):
        assert torch.equal(getattr(played.episodes, name), getattr(expected.episodes, name)), name
    assert torch.equal(played.values, expected.values)
    begun = [int(note.name.split("-")[0]) for note in tmp_path.iterdir()]
    assert len(set(begun)) == 8
    assert len(begun) <= 10  # at most what the lost node had begun and not told


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "bayes-adaptive", "reward": {"table_cells": 100}, "policy": {"candidates": 20}},
        {"method": "dorl", "tracker": {"kind": "transformer"}},
        {"method": "dorl", "policy": {"actor": "belief"}, "world_model": {"kind": "factors"}},
        {"method": "ppo", "reward": {"table_cells": 100}},
    ],
)
def test_a_run_on_a_cluster_has_the_numbers_of_one_machine(changes: Mapping[str, Any], cluster: Any, tmp_path: Path) -> None:
    settings = merge(merge(SMALL, SMALL_WORLD), merge({"training": {"groups": 3}}, changes))
    alone, spread = (
        train("synthetic", out=tmp_path / name, device="cpu", ray=address, settings=settings).path
        for name, address in (("alone", None), ("spread", cluster.address))
    )
    assert results(spread) == results(alone)
    name = "checkpoint.safetensors"
    assert (spread / name).read_bytes() == (alone / name).read_bytes()


def test_a_run_that_began_on_one_machine_goes_on_on_a_cluster(cluster: Any, tmp_path: Path) -> None:
    settings = merge(merge(SMALL, SMALL_WORLD), {"method": "dorl", "training": {"groups": 2}})
    with pytest.raises(StoppedError):
        train("synthetic", out=tmp_path / "stopped", device="cpu", settings=settings, monitor=Stopping(1))
    resumed = train("synthetic", out=tmp_path / "stopped", device="cpu", settings=settings, ray=cluster.address)
    undisturbed = train("synthetic", out=tmp_path / "undisturbed", device="cpu", settings=settings)
    assert results(resumed.path) == results(undisturbed.path)
