"""Steps per second of the gymnasium environments: `python -m benchmarks.environments [world ...]`.

The agent costs nothing: it recommends items in turn. Episodes have 30 steps, and the worlds are random tables of the data
sets' sizes. There is one thread, and time is the process's own, so other work on the machine matters little. The table
shows the best of three repetitions and the slowest.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from darlr.rewards.table import TableReward
from darlr.simulator.environments.sessions import Game
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.environments.vector import RecommendationVectorEnv
from darlr.simulator.leave import SharedCategory

MAX_STEPS = 30
WORLDS = {"coat": (290, 300), "synthetic": (1000, 500), "kuairec": (1411, 3327)}
TARGET = 10_000
"""The target of a vectorised environment in steps per second."""


def game_of(n_users: int, n_items: int) -> Game:
    """Make a game in which every item has its own category, so that the leave rule is computed and no user leaves."""
    table = torch.rand(n_users, n_items, generator=torch.Generator().manual_seed(0))
    leave = SharedCategory(torch.eye(n_items, MAX_STEPS, dtype=torch.bool), window=4, tolerance=0)
    return Game(TableReward(table, 0.0, 1.0), leave, n_users, n_items, MAX_STEPS, lookback=4, allow_repeats=False)


def play_single(game: Game) -> int:
    """Return the number of steps that were taken, about 2,000."""
    env = RecommendationEnv(game)
    env.reset(seed=0)
    for step in range(2_000):
        if env.step(np.int64(step % MAX_STEPS))[2]:
            env.reset()
    return 2_000


def play_vector(game: Game, num_envs: int) -> int:
    """Return the number of steps of all sub-environments: 300 each."""
    env = RecommendationVectorEnv(game, num_envs)
    env.reset(seed=0)
    for step in range(300):
        env.step(np.full(num_envs, step % MAX_STEPS))
    return 300 * num_envs


def rates(play: Callable[[], int]) -> list[float]:
    """Return steps per second of the process's own time, slowest first, after one repetition to warm up."""
    play()
    measured = []
    for _ in range(3):
        started = time.process_time()
        steps = play()
        measured.append(steps / (time.process_time() - started))
    return sorted(measured)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="*", default=list(WORLDS), help=f"some of {', '.join(WORLDS)}")
    parser.add_argument("--num-envs", type=int, nargs="+", default=[16, 64, 256], help="sub-environments")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'world':12} {'environment':12} {'steps/s':>9} {'slowest':>9} {'target':>8}")
    for name in options.worlds:
        game = game_of(*WORLDS[name])
        slowest, *_, best = rates(lambda game=game: play_single(game))  # type: ignore[misc]
        print(f"{name:12} {'single':12} {best:9,.0f} {slowest:9,.0f} {'':>8}", flush=True)
        for count in options.num_envs:
            slowest, *_, best = rates(lambda game=game, count=count: play_vector(game, count))  # type: ignore[misc]
            print(f"{name:12} {f'vector {count}':12} {best:9,.0f} {slowest:9,.0f} {TARGET:8,d}", flush=True)


if __name__ == "__main__":
    main()
