"""The cost and the value of each supervised opponent, on data sets of every size (docs/methods/supervised.md).

    python -m benchmarks.supervised coat kuairec-rewatched synthetic --data-dir DIR [--only sasrec gru4rec]

CPU seconds of this process, one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import SkippingScorer
from darlr.agents.supervised.supervised import Played, Supervised
from darlr.data.registry import load
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.supervised import SUPERVISED
from darlr.methods.experiment import experiment_config
from darlr.methods.world import world_membership
from darlr.run.specification import SpecifiedRun
from darlr.run.worlds import true_world

CPU = torch.device("cpu")


def main() -> None:
    """Print a row for each data set and opponent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(SUPERVISED), default=list(SUPERVISED))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| data set | opponent | fit, s | test, s | NX_0, greedy | skipping |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.datasets:
        for opponent in options.only:
            print(f"| {name} | {opponent} | {_row(name, options.data_dir, SUPERVISED[opponent])} |", flush=True)


def _row(name: str, data_dir: Path | None, kind: Supervised) -> str:
    values = {"dataset": name, "method": "mbpo"}
    specified = SpecifiedRun.of(values, loaded := load(experiment_config(values), data_dir))
    config, dataset = specified.config, specified.dataset
    if loaded.truth is None:
        raise SystemExit(f"{name}: has no truth to test in")
    world = true_world(config, dataset, loaded.truth, dataset.world.items, CPU)
    started = time.process_time()
    learned = kind.fit(dataset, np.random.default_rng(0))
    fitted = time.process_time()
    scorer = kind.scorer(learned, Played(dataset, (world.rewards.low, world.rewards.high), CPU))
    plain = _returned(world, scorer)
    tested = time.process_time()
    skipped = ""
    if config.leave.by == "category":
        membership = world_membership(dataset, dataset.world.items, CPU)
        skipped = _returned(world, SkippingScorer(scorer, membership, config.leave.window))
    return f"{fitted - started:.1f} | {tested - fitted:.1f} | {plain} | {skipped}"


def _returned(world: EvaluationWorld, scorer: Scorer) -> str:
    return f"{world.measure('nx_0', world.every_user, scorer, None)['r_tra']:.2f}"


if __name__ == "__main__":
    main()
