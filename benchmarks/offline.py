"""Updates per second of the agents that learn from the log alone: `python -m benchmarks.offline`.

Every agent learns from random episodes of 30 steps in a world of 300 items (Coat's size) and one of 8,000, on one thread.
Times are CPU times of the process, so other work on the machine matters little; peak memory is each case's own.
"""

import argparse
import json
import subprocess
import sys
import time
from resource import RUSAGE_SELF, getrusage

import torch

from darlr.agents.learning import EpochLog
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.replay import Replay
from darlr.agents.settings import OfflineConfig
from darlr.config.loading import merge, with_settings
from darlr.methods.experiment import experiment_config
from darlr.methods.offline import Offline
from darlr.methods.registry import METHODS

STEPS, VECTOR, TARGET = 30, 80, 150
CASES = [(items, batch) for items in (300, 8000) for batch in (256, 1024)]
AGENTS = (
    *("sqn", "bcq", "cql", "crr", "cql-plain"),
    *("bc", "weighted-likelihood", "topk-reinforce", "iql", "decision-transformer"),
)


def learner_of(agent: str, n_items: int, batch: int) -> OfflineLearner:
    """Return the agent before its first update on random episodes of `STEPS` steps."""
    generator = torch.Generator().manual_seed(0)
    method = METHODS[agent]
    assert isinstance(method, Offline)
    values = with_settings({"offline": {"batch_size": batch}, "leave": {"max_steps": STEPS}}, method.fixed)
    config = experiment_config(merge(method.published[""], values))
    episodes = torch.stack([torch.randperm(n_items, generator=generator)[:STEPS] for _ in range(400)])
    rewards = torch.rand(episodes.numel(), generator=generator)
    step = torch.arange(STEPS).repeat(len(episodes))
    replay = Replay(torch.zeros(len(step), dtype=torch.long), episodes.flatten(), rewards, rewards, step, n_items)
    vectors = torch.randn(n_items, VECTOR, generator=generator) * 0.1
    tracker = state_tracker(config.tracker, vectors, torch.zeros(1, 0), generator)
    policy = method.build(method.kind, config, tracker, n_items, generator)
    return OfflineLearner(policy, replay, config.own(OfflineConfig), allow_repeats=False)


def measure(agent: str, n_items: int, batch: int, updates: int) -> dict[str, float]:
    """Updates a second of CPU time after a warm-up, and peak memory in MiB."""
    torch.set_num_threads(1)
    learner, generator, log = learner_of(agent, n_items, batch), torch.Generator().manual_seed(1), EpochLog()
    drawn = batch // learner.policy.sequence
    started = 0.0
    for number in range(updates + 5):
        if number == 5:
            started = time.process_time()
        learner.update(torch.randint(len(learner.logged.replay), (drawn,), generator=generator), log)
    rate = updates / (time.process_time() - started)
    return {"rate": rate, "memory": getrusage(RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", default=list(AGENTS), help=f"some of {', '.join(AGENTS)}")
    parser.add_argument("--updates", type=int, default=100, help="updates that are timed")
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        n_items, batch = options.child
        print(json.dumps(measure(options.agents[0], n_items, batch, options.updates)))
        return
    print(f"{'agent':20} {'items':>6} {'batch':>6} {'updates/s':>10} {'MiB':>6}  target")
    for agent in options.agents:
        for n_items, batch in CASES:
            child = ["--updates", str(options.updates), "--child", str(n_items), str(batch)]
            command = [sys.executable, "-m", "benchmarks.offline", agent, *child]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            target = f"{TARGET}" if (n_items, batch) == (300, 256) else ""
            print(f"{agent:20} {n_items:6} {batch:6} {found['rate']:10,.0f} {found['memory']:6,.0f}  {target}", flush=True)


if __name__ == "__main__":
    main()
