"""Ranking of held-out *log* rows by losses, sizes and penalties of the world model: `python -m benchmarks.world_model
--data-dir D`.

The defaults were chosen by these results. The truth is opened for the last column alone, and only with `--truth`: the
return of the model's greedy list over 30 steps.
"""

import argparse
import time
from dataclasses import replace
from math import nan
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.factors import GENERATED, generated
from darlr.agents.static.scorers import EstimateScorer
from darlr.config.experiment import ExperimentConfig
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.resolution import resolve
from darlr.run.worlds import true_world
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.settings import WorldModelConfig

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "before": {
        "hidden_sizes": (128, 128),
        "learning_rate": 1e-3,
        "schedule": "constant",
        "weight_decay": 2e-2,
        "max_epochs": 100,
    },
    "loss=negatives": {"loss": "negatives"},
    "error=squared": {"error": "squared"},
    "error=squared, members=1": {"error": "squared", "members": 1},
    "members=1": {"members": 1},
    "embedding_size=8": {"embedding_size": 8},
    "embedding_size=32": {"embedding_size": 32},
    "hidden_sizes=128,128": {"hidden_sizes": (128, 128)},
    "hidden_sizes=256,256": {"hidden_sizes": (256, 256)},
    "weight_decay=0": {"weight_decay": 0.0},
    "weight_decay=0.005": {"weight_decay": 0.005},
    "weight_decay=0.02": {"weight_decay": 0.02},
    "batch_size=1024": {"batch_size": 1024},
    "table_updates=batch": {"table_updates": "batch"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="coat")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), help=f"some of {', '.join(VARIANTS)}")
    parser.add_argument("--truth", action="store_true", help="also print the greedy list's true return")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.dataset in GENERATED:
        loaded = LoadedDataset(generated(*GENERATED[options.dataset]), None)
    else:
        loaded = load(ExperimentConfig(dataset=options.dataset), options.data_dir)
    config = resolve({"method": "mbpo"} | ({} if options.dataset in GENERATED else {"dataset": options.dataset}), loaded)
    dataset, device = loaded.dataset, torch.device("cpu")
    print(f"{'variant':24} {'ranking':>8} {'loss':>8} {'seconds':>8} {'epochs':>7} {'greedy':>8}")
    for name in options.variants:
        settings = replace(WorldModelConfig(), **VARIANTS[name])
        reports, seconds, returns = [], [], []
        for seed in range(options.seeds):
            started = time.process_time()
            model, report = fit_world_model(dataset, settings, seed, device)
            seconds.append(time.process_time() - started)
            reports.append(report)
            if options.truth and loaded.truth is not None:
                estimates = Predicted.of(model, dataset.world.users, dataset.world.items, device).rewards
                world = true_world(config, dataset, loaded.truth, dataset.world.items, device)
                returns.append(world.measure("nx_0", world.every_user, EstimateScorer(estimates), None)["r_tra"] or 0.0)
        print(
            f"{name:24} {mean(nan if report.held_out_ranking is None else report.held_out_ranking for report in reports):8.4f} "
            f"{mean(report.held_out_loss or nan for report in reports):8.4f} {mean(seconds):8.1f} "
            f"{mean(report.epochs for report in reports):7.1f} {f'{mean(returns):8.2f}' if returns else '       -'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
