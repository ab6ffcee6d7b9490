"""How much faster two nodes of a Ray cluster are than one: `python -m benchmarks.many_machines` (extra `ray`).

The nodes are processes of this machine, of one core each; the head has none. Three tasks are measured: a fit of factors with
a given size and number of sweeps, lists of ten items for all users, and an epoch of `bayes-adaptive` or another method whose
roll-outs are divided. The fit runs from the rows to the model, the lists from the run folder to Parquet. All are done by this
process alone first, and what the clusters give has to be the same to the last bit.

Seconds of the wall say little on a machine that does other things; its load is printed with them. So the share that is not
spread is printed, too: CPU seconds of the process that gives out the work, against all CPU seconds. From these, and from the
number of parts, follows what two free cores would give.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from ray.cluster_utils import Cluster

from benchmarks.large_world import CPU, Size, loaded_of, model_of, settings_of, train
from darlr.agents.learning import Learner
from darlr.cluster.connecting import connected
from darlr.cluster.ray_workers import RayWorkers
from darlr.cluster.workers import HERE, Workers
from darlr.config.loading import merge
from darlr.data.dataset import Dataset
from darlr.run.choosing import method_of, ways_of
from darlr.run.learners import divide_rollouts, learner_of
from darlr.run.specification import SpecifiedRun
from darlr.seeding import torch_generator
from darlr.serving.batch import write_all
from darlr.serving.recommender import Recommender
from darlr.serving.spread_batch import Asked, write_all_on
from darlr.world_model.factors.estimation import estimate
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import cuts_of
from darlr.world_model.factors.settings import FactorSettings

NODES = (1, 2)
EPOCH: Mapping[str, Any] = {
    "policy": {"candidates": 500},
    "training": {"epochs": 1, "steps_per_epoch": 200_000, "environments": 1_000, "groups": 4},
}
"""Settings of the run whose epoch is measured."""


@dataclass(frozen=True)
class Spent:
    """Seconds of the wall, CPU seconds of this process, of the nodes' tasks and of Ray's own processes, parts, and the
    machine's load afterwards.
    """

    wall: float
    here: float
    there: float
    ray: float
    parts: int
    load: float


@dataclass(frozen=True)
class Clock:
    """Seconds so far: of the wall, of this process's CPU, and of its descendants', Python's (tasks) and others' (Ray's own)."""

    wall: float
    here: float
    tasks: float
    ray: float

    @classmethod
    def now(cls) -> "Clock":
        seconds = {True: 0.0, False: 0.0}
        for process in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                name, fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)
                seconds["ray::" in name] += sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return cls(time.perf_counter(), time.process_time(), seconds[True], seconds[False])

    def spent(self, parts: int) -> Spent:
        """Seconds that have been spent since."""
        now = Clock.now()
        seconds = now.wall - self.wall, now.here - self.here, now.tasks - self.tasks, now.ray - self.ray
        return Spent(*seconds, parts, os.getloadavg()[0])


def descendants(process: int) -> list[int]:
    children: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children.extend(map(int, thread.read_text().split()))
    return [*children, *(further for child in children for further in descendants(child))]


@contextmanager
def cluster_of(nodes: int) -> Iterator[str]:
    """The address of a cluster of so many nodes of one core each."""
    memory = {"object_store_memory": 2**30}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, **memory)
        yield cluster.address
    finally:
        cluster.shutdown()


def fit(dataset: Dataset, factors: int, sweeps: int, workers: Workers) -> FactorModel:
    settings = FactorSettings(sweeps=sweeps, tolerance=0.0)
    draws = torch.Generator().manual_seed(0)
    return estimate(dataset, dataset.log, factors, "identity", 0.0, settings, draws, CPU, workers=workers)[0]


def fits(size: Size, factors: int, sweeps: int) -> dict[int, Spent]:
    """By the number of nodes; 0 is this process alone."""
    dataset = loaded_of(size, model_of(size)).dataset
    counts = np.bincount(dataset.log.users)
    parts = len(cuts_of(counts[counts > 0], size.items).users) + 1
    started = Clock.now()
    alone = fit(dataset, factors, sweeps, HERE).tensors()
    spent = {0: started.spent(parts)}
    for nodes in NODES:
        with cluster_of(nodes) as address, connected(address):
            workers = RayWorkers()
            fit(dataset, factors, 1, workers)  # starts the processes
            started = Clock.now()
            spread = fit(dataset, factors, sweeps, workers).tensors()
            spent[nodes] = started.spent(parts)
        assert all(torch.equal(tensor, spread[name]) for name, tensor in alone.items())
    return spent


