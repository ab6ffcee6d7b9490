"""The accuracy of the off-policy estimators and their intervals, from logs of a known policy in a world with known values.

    python -m benchmarks.off_policy --rows 1000 10000 --logs 200
    python -m benchmarks.off_policy --rows 1000 --horizon 1 5 30 --logs 200 --out logs.jsonl
    python -m benchmarks.off_policy --rows 10000 --categories-decide
    python -m benchmarks.off_policy --million

Users have five traits; items pay 1 with a probability that is logistic in them. The logging policy and the judged policy
are softmaxes of other functions of the traits, so the support is full and the weights are moderate. In sessions an item
pays less after another of its group.

`bias`, `sd` and `RMSE` are over the logs, in percent of the value. `coverage` is the share of logs whose 95% interval
contains the value, and `told` the share in which the estimator has no objection. The model of the direct method is linear,
and groups of items do not decide the reward: both assumptions are violated on purpose. With --categories-decide the second
one holds.

The file --out stores each log's numbers, one line each. The same command continues a stopped benchmark, and a larger --logs
continues a smaller one. Open Bandit has its own file, `benchmarks.open_bandit`.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.evaluation.off_policy.decisions import Decisions
from darlr.evaluation.off_policy.estimating import Estimate, judge
from darlr.evaluation.off_policy.matching import LoggedRows
from darlr.evaluation.off_policy.reward_model import cross_fitted, folds_of
from darlr.evaluation.off_policy.session_values import judge_sessions
from darlr.evaluation.off_policy.terms import Floats

ITEMS, GROUPS, TRAITS = 30, 6, 5
FATIGUE = 1.0
"""The loss of appeal of an item after another of its group."""

Draw = Callable[[np.random.Generator, int], Mapping[str, Estimate]]
"""(generator, size) -> each estimator's result for one log."""


@dataclass(frozen=True)
class BenchmarkWorld:
    """Coefficients over a constant and the traits, (TRAITS + 1, ITEMS) each."""

    appeal: Floats
    logging: Floats
    judged: Floats

    @classmethod
    def of(cls, seed: int, categories_decide: bool = False) -> "BenchmarkWorld":
        random = np.random.default_rng(seed)
        appeal, logging, other = random.normal(0, 0.4, (3, TRAITS + 1, ITEMS))
        if categories_decide:
            appeal = appeal[:, np.arange(ITEMS) % GROUPS]
        return cls(appeal, logging, 0.5 * logging + 0.6 * appeal + 0.2 * other)

    def users(self, random: np.random.Generator, n: int) -> Floats:
        return np.concatenate([np.ones((n, 1)), random.normal(size=(n, TRAITS))], axis=1)

    def chances(self, users: Floats, last: NDArray[np.int64] | None = None) -> Floats:
        """Return (n, ITEMS) the probability of a reward, after an item of the group `last` (n,), -1 at the start."""
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
    """Return the exact value, over a million users, and a function that judges a log."""
    many = world.users(np.random.default_rng(99), 1_000_000)
    parts = [(softmax(part @ world.judged) * world.chances(part)).sum(axis=1) for part in np.array_split(many, 20)]

    def judged(random: np.random.Generator, n: int) -> Mapping[str, Estimate]:
        logged, users = logged_rows(world, random, n)
        decisions = logged.against(lambda rows: softmax(users[rows] @ world.judged), "judged")
        return judge({"judged": decisions}, random).estimates["judged"]

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
    """Return the value of a session of `steps` steps, from 200,000 sessions of the judged policy itself, and a function
    that judges a log.
    """
    own = np.random.default_rng(99)
    value = np.mean([play(world, own, 20_000, horizon, world.judged)[2].sum(axis=1).mean() for _ in range(10)])

    def judged(random: np.random.Generator, n: int) -> Mapping[str, Estimate]:
        users, items, rewards, _ = play(world, random, n, horizon, world.logging)
        logging, policy = softmax(users @ world.logging), softmax(users @ world.judged)
        model = world.chances(users)  # stands for a world model's estimates, without the fatigue
        rows, shown = np.repeat(np.arange(n), horizon), items.ravel()
        decisions = Decisions(
            users=rows,
            rewards=rewards.ravel(),
            propensities=logging[rows, shown],
            probabilities=policy[rows, shown],
            modelled=model[rows, shown],
            expected=np.repeat((policy * model).sum(axis=1), horizon),
        )
        return judge_sessions({"judged": decisions}, rows, random)["judged"]

    return float(value), judged


@dataclass(frozen=True)
class Kept:
    """The numbers of logs that were judged before: (setting, log) -> estimator -> value, low, high, told."""

    file: Path | None

    def read(self, setting: str) -> dict[int, dict[str, list[float]]]:
        """Return the logs of the setting, by number."""
        if self.file is None or not self.file.exists():
            return {}
        lines = map(json.loads, self.file.read_text().splitlines())
        return {line["log"]: line["estimates"] for line in lines if line["setting"] == setting}

    def add(self, setting: str, log: int, estimates: Mapping[str, list[float]]) -> None:
        """Store one more log."""
        if self.file is not None:
            with self.file.open("a") as file:
                file.write(json.dumps({"setting": setting, "log": log, "estimates": estimates}) + "\n")


def calibrate(setting: str, value: float, judged: Draw, size: int, logs: int, kept: Kept) -> None:
    """Print bias, deviation, error, coverage and share of supported values of every estimator over the logs."""
    found = kept.read(setting)
    started, new = time.process_time(), 0
    for log in range(logs):
        if log not in found:
            estimates = judged(np.random.default_rng([size, log]), size)
            found[log] = {name: [each.value, each.low, each.high, float(each.told)] for name, each in estimates.items()}
            kept.add(setting, log, found[log])
            new += 1
    if new:
        print(f"{(time.process_time() - started) / new:.2f} seconds of CPU a log")
    print(f"{'estimator':<20}{'bias %':>9}{'sd %':>9}{'RMSE %':>9}{'coverage %':>12}{'told %':>9}")
    for name in found[0]:
        values, low, high, told = np.array([found[log][name] for log in range(logs)]).T
        errors = 100 * (values / value - 1)
        inside = np.where(np.isfinite(low), (low <= value) & (value <= high), np.nan)
        spread = f"{errors.mean():>9.2f}{errors.std():>9.2f}{np.sqrt(np.square(errors).mean()):>9.2f}"
        print(f"{name:<20}{spread}{100 * inside.mean():>12.1f}{100 * told.mean():>9.1f}", flush=True)


def million(world: BenchmarkWorld) -> None:
    """Print time and memory of all single-step estimators over a million rows."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[], help="recommendations (or sessions) of a log")
    parser.add_argument("--horizon", type=int, nargs="*", default=[], help="steps of a session; none: single recommendations")
    parser.add_argument("--logs", type=int, default=200)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--categories-decide", action="store_true", help="what an item pays depends on its group alone")
    parser.add_argument("--out", type=Path, help="keeps the numbers of every log, and goes on from those in it")
    given = parser.parse_args()
    world = BenchmarkWorld.of(0, given.categories_decide)
    for size in given.rows:
        for horizon in given.horizon or [None]:
            value, judged = single_steps(world) if horizon is None else sessions(world, horizon)
            what = "rows" if horizon is None else f"sessions of {horizon} steps"
            setting = f"{size:,} {what}" + (", categories decide" if given.categories_decide else "")
            print(f"\n{setting}, value {value:.4f}, {given.logs} logs")
            calibrate(setting, value, judged, size, given.logs, Kept(given.out))
    if given.million:
        million(world)


if __name__ == "__main__":
    main()
