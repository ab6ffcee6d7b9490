"""What a state of each tracker costs to learn (docs/methods/trackers.md).

    python -m benchmarks.trackers [--windows 3 10]

CPU milliseconds of this process, one thread, for a minibatch of 1,024 states with its gradients.
"""

import argparse
import time

import torch

from darlr.agents.networks.trackers import TRACKERS, state_tracker
from darlr.agents.settings import TrackerConfig
from darlr.world.window import Window

STATES, ITEMS, VECTOR, REPEATS = 1024, 300, 80, 20


def main() -> None:
    """Print a row for each tracker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", nargs="+", type=int, default=[3, 10])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| tracker | " + " | ".join(f"window {window}, ms" for window in options.windows) + " |")
    print("| --- |" + " ---: |" * len(options.windows))
    for kind in TRACKERS:
        times = " | ".join(f"{_milliseconds(kind, window):.1f}" for window in options.windows)
        print(f"| {kind} | {times} |", flush=True)


def _milliseconds(kind: str, window: int) -> float:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(ITEMS, VECTOR, generator=generator)
    tracker = state_tracker(TrackerConfig(kind=kind, window=window), vectors, torch.zeros(1, 0), generator)
    items = torch.randint(0, ITEMS, (STATES, window), generator=generator)
    shown, users = Window(items, torch.rand(STATES, window, generator=generator)), torch.zeros(STATES, dtype=torch.int64)
    started = 0.0
    for repeat in range(REPEATS + 1):
        if repeat == 1:  # the first one makes the buffers
            started = time.process_time()
        tracker(users, shown).square().sum().backward()
    return (time.process_time() - started) / REPEATS * 1e3


if __name__ == "__main__":
    main()