def lists(size: Size, folder: Path) -> dict[int, Spent]:
    """By the number of nodes; 0 is this process alone."""
    if not (folder / "run").is_file():
        train(folder, size)
    asked = Asked(Path((folder / "run").read_text()))
    started = Clock.now()
    write_all(Recommender.load(asked.run), folder / "alone.parquet", asked.count)
    spent = {0: started.spent(1)}
    alone = pl.read_parquet(folder / "alone.parquet")
    for nodes in NODES:
        output = folder / f"lists-{nodes}"
        shutil.rmtree(output, ignore_errors=True)
        with cluster_of(nodes) as address:
            started = Clock.now()
            write_all_on(address, asked, output)
            seconds = started.spent(len(list(output.iterdir())))
        assert pl.read_parquet(output).equals(alone)
        spent[nodes] = replace(seconds, there=spent[0].here)  # processes that ended took the rest with them
    return spent


def epoch_of(specified: SpecifiedRun, model: FactorModel, groups: int, workers: Workers) -> Learner:
    """The learner of a run after an epoch that starts the processes."""
    config, dataset = specified.config, specified.dataset
    learned_in = method_of(config).learning_world(config, ways_of(config), dataset, None, model, CPU)
    learner = learner_of(config, dataset, model, learned_in, CPU)
    divide_rollouts(learner, groups, workers)
    learner.epoch(config.training.environments, 1, torch_generator(0, "warm-up"))
    return learner


def epochs(size: Size) -> dict[int, Spent]:
    """By the number of nodes; 0 is this process alone."""
    model = model_of(size)
    specified = SpecifiedRun.of(settings_of(size), loaded_of(size, model))
    training = specified.config.training
    spent: dict[int, Spent] = {}
    states: list[Mapping[str, torch.Tensor]] = []

    def measure(nodes: int, workers: Workers) -> None:
        learner = epoch_of(specified, model, training.groups, workers)
        started = Clock.now()
        log = learner.epoch(training.environments, training.steps_per_epoch, torch_generator(0, "epoch"))
        spent[nodes] = started.spent(training.groups)
        told = {name: f"{value:.1f}" for name, value in log.metrics().items() if name.startswith("seconds/")}
        print(f"  {nodes} nodes, {log.steps:,} steps: {told}")
        states.append(learner.tensors())

    measure(0, HERE)
    for nodes in NODES:
        with cluster_of(nodes) as address, connected(address):
            measure(nodes, RayWorkers())
    assert all(torch.equal(tensor, state[name]) for state in states for name, tensor in states[0].items())
    return spent


def tell(name: str, spent: dict[int, Spent]) -> None:
    one, two = (spent[nodes] for nodes in NODES)
    print(f"{name}, {two.parts} parts")
    for nodes, own in spent.items():
        place = f"{nodes} nodes" if nodes else "this process"
        seconds = f"{own.here:6.1f} s here, {own.there:6.1f} s there, {own.ray:6.1f} s of Ray's own"
        print(f"  {place:>12}: {own.wall:6.1f} s, CPU {seconds}; load {own.load:.1f}")
    share = two.here / (two.here + two.there + two.ray)
    rounds = math.ceil(two.parts / 2) / two.parts  # of two nodes, the one with more parts
    free = (one.here + one.there + one.ray) / (two.here + (two.there + two.ray) * rounds)
    print(
        f"  two nodes against one: {one.wall / two.wall:.2f} by the wall; {100 * share:.1f}% of the CPU seconds are not spread,"
    )
    print(f"  which gives {free:.2f} on two free cores if nothing overlaps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phases", nargs="*", default=["fit", "lists"], help="some of fit, lists and epoch")
    parser.add_argument("--users", type=int, default=400_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--factors", type=int, default=8)
    parser.add_argument("--sweeps", type=int, default=25)
    parser.add_argument("--settings", type=json.loads, default={}, help="further settings of the epoch, as JSON")
    parser.add_argument("--folder", type=Path, help="where the run that makes lists is kept; a temporary one without")
    options = parser.parse_args()
    torch.set_num_threads(1)
    short = {
        "training": {"epochs": 1, "steps_per_epoch": 2_000, "environments": 100},
        "evaluation": {"episodes": 100, "opponents": ["popular"]},
    }
    size = Size(options.users, options.items, options.rows, short, options.users)
    if "fit" in options.phases:
        tell("fit", fits(size, options.factors, options.sweeps))
    if "epoch" in options.phases:
        tell("epoch", epochs(replace(size, settings=merge(EPOCH, options.settings))))
    if "lists" in options.phases:
        with tempfile.TemporaryDirectory() as scratch:
            tell("lists", lists(size, options.folder or Path(scratch)))


if __name__ == "__main__":
    main()
