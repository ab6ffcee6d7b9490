"""Costs and benefits of the law of selection: `python -m benchmarks.selection --data-dir D`.

Every world has `--seeds` logs. There are `synthetic` ones (400 users, 300 items) whose names say how items are selected,
Coat's own log, and logs that Coat's users would make if they chose freely. A log is fitted once. Then eta is 0, or comes
from the log, or from ratings of randomly shown items (300; for Coat's own log a tenth of the test ratings). For each eta
there are three returns: of the greedy list of the estimates, of the list with belief, and of bayes-adaptive after its last
epoch (with `--learn`). All are greedy NX_0 over every user; lists skip items that share a category with one of the last N.
The truth makes the logs and judges.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darlr.agents.acting import Scorer
from darlr.agents.believing.belief import BelievedList
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.settings import BeliefConfig
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.data.log import InteractionLog
from darlr.data.readers.synthetic import generate
from darlr.data.registry import load
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.statistics import paired_difference
from darlr.methods.experiment import experiment_config
from darlr.methods.parts import LearnerParts, PolicyParts
from darlr.methods.world import world_membership
from darlr.run.choosing import method_of, ways_of
from darlr.run.resolution import resolve
from darlr.run.worlds import lookback_of, true_world
from darlr.seeding import numpy_generator, torch_generator
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.selection import from_log, from_randomised
from darlr.world_model.factors.settings import FactorSettings

USERS, ITEMS, RANDOMISED = 400, 300, 300
ROWS_OF_USER, UNEVEN = 24, 0.5
"""Median rows of a user of Coat who chooses freely, and the standard deviation of their logarithm."""

CPU = torch.device("cpu")
LAWS = ("0", "log", "randomised")


def synthetic(seed: int, selection: str, strength: float) -> LoadedDataset:
    """Make a small built-in world."""
    config = experiment_config(
        {
            "synthetic": {
                "users": USERS,
                "items": ITEMS,
                "seed": seed,
                "selection": selection,
                "selection_strength": strength,
                "randomised": RANDOMISED,
            }
        }
    )
    return generate(config.own(SyntheticConfig))


def coat(data_dir: Path | None) -> LoadedDataset:
    """Read Coat's own log, with a tenth of its test ratings."""
    return load(experiment_config({"dataset": "coat", "data": {"randomised": "tenth"}}), data_dir)


