"""The savings of a warm start: `python -m benchmarks.warm_start`, on a built-in world of 400 users and 300 items.

Yesterday's log lacks a tenth of the users, of the items, and of the remaining rows. A tenth of the pairs is held out of
both logs (`evaluation.split: pair`), so neither fit nor run has seen the judging rows; the truth is not used.

- factors: seconds and sweeps of the fit, and the share of users' held-out pairs in the right order. Size and link are
  either chosen anew, or kept, or kept with a start from yesterday's posteriors.
- DeepFM: the same ranking and seconds, for the default number of epochs and for fewer, from scratch and with a warm start.
- policies: the return in each run's own simulator after every epoch, from scratch and with a warm start.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from darlr.artifacts import RunFolder
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.log import InteractionLog
from darlr.data.names import Names, Places
from darlr.data.readers.synthetic import generate
from darlr.data.source import LoadedDataset
from darlr.evaluation.summary import CHOOSING_METRIC
from darlr.methods.experiment import experiment_config
from darlr.run.specification import rows_of
from darlr.run.training import train_on
from darlr.run.warm_start import WarmStart
from darlr.seeding import torch_generator
from darlr.testing.monitors import Silent
from darlr.world.world import World
from darlr.world_model.continuing import Former
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.fitting import fit_world_model, resolve_fit
from darlr.world_model.model import WorldModel
from darlr.world_model.ranking import pairwise_accuracy

CPU = torch.device("cpu")
EVALUATION: Mapping[str, Any] = {"split": "pair"}


def logs(seed: int) -> tuple[LoadedDataset, LoadedDataset]:
    """Yesterday's data and today's, without the truth."""
    config = experiment_config({"synthetic": {"users": 400, "items": 300, "seed": seed}})
    today = replace(generate(config.synthetic), truth=None)
    random = np.random.default_rng(seed)
    log = today.dataset.log
    users, items = (np.sort(random.permutation(n)[: round(0.9 * n)]) for n in (log.n_users, log.n_items))
    rows = np.isin(log.users, users) & np.isin(log.items, items) & (random.random(len(log)) < 0.9)
    kept = log.rows(rows)
    dataset = today.dataset
    smaller = replace(
        dataset,
        log=replace(
            kept,
            users=np.searchsorted(users, kept.users).astype(np.int32),
            items=np.searchsorted(items, kept.items).astype(np.int32),
            user_ids=log.user_ids[users],
            item_ids=log.item_ids[items],
        ),
        items=ItemCatalog(
            dataset.items.categories[items],
            dataset.items.category_names,
            _rows(dataset.items.features, items),
            dataset.items.untagged_alike,
        ),
        user_features=_rows(dataset.user_features, users),
        world=World(np.arange(len(users)), np.arange(len(items))),
        hashes={"yesterday": str(seed)},
    )
    whole = replace(dataset, world=World(np.arange(log.n_users), np.arange(log.n_items)), hashes={"today": str(seed)})
    return replace(today, dataset=smaller), replace(today, dataset=whole)


def _rows(features: Features, chosen: np.ndarray[Any, np.dtype[np.int64]]) -> Features:
    return replace(features, codes=features.codes[chosen], numeric=features.numeric[chosen])


def ranking(model: WorldModel, judging: InteractionLog) -> float:
    """Return the share of users' pairs of held-out rows in the right order."""
    users, items = (torch.from_numpy(ids.astype(np.int64)) for ids in (judging.users, judging.items))
    table, _ = model.predict(torch.arange(judging.n_users), torch.arange(judging.n_items))
    return pairwise_accuracy(judging.users, judging.rewards, table[users, items].numpy(), np.random.default_rng(0))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of `work`, and its CPU seconds."""
    started = time.process_time()
    return work(), time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parts", nargs="+", default=["factors", "deepfm", "bayes-adaptive", "dorl"])
    parser.add_argument("--epochs", type=int, default=5, help="of learning a policy")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    yesterday, today = logs(arguments.seed)
    for part in arguments.parts:
        if part == "factors":
            factors(yesterday, today, arguments.seed)
        elif part == "deepfm":
            deepfm(yesterday, today, arguments.seed)
        else:
            policy(part, yesterday, today, arguments.seed, arguments.epochs)


def _learned(loaded: LoadedDataset, seed: int) -> tuple[Any, InteractionLog]:
    judging = experiment_config({"evaluation": EVALUATION}).evaluation
    learned, held_out = rows_of(loaded, judging, seed)
    assert held_out is not None
    return replace(loaded.dataset, log=learned), held_out


def factors(yesterday: LoadedDataset, today: LoadedDataset, seed: int) -> None:
    before, _ = _learned(yesterday, seed)
    now, judging = _learned(today, seed)

    def fit(dataset: Any, settings: FactorSettings, former: Former | None = None) -> Any:
        return fit_factors(dataset, settings, torch_generator(seed, "world_model", "factors"), CPU, former=former)

    old, old_report = fit(before, FactorSettings())
    kept = {"size": old_report.size, "link": old_report.link, "activity_exponent": old_report.activity_exponent}
    former = Former(old, kept, Places.of(Names.of(now), Names.of(before)))
    print(f"factors of size {old_report.size}, link {old_report.link}")
    for name, settings, start in (
        ("chosen anew", FactorSettings(), None),
        ("kept, from the start", FactorSettings(**kept), None),
        ("warm", FactorSettings(), former),
    ):
        (model, report), seconds = timed(partial(fit, now, settings, start))
        right = ranking(model, judging)
        sweeps, bound = len(report.objective), report.objective[-1]
        print(f"  {name}: {seconds:.2f} s, {sweeps} sweeps, ranking {right:.4f}, objective {bound:.4f}", flush=True)


def deepfm(yesterday: LoadedDataset, today: LoadedDataset, seed: int) -> None:
    before, _ = _learned(yesterday, seed)
    now, judging = _learned(today, seed)
    config = experiment_config({}).world_model
    old, report = fit_world_model(before, config, seed, CPU)
    former = Former(old, {}, Places.of(Names.of(now), Names.of(before)))
    most = resolve_fit(config, now).max_epochs
    print(f"DeepFM, {most} epochs by default")
    for epochs in dict.fromkeys([most, max(1, most // 2), max(1, most // 4), 1]):
        for name, start in (("from the start", None), ("warm", former)):
            shorter = replace(config, max_epochs=epochs)
            (model, report), seconds = timed(partial(fit_world_model, now, shorter, seed, CPU, former=start))
            print(
                f"  {epochs} epochs {name}: {seconds:.1f} s, ranking {ranking(model, judging):.4f}, kept {report.best_epochs}",
                flush=True,
            )


def policy(method: str, yesterday: LoadedDataset, today: LoadedDataset, seed: int, epochs: int) -> None:
    values = {
        "method": method,
        "seed": seed,
        "dataset": "frames:benchmark",
        "evaluation": EVALUATION,
        "world_model": {"kind": "factors"},
        "training": {"epochs": epochs, "steps_per_epoch": 5_000},
    }
    with TemporaryDirectory() as folder:
        old = train_on(yesterday, values, Path(folder), CPU, Silent())
        start = WarmStart.of(old.path, CPU)
        warm_values = start.defaults({"dataset": "frames:benchmark"}, None)
        warm = train_on(today, warm_values, Path(folder), CPU, Silent(), warm_start=start)
        fresh = train_on(today, values, Path(folder) / "fresh", CPU, Silent())
        for name, run in (("yesterday", old), ("today, from the start", fresh), ("today, warm", warm)):
            print(f"{method}, {name}: {_curve(run.path)}", flush=True)


def _curve(run: Path) -> Sequence[float]:
    return [round(record[CHOOSING_METRIC], 2) for record in RunFolder.open(run).metrics()]


if __name__ == "__main__":
    main()
