"""Seconds, memory and held-out ranking of the factor model, on one thread: `python -m benchmarks.factors coat --data-dir D`.

`ratings` and `kuairec-size` are generated logs: 312,000 ratings by 15,400 users of 1,000 items, and 12.5 million rows by
7,176 users of 10,728 items. The truth is opened for the last line alone, and only with `--truth`. That line is the return
of the estimates' greedy list over all users (NX_0); the list skips items that share a category with one of the last N.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.config.experiment import ExperimentConfig
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.methods.world import world_membership
from darlr.run.resolution import resolve
from darlr.run.worlds import true_world
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from darlr.world_model.factors.choosing import FactorReport, fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.settings import FactorSettings

GENERATED = {"ratings": (312_000, 15_400, 1_000), "kuairec-size": (12_500_000, 7_176, 10_728)}
FACTORS = 6
NOISE = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", help=f"data sets, or some of {', '.join(GENERATED)}")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, help="default: chosen on held-out rows")
    parser.add_argument("--link", default="auto")
    parser.add_argument("--activity-exponent", type=float)
    parser.add_argument("--selection-exponent", type=float)
    parser.add_argument("--truth", action="store_true", help="also print the true return of the estimates' list")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = FactorSettings(options.size, options.link, options.activity_exponent)
    for name in options.datasets:
        if name in GENERATED:
            loaded = LoadedDataset(generated(*GENERATED[name]), None)
        else:
            loaded = load(ExperimentConfig(dataset=name), options.data_dir)
        for seed in range(options.seeds):
            started, processed = time.perf_counter(), time.process_time()
            model, report = fit_factors(
                loaded.dataset,
                settings,
                torch_generator(seed, "world_model", "factors"),
                torch.device(options.device),
                options.selection_exponent,
            )
            seconds, worked = time.perf_counter() - started, time.process_time() - processed
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(f"{name} seed {seed}: {seconds:.1f} s ({worked:.1f} s of the processor), peak {peak:.2f} GiB", flush=True)
            print(f"  {describe(report)}", flush=True)
            if options.truth and loaded.truth is not None:
                print(f"  NX_0 of the list: {true_return(name, loaded, model):.2f}", flush=True)


def describe(report: FactorReport) -> str:
    """Return one line about the choices of the fit."""
    trials = ", ".join(
        f"{trial.size} {trial.link} {'-' if trial.ranking is None else f'{trial.ranking:.4f}'}" for trial in report.trials
    )
    weights = ", ".join(f"{trial.exponent:g}: {trial.likelihood:.4f}" for trial in report.weightings)
    return (
        f"size {report.size}, link {report.link}, noise {report.noise:.3f}, sweeps {len(report.objective)}, tried [{trials}], "
        f"activity exponent {report.activity_exponent:g} [{weights}], eta {report.selection.exponent:.4f} "
        f"({report.selection.source}: {report.selection.reason})"
    )


def true_return(name: str, loaded: LoadedDataset, model: FactorModel) -> float:
    """Return NX_0 of the greedy list of the estimates, which skips similar items, over all users of the truth."""
    assert loaded.truth is not None
    dataset, device = loaded.dataset, torch.device("cpu")
    config = resolve({"dataset": name, "method": "mbpo"}, loaded)
    users, items = (torch.from_numpy(indices) for indices in (loaded.truth.world.users, dataset.world.items))
    world = true_world(config, dataset, loaded.truth, dataset.world.items, device)
    scorer: Scorer = TableScorer(model.predict(users, items)[0])
    if dataset.leave.by == "category":
        scorer = SkippingScorer(scorer, world_membership(dataset, dataset.world.items, device), dataset.leave.window)
    return world.measure("nx_0", world.every_user, scorer, None)["r_tra"] or 0.0


def generated(rows: int, users: int, items: int) -> Dataset:
    """Ratings of 1 to 5 with planted factors, of users of uneven activity and items of uneven popularity."""
    random = numpy_generator(0, "benchmark", "factors")
    tastes, traits = random.standard_normal((users, FACTORS)), random.standard_normal((items, FACTORS)) / FACTORS**0.5
    mood, quality = 0.4 * random.standard_normal(users), 0.5 * random.standard_normal(items)
    activity, popularity = np.exp(0.8 * random.standard_normal(users)), np.exp(random.standard_normal(items))
    rater = random.choice(users, rows, p=activity / activity.sum()).astype(np.int32)
    rated = random.choice(items, rows, p=popularity / popularity.sum()).astype(np.int32)
    rewards = np.empty(rows, np.float32)
    for start in range(0, rows, 1_000_000):
        block = slice(start, start + 1_000_000)
        u, i = rater[block], rated[block]
        mean = 3 + mood[u] + quality[i] + 0.6 * (tastes[u] * traits[i]).sum(axis=1)
        rewards[block] = np.clip(np.rint(mean + NOISE * random.standard_normal(len(u))), 1, 5)
    log = InteractionLog(rater, rated, rewards, None, np.arange(users), np.arange(items), (1.0, 5.0))
    catalog = ItemCatalog(np.full((items, 0), -1, np.int32), (), Features.none(items))
    served = World(np.sort(random.choice(users, min(users, 2_000), replace=False)), np.arange(items))
    return Dataset("generated", log, catalog, Features.none(users), served, LeaveConfig(by="never"), {})


if __name__ == "__main__":
    main()
