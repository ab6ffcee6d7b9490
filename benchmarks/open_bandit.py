"""Values of Open Bandit's policies on "men": each estimated from the other's log, next to the clicks of its own.

    python -m benchmarks.open_bandit FOLDER

The policy judged on the random log is given by how often the log of bts shows each item at each position.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darlr.data.log import InteractionLog
from darlr.data.registry import load
from darlr.errors import RunError
from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.estimators import ESTIMATORS
from darlr.evaluation.off_policy.matching import Distributions, LoggedRows
from darlr.evaluation.off_policy.reward_model import cross_fitted, folds_of
from darlr.evaluation.off_policy.terms import Floats
from darlr.methods.experiment import experiment_config


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
    """Make a policy that shows each item with its share (3, I) at the position of the row."""
    return lambda rows: shares[positions[rows]]


def positions_of(log: InteractionLog) -> NDArray[np.int64]:
    """Return (n,) positions from 0; raises an error if the log has none."""
    if log.exposure is None or log.exposure.positions is None:
        raise RunError("the log has no positions")
    return log.exposure.positions - 1


def shown_shares(log: InteractionLog) -> Floats:
    """Return (3, I) how often the log shows each item at each position."""
    counts = np.zeros((3, log.n_items))
    np.add.at(counts, (positions_of(log), log.items), 1)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def clicks(log: InteractionLog) -> LoggedRows:
    """Return rows to judge by: every row is a separate user, and the model knows items and positions."""
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


if __name__ == "__main__":
    open_bandit(Path(sys.argv[1]))
