"""Are the off-policy estimators right, and are their intervals? Logs of a known policy in a world whose values are known.

    python -m benchmarks.off_policy --rows 1000 10000 --logs 200
    python -m benchmarks.off_policy --rows 1000 --horizon 1 5 30 --logs 200
    python -m benchmarks.off_policy --million
    python -m benchmarks.off_policy --open-bandit FOLDER

Users have five traits; items pay 1 with a probability that is logistic in them. The logging policy and the judged policy are
softmaxes of other functions of the traits, so that the support is full and the weights are moderate. In sessions an item pays
less after another of its group. `bias`, `sd` and `RMSE` are over the logs, in percent of the value; `coverage` is the share of
logs whose 95% interval holds it. The model of the direct method is linear, and groups of items do not decide what they pay:
both assumptions are broken on purpose.

On Open Bandit's "men", the value of one policy is estimated from the other's log and stands beside the clicks of its own log.
How often the log of bts shows each item at each position is the policy that is judged on the random log.
"""

import argparse
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.data.log import InteractionLog
from darlr.data.registry import load
from darlr.errors import RunError
from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.off_policy.fqe import fqe
from darlr.evaluation.off_policy.intervals import bootstrap_by_user
from darlr.evaluation.off_policy.matching import Distributions, LoggedRows
from darlr.evaluation.off_policy.reward_model import cross_fitted, folds_of
from darlr.evaluation.off_policy.sequential import (
    independent_steps,
    per_decision_is,
    sequential_doubly_robust,
    weighted_is,
)
from darlr.evaluation.off_policy.terms import Floats, Terms
from darlr.methods.experiment import experiment_config

ITEMS, GROUPS, TRAITS = 30, 6, 5
FATIGUE = 1.0
"""By how much less an item appeals after another of its group."""

Draw = Callable[[np.random.Generator, int], tuple[dict[str, float], dict[str, tuple[float, float]]]]
"""(generator, size) -> the values and the intervals of one log."""


@dataclass(frozen=True)
class BenchmarkWorld:
    """Coefficients over a constant and the traits, (TRAITS + 1, ITEMS) each."""

    appeal: Floats
    logging: Floats
    judged: Floats

    @classmethod
    def of(cls, seed: int) -> "BenchmarkWorld":
        random = np.random.default_rng(seed)
        appeal, logging, other = random.normal(0, 0.4, (3, TRAITS + 1, ITEMS))
        return cls(appeal, logging, 0.5 * logging + 0.6 * appeal + 0.2 * other)

    def users(self, random: np.random.Generator, n: int) -> Floats:
        return np.concatenate([np.ones((n, 1)), random.normal(size=(n, TRAITS))], axis=1)

    def chances(self, users: Floats, last: NDArray[np.int64] | None = None) -> Floats:
        """(n, ITEMS) of a reward, after an item of the group `last` (n,), -1 at the start."""
        appeal = users @ self.appeal
        if last is not None:
            appeal = appeal - FATIGUE * (np.arange(ITEMS) % GROUPS == last[:, None])
        chances: Floats = 1 / (1 + np.exp(-appeal))
        return chances


def softmax(logits: Floats) -> Floats:
    shown = np.exp(logits - logits.max(axis=1, keepdims=True))
    even: Floats = shown / shown.sum(axis=1, keepdims=True)
    return even


def draw(random: np.random.Generator, probabilities: Floats) -> NDArray[np.int64]:
    items: NDArray[np.int64] = (probabilities.cumsum(axis=1) < random.random((len(probabilities), 1))).sum(axis=1)
    return items.clip(max=ITEMS - 1)


def logged_rows(world: BenchmarkWorld, random: np.random.Generator, n: int) -> tuple[LoggedRows, Floats]:
    """A log of n users, one recommendation each, and the users' traits."""
    users = world.users(random, n)
    shown = softmax(users @ world.logging)
    items = draw(random, shown)
    rewards = (random.random(n) < world.chances(users)[np.arange(n), items]).astype(np.float64)
    numbers = np.arange(n)
    folds = folds_of(numbers, random)
    models = cross_fitted(users, items, rewards, folds, ITEMS)

    def modelled(rows: NDArray[np.intp]) -> Floats:
        estimates = np.empty((len(rows), ITEMS))
        for fold, model in enumerate(models):
            own = folds[rows] == fold
            estimates[own] = model.rows(users[rows[own]])
        return estimates

    groups = np.eye(GROUPS)[np.arange(ITEMS) % GROUPS]
    behaviour = lambda rows: softmax(users[rows] @ world.logging)  # noqa: E731
    logged = LoggedRows(numbers, items, rewards, shown[numbers, items], modelled, behaviour, groups, np.ones(ITEMS, bool))
    return logged, users


