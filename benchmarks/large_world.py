"""Time and memory of a method, by default `bayes-adaptive`, in a large world: `python -m benchmarks.large_world`.

By default it has a million users, 100,000 items and 20 million rows. The factor model has random posteriors instead of
fitted ones. Items have one of 50 categories, and a popularity that follows a power law; users leave over categories. The
phases are an epoch of learning with its tests and its final judgement, a second judgement by held-out rows, and lists for
users of the log, written to Parquet. The phase `epoch`, which has to be asked for, is an epoch of learning alone. Each phase
runs in its own process on one thread, to measure its own peak memory. CPU seconds depend less than wall seconds on other
work on the machine. Other methods are measured with `--settings '{"method": "mopo", "world_model": {"kind": "factors"}}'`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import torch

from darlr.artifacts import RunFolder
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.source import LoadedDataset
from darlr.run.choosing import method_of, ways_of
from darlr.run.evaluating import OpenedRun, judge_opened
from darlr.run.learners import learner_of
from darlr.run.specification import SpecifiedRun
from darlr.run.training import train_on
from darlr.run.world_models import save_world_model
from darlr.seeding import torch_generator
from darlr.serving.batch import write_all
from darlr.serving.recommender import Recommender
from darlr.testing.monitors import Silent
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from darlr.world_model.factors.model import FactorModel, Population
from darlr.world_model.factors.responses import ResponseScale
from darlr.world_model.model import Scale

CATEGORIES, FACTORS, ROWS_AT_ONCE = 50, 8, 5_000_000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Size:
    """The size of the world and its log, changes of settings, and the number of users for whom lists are written."""

    users: int
    items: int
    rows: int
    settings: Mapping[str, Any]
    served: int


def model_of(size: Size) -> FactorModel:
    """Make random posteriors; rewards lie between 1 and 5."""
    generator = torch.Generator().manual_seed(0)

    def population(n: int, spread: float, uncertain: float) -> Population:
        d = FACTORS + 1
        return Population(
            means=torch.randn(n, d, generator=generator) * spread,
            covariances=(uncertain * torch.eye(d)).repeat(n, 1, 1),
            centre=torch.zeros(d, dtype=torch.float64),
            weights=torch.zeros(0, d, dtype=torch.float64),
            prior=torch.eye(d, dtype=torch.float64),
            of_code=torch.zeros(0, dtype=torch.int64),
            column_means=torch.zeros(0, dtype=torch.float64),
        )

    shares = 1 / torch.arange(1.0, size.items + 1)
    scale = ResponseScale("identity", 1.0, 5.0, 1.0, 3.0, 1.0)
    return FactorModel(population(size.users, 1.0, 0.3), population(size.items, 0.3, 0.02), 0.5, scale, Scale(3.0, 1.0), shares)


def loaded_of(size: Size, model: FactorModel) -> LoadedDataset:
    """Make a log of users with power-law activity and items with power-law popularity, with ratings from the model."""
    random = np.random.default_rng(0)
    log = np.empty(size.rows, np.int32), np.empty(size.rows, np.int32), np.empty(size.rows, np.float32)
    for first in range(0, size.rows, ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, size.rows))
        users, items = (
            (n * random.random(rows.stop - first, np.float32) ** 2).astype(np.int32).clip(max=n - 1)
            for n in (size.users, size.items)
        )
        y = model.responses.expected(torch.from_numpy(users).long(), torch.from_numpy(items).long()).numpy()
        noisy = y + random.standard_normal(len(y), np.float32) * np.float32(model.responses.log_noise**0.5)
        log[0][rows], log[1][rows], log[2][rows] = users, items, (3 + noisy).clip(1.0, 5.0)
    codes = random.integers(0, CATEGORIES, (size.items, 1)).astype(np.int32)
    catalog = ItemCatalog(codes, tuple(f"c{code}" for code in range(CATEGORIES)), Features.none(size.items))
    dataset = Dataset(
        name="large",
        log=InteractionLog(*log, None, np.arange(size.users), np.arange(size.items), (1.0, 5.0), positive_threshold=4.0),
        items=catalog,
        user_features=Features.none(size.users),
        world=World(np.arange(size.users), np.arange(size.items)),
        leave=LeaveConfig(by="category", window=4, tolerance=0, max_steps=30),
        hashes={"generated": f"{size.users}x{size.items}x{size.rows}"},
    )
    return LoadedDataset(dataset, None)


def settings_of(size: Size) -> dict[str, Any]:
    training = {"epochs": 1, "steps_per_epoch": 60_000, "environments": 200}
    return {"dataset": "large", "method": "bayes-adaptive", "training": training, **size.settings}


def train(folder: Path, size: Size) -> dict[str, float]:
    model = model_of(size)
    loaded, values = loaded_of(size, model), settings_of(size)
    report = {"selection": {"exponent": 0.0, "reason": "generated"}, "activity_exponent": 0.0, "held_out_ranking": None}
    save_world_model(SpecifiedRun.of(values, loaded).world_model_path(folder), "factors", model, report)
    del model
    finished = train_on(loaded, values, folder, CPU, Silent())
    (folder / "run").write_text(str(finished.path))
    [record] = RunFolder.open(finished.path).metrics()
    learning = record["seconds/sampling"] + record["seconds/learning"]
    return {"steps/s": record["train/steps"] / learning, "testing": record["seconds/testing"]}


def epoch(folder: Path, size: Size) -> dict[str, float]:
    model = model_of(size)
    loaded = loaded_of(size, model)
    config = SpecifiedRun.of(settings_of(size), loaded).config
    method, ways, dataset = method_of(config), ways_of(config), loaded.dataset
    started = time.process_time()
    learned_in = method.learning_world(config, ways, dataset, None, model, CPU)
    learner = learner_of(config, dataset, model, learned_in, CPU)
    built = time.process_time()
    log = learner.epoch(config.training.environments, config.training.steps_per_epoch, torch_generator(0, "epoch"))
    learning = time.process_time() - built
    metrics = log.metrics()
    return {
        "building": built - started,
        "learning": learning,
        "steps/CPU s": log.steps / learning,
        "length x 100": 100 * metrics["train/length"],
        "return x 100": 100 * metrics["train/r_tra"],
    }


def evaluate(folder: Path, size: Size) -> dict[str, float]:
    run, loaded = Path((folder / "run").read_text()), loaded_of(size, model_of(size))
    started = time.process_time()
    judge_opened(OpenedRun.of(run, None, CPU, loaded), None, 0)
    return {"judging": time.process_time() - started}


def recommend(folder: Path, size: Size) -> dict[str, float]:
    recommender = Recommender.load(Path((folder / "run").read_text()))
    started, done = time.process_time(), 0

    def told(users: int) -> None:
        nonlocal done
        done += users
        if done >= size.served:
            raise StopIteration

    try:
        write_all(recommender, folder / "lists.parquet", 10, told=told)
    except Exception:  # the engine that writes has its own error around what stopped it
        if done < size.served:
            raise
    return {"users/s": done / (time.process_time() - started)}


PHASES: dict[str, Callable[[Path, Size], dict[str, float]]] = {"train": train, "evaluate": evaluate, "recommend": recommend}
LEARNING: dict[str, Callable[[Path, Size], dict[str, float]]] = {"epoch": epoch}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "phases", nargs="*", default=list(PHASES), help=f"some of {', '.join([*PHASES, *LEARNING])}; train comes first"
    )
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--settings", type=json.loads, default={}, help="further settings, as JSON")
    parser.add_argument("--served", type=int, default=20_000, help="users whose lists are written")
    parser.add_argument("--folder", type=Path, help="where results are kept; a temporary one without")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = Size(options.users, options.items, options.rows, options.settings, options.served)
    if options.child:
        torch.set_num_threads(1)
        started = time.process_time()
        found = (PHASES | LEARNING)[options.phases[0]](options.folder, size)
        memory = getrusage(RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"CPU seconds": time.process_time() - started, "MiB": memory, **found}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        for name in options.phases:
            child = [sys.executable, "-m", "benchmarks.large_world", name, "--child", "--folder", str(folder)]
            child += ["--settings", json.dumps(options.settings)]
            for option in ("users", "items", "rows", "served"):
                child += [f"--{option}", str(getattr(options, option))]
            printed = subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True).stdout
            found = json.loads(printed.splitlines()[-1])
            print(f"{name:10}", *(f"{key} {value:,.0f}" for key, value in found.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main()
