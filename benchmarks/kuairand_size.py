"""Memory and CPU time at KuaiRand's size, 27,285 users x 7,583 items: `python -m benchmarks.kuairand_size`.

There are these cases:

- completing a truth from 1.19 million clicks.
- the nearest 150 users by rows, and by sketches of rows, with the share of the nearest that are found.
- an epoch of DORL and of DARLR, by request and with tables, with a test, the table's error and a checkpoint.

Estimates and the truth, a memory map, come from generated factors, because fitting a world model takes about nine minutes.
There is no entropy term; items have one to three of 46 categories. Episodes are collected 100 at a time, so a short epoch
has the same peak as a long one. Every case runs in its own process, on one thread, to measure its own peak memory, which
includes memory-mapped pages.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
import torch

from darlr.agents.a2c import A2C
from darlr.agents.darlr import DARLR
from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.policy import ActorCritic
from darlr.agents.selector import Selector
from darlr.agents.settings import A2CConfig, PolicyConfig, SelectorConfig, TrackerConfig
from darlr.artifacts.tensors import write_tensors
from darlr.data.completion.completing import Exposed, complete
from darlr.data.readers.kuairand import SOURCE
from darlr.evaluation.protocol import EvaluationWorld, run_test
from darlr.evaluation.reward_error import table_error
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.nearest import nearest_users, unit_rows
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import RefinementConfig, RewardConfig
from darlr.rewards.sketches import sketches
from darlr.rewards.table import observed_reward, penalised_reward
from darlr.simulator.leave import SharedCategory
from darlr.simulator.simulator import Simulator

USERS, ITEMS, CLICKS = 27_285, 7_583, 1_186_059
FACTORS, CATEGORIES, VECTOR, MAX_STEPS, EPISODES = 20, 46, 80, 30, 100


def completion(folder: Path, steps: int) -> None:
    random = np.random.default_rng(0)
    users, items = random.integers(0, USERS, CLICKS), random.integers(0, ITEMS, CLICKS)
    chance = 1 / (1 + np.exp(1.5 - 0.8 * random.normal(0, 1, USERS)[users] - 0.7 * random.normal(0, 1, ITEMS)[items]))
    clicks = (random.random(CLICKS) < chance).astype(np.float64)
    exposed = Exposed(users, items, clicks, USERS, ITEMS, {})
    complete(exposed, SOURCE.completion, random, folder / "truth.npy", lambda done, total: None)


def neighbours(folder: Path, steps: int) -> None:
    nearest_users(unit_rows(_chances(0), centred=False), 150, include_self=True)


def sketched(folder: Path, steps: int) -> dict[str, float]:
    """Return the result of the search by request, and the share of 200 users' true neighbours that it finds."""
    started, estimates = time.process_time(), Chances(0)
    found, _ = nearest_users(unit_rows(sketches(estimates), centred=False), 150, include_self=True)
    seconds, some = time.process_time() - started, torch.arange(0, USERS, USERS // 200)
    rows = unit_rows(estimates.rows(some), centred=False)
    cosines = torch.cat([rows @ unit_rows(block, centred=False).T for _, block in estimates.blocks()], dim=1)
    cosines[torch.arange(len(some)), some] = float("inf")
    nearest = cosines.topk(150, dim=1).indices
    shared = [len(set(one.tolist()) & set(other.tolist())) for one, other in zip(nearest, found[some], strict=True)]
    return {"search": seconds, "recall": sum(shared) / nearest.numel()}


def dorl(folder: Path, steps: int) -> None:
    _epoch(folder, steps, dual=False, estimates=Chances)


def darlr(folder: Path, steps: int) -> None:
    _epoch(folder, steps, dual=True, estimates=Chances)


def dorl_with_tables(folder: Path, steps: int) -> None:
    _epoch(folder, steps, dual=False, estimates=_kept)


def darlr_with_tables(folder: Path, steps: int) -> None:
    _epoch(folder, steps, dual=True, estimates=_kept)


CASES: dict[str, Callable[[Path, int], dict[str, float] | None]] = {
    "completion": completion,
    "neighbours": neighbours,
    "sketched": sketched,
    "dorl": dorl,
    "darlr": darlr,
    "dorl-tables": dorl_with_tables,
    "darlr-tables": darlr_with_tables,
}


class Chances(Estimates):
    """The probability of a click, computed from generated factors on request."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._users = torch.randn(USERS, FACTORS, generator=generator)
        self._items = torch.randn(ITEMS, FACTORS, generator=generator)
        self.n_users, self.n_items, self.device = USERS, ITEMS, self._users.device

    def cells(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        return self._of((self._users[users] * self._items[items]).sum(dim=-1))

    def rows(self, users: torch.Tensor) -> torch.Tensor:
        return self._of(self._users[users] @ self._items.T)

    def _of(self, products: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid_(products.div_(FACTORS**0.5).sub_(1.0))

    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0


def _kept(seed: int) -> KeptEstimates:
    return KeptEstimates(_chances(seed))


def _chances(seed: int) -> torch.Tensor:
    """Return (USERS, ITEMS) the probability of a click, from generated factors."""
    generator = torch.Generator().manual_seed(seed)
    users, items = torch.randn(USERS, FACTORS, generator=generator), torch.randn(ITEMS, FACTORS, generator=generator)
    return torch.sigmoid_((users @ items.T).div_(FACTORS**0.5).sub_(1.0))


def _epoch(folder: Path, steps: int, dual: bool, estimates: Callable[[int], Estimates]) -> None:
    generator = torch.Generator().manual_seed(0)
    stored = np.lib.format.open_memmap(folder / "truth.npy", "w+", np.float32, (USERS, ITEMS))
    for place, block in Chances(1).blocks():
        stored[place] = block.numpy()
    del stored
    truth = torch.from_numpy(np.load(folder / "truth.npy", mmap_mode="c"))
    predicted, uncertainty = estimates(0), estimates(2)
    learned = estimates(3) if dual else predicted  # DARLR starts from estimates shaped by neighbours
    membership = torch.zeros(ITEMS, CATEGORIES, dtype=torch.bool)
    membership.scatter_(1, torch.randint(CATEGORIES, (ITEMS, 3), generator=generator), True)
    leave = SharedCategory(membership, window=4, tolerance=0)
    reward = penalised_reward(learned, uncertainty, None, RewardConfig(uncertainty_weight=0.0 if dual else 0.01))
    del uncertainty
    config = TrackerConfig(kind="transformer", layers=1) if dual else TrackerConfig()
    vectors = torch.randn(ITEMS, VECTOR, generator=generator) * 0.1
    tracker = state_tracker(config, vectors, torch.zeros(USERS, 0), generator)
    policy = ActorCritic(PolicyConfig(), tracker, membership.float(), None, generator)
    lookback = max(config.window, leave.window)
    refined = RefinedReward(reward, RefinementConfig()) if dual else None
    simulator = Simulator(refined or reward, leave, ITEMS, MAX_STEPS, lookback, allow_repeats=False)
    agent: Learner = A2C(policy, simulator, USERS, A2CConfig(), learned)
    if refined is not None and isinstance(agent, A2C):
        selector = Selector(SelectorConfig(), A2CConfig(), predicted, policy.tracker.state_size, generator)
        agent = DARLR(agent, selector, refined, None, 0.1, RefinementConfig())
    agent.epoch(EPISODES, steps, generator)
    world = EvaluationWorld.of_table(observed_reward(truth, (0.0, 1.0)), leave, MAX_STEPS, lookback)
    run_test(world, policy.scorer(), EPISODES, generator)
    table_error(learned if refined is None else refined.estimates, truth)
    write_tensors(folder / "checkpoint.safetensors", agent.tensors(), {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--steps", type=int, default=3_000, help="least recommendations of an epoch")
    parser.add_argument("--folder", type=Path, help="where files of 0.8 GB are written and deleted again")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            started = time.process_time()
            found = CASES[options.cases[0]](Path(folder), options.steps) or {}
            seconds = time.process_time() - started
        print(json.dumps({"seconds": seconds, "memory": getrusage(RUSAGE_SELF).ru_maxrss / 1024, **found}))
        return
    print(f"{'case':12} {'CPU seconds':>12} {'MiB':>7}")
    for name in options.cases:
        command = [sys.executable, "-m", "benchmarks.kuairand_size", name, "--steps", str(options.steps), "--child"]
        command += [] if options.folder is None else ["--folder", str(options.folder)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        told = "".join(f"  {key} {value:,.4f}" for key, value in result.items() if key not in ("seconds", "memory"))
        print(f"{name:12} {result['seconds']:12,.0f} {result['memory']:7,.0f}{told}", flush=True)


if __name__ == "__main__":
    main()