def freely_chosen(loaded: LoadedDataset, strength: float, seed: int) -> LoadedDataset:
    """Return the world of `loaded` with a log of users who rate items in proportion to exp(strength * truth / its
    deviation).
    """
    assert loaded.truth is not None
    truth, random = loaded.truth.rewards, numpy_generator(seed, "benchmark", "selection")
    rows = np.exp(np.log(ROWS_OF_USER) + UNEVEN * random.standard_normal(len(truth)))
    rows = np.clip(np.rint(rows), 4, truth.shape[1] // 2)
    order = np.argsort(-(strength * truth / truth.std() + random.gumbel(size=truth.shape)), axis=1)
    users, ranks = np.nonzero(np.arange(truth.shape[1]) < rows[:, None])
    log = _rated(loaded, users, order[users, ranks])
    shown = (random.integers(size, size=RANDOMISED) for size in truth.shape)
    return replace(loaded, dataset=replace(loaded.dataset, log=log, randomised=_rated(loaded, *shown)))


def _rated(loaded: LoadedDataset, users: np.ndarray, items: np.ndarray) -> InteractionLog:
    assert loaded.truth is not None
    rewards = loaded.truth.rewards[users, items]
    log = loaded.dataset.log
    return replace(log, users=users.astype(np.int32), items=items.astype(np.int32), rewards=rewards, times=None, likes=None)


def worlds(data_dir: Path | None) -> dict[str, Callable[[int], LoadedDataset]]:
    """Return functions that make the log of a seed, by the world's name."""

    def built_in(selection: str, strength: float) -> Callable[[int], LoadedDataset]:
        return lambda seed: synthetic(seed, selection, strength)

    def free(strength: float) -> Callable[[int], LoadedDataset]:
        return lambda seed: freely_chosen(coat(data_dir), strength, seed)

    return {
        "synthetic-forced": built_in("forced", 1.0),
        "synthetic-shown": built_in("shown", 1.0),
        "synthetic-shown-2": built_in("shown", 2.0),
        "synthetic-popularity": built_in("popularity", 1.0),
        **{f"synthetic-free-{strength:g}": built_in("free", strength) for strength in (1.0, 2.0, 4.0)},
        "coat": lambda seed: coat(data_dir),
        **{f"coat-free-{strength:g}": free(strength) for strength in (0.0, 1.0, 2.0, 4.0)},
    }


def compare(loaded: LoadedDataset, seed: int, learn: bool) -> dict[str, dict[str, float]]:
    """Return eta and returns by law, for one log."""
    dataset = loaded.dataset
    assert dataset.randomised is not None
    generator = torch_generator(seed, "world_model", "factors")
    model, _ = fit_factors(dataset, FactorSettings(), generator, CPU, selection_exponent=0.0)
    exponents = (0.0, from_log(model, dataset.log).exponent, from_randomised(model, dataset.randomised).exponent)
    found: dict[str, dict[str, float]] = {}
    known: dict[float, dict[str, float]] = {}  # the same eta gives the same returns
    for law, exponent in zip(LAWS, exponents, strict=True):
        if exponent not in known:
            known[exponent] = {"eta": exponent, **returns(loaded, model.with_selection(exponent), seed, learn)}
        found[law] = known[exponent]
    return found


def returns(loaded: LoadedDataset, model: FactorModel, seed: int, learn: bool) -> dict[str, float]:
    """Return NX_0 of the list, of the list with belief, and of bayes-adaptive."""
    dataset = loaded.dataset
    assert loaded.truth is not None
    config = resolve({"dataset": dataset.name, "method": "bayes-adaptive", "seed": seed}, loaded)
    world = true_world(config, dataset, loaded.truth, dataset.world.items, CPU)
    own = model.responses.of(torch.from_numpy(dataset.world.users), torch.from_numpy(dataset.world.items))
    table = own.intercepts + own.user_means @ own.loadings.T
    scorers: Mapping[str, Scorer] = {
        "list": TableScorer(table),
        "belief": BelievedList(FactorBelief(own, config.own(BeliefConfig).levels)),
    }
    if dataset.leave.by == "category":
        membership = world_membership(dataset, dataset.world.items, CPU)
        scorers = {name: SkippingScorer(scorer, membership, dataset.leave.window) for name, scorer in scorers.items()}
    found = {name: _return(world, scorer) for name, scorer in scorers.items()}
    return {**found, "learned": _return(world, learned(config, loaded, model))} if learn else found


def learned(config: Any, loaded: LoadedDataset, model: FactorModel) -> Scorer:
    """Return bayes-adaptive after its last epoch."""
    dataset, method, ways = loaded.dataset, method_of(config), ways_of(config)
    learned_in = method.learning_world(config, ways, dataset, None, model, CPU)
    world = dataset.world
    parts = PolicyParts(
        config, ways, model, world.users, world.items, learned_in.membership, learned_in.predicted, dataset.paid_range, CPU
    )
    learner = method.learner(
        LearnerParts(config, ways, dataset, model, learned_in, lookback_of(config), CPU), method.policy(parts)
    )
    for epoch in range(1, config.training.epochs + 1):
        generator = torch_generator(config.seed, "train", str(epoch))
        learner.epoch(config.training.environments, config.training.steps_per_epoch, generator)
    return learner.policy.scorer()


def _return(world: EvaluationWorld, scorer: Scorer) -> float:
    value = world.measure("nx_0", world.every_user, scorer, None)["r_tra"]
    assert value is not None
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="*", help=f"some of {', '.join(worlds(None))} (default: all)")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--learn", action="store_true", help="also train bayes-adaptive (some 8 s for each return)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = worlds(options.data_dir)
    policies = ("list", "belief", "learned") if options.learn else ("list", "belief")
    print(f"| world | eta log | eta randomised | {' | '.join(f'{policy} {law}' for policy in policies for law in LAWS)} |")
    for name in options.worlds or known:
        found = [compare(known[name](seed), seed, options.learn) for seed in range(options.seeds)]
        cells = [f"{np.mean([one[law]['eta'] for one in found]):.3f}" for law in LAWS[1:]]
        for policy in policies:
            without = [one["0"][policy] for one in found]
            cells.append(f"{np.mean(without):.2f}")
            for law in LAWS[1:]:
                gain = paired_difference([one[law][policy] for one in found], without)
                cells.append(f"{gain.mean:+.2f}" + ("" if gain.half_width is None else f" ± {gain.half_width:.2f}"))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