def single_steps(world: BenchmarkWorld) -> tuple[float, Draw]:
    """The exact value, over a million users, and how a log is judged."""
    many = world.users(np.random.default_rng(99), 1_000_000)
    parts = [(softmax(part @ world.judged) * world.chances(part)).sum(axis=1) for part in np.array_split(many, 20)]

    def judged(random: np.random.Generator, n: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
        logged, users = logged_rows(world, random, n)
        decisions = logged.against(lambda rows: softmax(users[rows] @ world.judged), "judged")
        found = judge({"judged": decisions}, random).estimates["judged"]
        return {name: each.value for name, each in found.items()}, {name: (each.low, each.high) for name, each in found.items()}

    return float(np.concatenate(parts).mean()), judged


def play(
    world: BenchmarkWorld, random: np.random.Generator, n: int, horizon: int, policy: Floats
) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Users, items (n, T), rewards (n, T) and the group shown before (n, T) of n sessions."""
    users = world.users(random, n)
    shown = softmax(users @ policy)
    items, before = np.zeros((n, horizon), np.int64), np.full((n, horizon), -1)
    rewards = np.zeros((n, horizon))
    for step in range(horizon):
        if step:
            before[:, step] = items[:, step - 1] % GROUPS
        items[:, step] = draw(random, shown)
        chances = world.chances(users, before[:, step])
        rewards[:, step] = random.random(n) < chances[np.arange(n), items[:, step]]
    return users, items, rewards, before


def sessions(world: BenchmarkWorld, horizon: int) -> tuple[float, Draw]:
    """The value of a session of so many steps, by 200,000 of the judged policy's own, and how a log is judged."""
    own = np.random.default_rng(99)
    value = np.mean([play(world, own, 20_000, horizon, world.judged)[2].sum(axis=1).mean() for _ in range(10)])

    def judged(random: np.random.Generator, n: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
        users, items, rewards, before = play(world, random, n, horizon, world.logging)
        logging, policy = softmax(users @ world.logging), softmax(users @ world.judged)
        rows = np.arange(n)[:, None]
        ratios = policy[rows, items] / logging[rows, items]
        groups = np.eye(GROUPS)[np.arange(ITEMS) % GROUPS]
        traits = np.broadcast_to(users[:, None], (n, horizon, TRAITS + 1))
        tastes = users @ world.appeal  # stands for a world model's estimates, without the fatigue
        again = groups[items] * (before[..., None] == np.arange(GROUPS))
        expected_again = (policy @ groups)[:, None] * (before[..., None] == np.arange(GROUPS))
        mine = [traits, tastes[rows, items][..., None], groups[items], again]
        theirs = [
            traits,
            np.broadcast_to((policy * tastes).sum(axis=1)[:, None, None], (n, horizon, 1)),
            np.broadcast_to((policy @ groups)[:, None], (n, horizon, GROUPS)),
            expected_again,
        ]
        taken = np.ones((n, horizon), bool)
        folds = folds_of(np.arange(n), random)
        q, v = fqe(np.concatenate(mine, axis=2), np.concatenate(theirs, axis=2), rewards, taken, folds, 1.0)
        terms: Mapping[str, Terms] = {
            "per-decision IS": per_decision_is(rewards, ratios, 1.0),
            "weighted IS": weighted_is(rewards, ratios, 1.0),
            "independent steps": independent_steps(rewards, ratios, 1.0),
            "DR (FQE)": sequential_doubly_robust(rewards, ratios, q, v, taken, 1.0),
        }
        resampled = bootstrap_by_user(terms, np.arange(n), random)
        return {name: each.value for name, each in terms.items()}, {name: resampled.interval(name) for name in terms}

    return float(value), judged


def calibrate(value: float, judged: Draw, size: int, logs: int) -> None:
    """Print bias, deviation, error and coverage of every estimator over so many logs."""
    found = [judged(np.random.default_rng([size, log]), size) for log in range(logs)]
    print(f"{'estimator':<20}{'bias %':>9}{'sd %':>9}{'RMSE %':>9}{'coverage %':>12}")
    for name in found[0][0]:
        values = np.array([each[name] for each, _ in found]) / value - 1
        ends = np.array([intervals[name] for _, intervals in found])
        inside = (ends[:, 0] <= value) & (value <= ends[:, 1]) if np.isfinite(ends).all() else np.full(len(ends), np.nan)
        rmse = np.sqrt(np.square(values).mean())
        print(
            f"{name:<20}{100 * values.mean():>9.2f}{100 * values.std():>9.2f}{100 * rmse:>9.2f}{100 * np.mean(inside):>12.1f}"
        )


def million(world: BenchmarkWorld) -> None:
    """Time and memory of all single-step estimators over a million rows."""
    random = np.random.default_rng(0)
    logged, users = logged_rows(world, random, 1_000_000)
    started = time.perf_counter(), time.process_time()
    decisions = logged.against(lambda rows: softmax(users[rows] @ world.judged), "judged")
    judge({"judged": decisions}, random)
    seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        f"a million rows: {seconds[0]:.1f} s ({seconds[1]:.1f} s of CPU), peak memory {peak:.0f} MiB with the log and its model"
    )


def open_bandit(data_dir: Path) -> None:
    """Print the values of both policies, from the other's log and from their own."""
    names = {policy: f"open-bandit-{policy}" for policy in ("random", "bts")}
    logs = {policy: load(experiment_config({"dataset": name}), data_dir).dataset.log for policy, name in names.items()}
    judges = {"bts": "random", "random": "bts"}
    for policy, judge_name in judges.items():
        logged = clicks(logs[judge_name])
        shares = shown_shares(logs[policy]) if policy == "bts" else np.full((3, logs[policy].n_items), 1 / logs[policy].n_items)
        decisions = logged.against(at_positions(shares, positions_of(logs[judge_name])), policy)
        found = judge({policy: decisions}, np.random.default_rng(0))
        own = logs[policy].rewards.mean(dtype=np.float64)
        half = 1.96 * np.sqrt(own * (1 - own) / len(logs[policy]))
        support = found.support[policy]["items"]
        print(
            f"\n{policy} from the log of {judge_name}: effective rows {support.effective:.0f}, "
            f"mean weight {support.mean_weight:.3f}"
        )
        print(f"{'its own log':<20}{own:.5f} ({own - half:.5f} to {own + half:.5f})")
        for name, each in found.estimates[policy].items():
            told = "" if each.told else f"  cannot be told: {each.objections[0]}"
            print(f"{ESTIMATORS[name].label:<20}{each.value:.5f} ({each.low:.5f} to {each.high:.5f}){told}")


def at_positions(shares: Floats, positions: NDArray[np.int64]) -> Distributions:
    """A policy that shows each item with its share (3, I) at the position of the row."""
    return lambda rows: shares[positions[rows]]


def positions_of(log: InteractionLog) -> NDArray[np.int64]:
    """(n,) from 0; raises where the log has none."""
    if log.exposure is None or log.exposure.positions is None:
        raise RunError("the log has no positions")
    return log.exposure.positions - 1


def shown_shares(log: InteractionLog) -> Floats:
    """(3, I) how often the log shows each item at each position."""
    counts = np.zeros((3, log.n_items))
    np.add.at(counts, (positions_of(log), log.items), 1)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def clicks(log: InteractionLog) -> LoggedRows:
    """Rows to judge by: every row is a user of its own, and the model knows items and positions."""
    if log.exposure is None or log.exposure.propensities is None:
        raise RunError("the log has no propensities")
    numbers, positions = np.arange(len(log)), positions_of(log)
    rewards, contexts = log.rewards.astype(np.float64), np.eye(3)[positions]
    folds = folds_of(numbers, np.random.default_rng(0))
    models = cross_fitted(contexts, log.items, rewards, folds, log.n_items)

    def modelled(rows: NDArray[np.intp]) -> Floats:
        estimates = np.stack([model.rows(contexts[rows]) for model in models])
        own: Floats = estimates[folds[rows], np.arange(len(rows))]
        return own

    shown = np.bincount(log.items, minlength=log.n_items) > 0
    items = log.items.astype(np.intp)
    return LoggedRows(numbers, items, rewards, log.exposure.propensities, modelled, None, None, shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[], help="recommendations (or sessions) of a log")
    parser.add_argument("--horizon", type=int, nargs="*", default=[], help="steps of a session; none: single recommendations")
    parser.add_argument("--logs", type=int, default=200)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--open-bandit", type=Path, help="the data directory with open-bandit/")
    given = parser.parse_args()
    world = BenchmarkWorld.of(0)
    for size in given.rows:
        for horizon in given.horizon or [None]:
            value, judged = single_steps(world) if horizon is None else sessions(world, horizon)
            what = "rows" if horizon is None else f"sessions of {horizon} steps"
            print(f"\n{size:,} {what}, value {value:.4f}, {given.logs} logs")
            calibrate(value, judged, size, given.logs)
    if given.million:
        million(world)
    if given.open_bandit:
        open_bandit(given.open_bandit)


if __name__ == "__main__":
    main()
