"""The cost of candidates where all items could be scored: `python -m benchmarks.candidates`.

Each method learns on each world with the numbers of candidates that are given, 0 for all items, and several seeds. A line
has means over the seeds of the last policy's return in the simulator, and of every user's NX_0 in the true world, sampled
and greedy. CPU seconds are those of learning and tests, without the fit of the world model.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from darlr.config.loading import merge
from darlr.run.training import train
from darlr.testing.monitors import Silent

SCHEDULE = {
    "training": {"epochs": 15, "steps_per_epoch": 20_000},
    "evaluation": {"noise": 0.0, "opponents": ["popular"]},
}


def measure(world: str, method: str, count: int, seed: int, data_dir: Path | None, out: Path) -> dict[str, float]:
    """Train one policy, and return its returns and CPU seconds."""
    values: dict[str, Any] = {"dataset": world, "method": method, "seed": seed, "policy": {"candidates": count or None}}
    started = time.process_time()
    summary = train(merge(SCHEDULE, values), data_dir, out, torch.device("cpu"), Silent()).summary
    return {
        "simulator": summary["simulator"]["sampled"]["r_tra"]["last20"]["mean"],
        "sampled": summary["every_user_sampled"]["nx_0"]["r_tra"],
        "greedy": summary["every_user"]["nx_0"]["r_tra"],
        "CPU seconds": time.process_time() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", default=["coat", "synthetic"])
    parser.add_argument("--methods", nargs="+", default=["mopo", "darlr"])
    parser.add_argument("--counts", nargs="+", type=int, default=[0, 100, 50, 30])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, help="where runs are kept; a temporary folder without")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch)
        for world in options.worlds:
            for method in options.methods:
                for count in options.counts:
                    found = [measure(world, method, count, seed, options.data_dir, out) for seed in options.seeds]
                    means = {name: fmean(each[name] for each in found) for name in found[0]}
                    print(world, method, count or "all", *(f"{name} {mean:.2f}" for name, mean in means.items()), flush=True)


if __name__ == "__main__":
    main()
