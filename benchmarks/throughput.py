"""Steps per second and peak memory of learning and testing: `python -m benchmarks.throughput`.

An epoch is the same as in `darlr train`. It has at least 100,000 recommendations of learning (102,000 if episodes have 30
steps), then the test of three modes, sampled and greedy (14,000 steps if episodes are full), and one in the simulator
(3,000). The
worlds are random tables of the data sets' sizes. Every case runs in its own process, on one thread, to measure its own peak
memory. The fastest epoch counts; the table also shows the slowest after the first.

`--slates 5` compares epochs of SlateQ with slates of five and of one item instead. Both take turns in one process, and CPU
seconds count.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from resource import RUSAGE_SELF, getrusage

import torch

from darlr.agents.a2c import A2C
from darlr.agents.acting import Scorer
from darlr.agents.darlr import DARLR
from darlr.agents.learning import Learner
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.policy import ActorCritic
from darlr.agents.replaying.slates import SlateLearner
from darlr.agents.selector import Selector
from darlr.agents.settings import A2CConfig, PolicyConfig, ReplayConfig, SelectorConfig, TrackerConfig
from darlr.evaluation.modes import MODES
from darlr.evaluation.protocol import EvaluationWorld, run_test
from darlr.methods.slateq import SlateQ, SlateQConfig
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import RefinementConfig, RewardConfig
from darlr.rewards.table import TableReward, observed_reward, penalised_reward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.leave import LeaveRule, Never, SharedCategory
from darlr.simulator.simulator import Simulator
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.settings import SlateConfig
from darlr.world.window import Window

MAX_STEPS = 30
EPISODES = 100


@dataclass(frozen=True)
class Case:
    """A world's size and a policy's settings; `reference` is the speed of DORL's or ROLeR's own code (steps/s)."""

    users: int
    items: int
    categories: int
    vector: int
    tracker: TrackerConfig
    policy: PolicyConfig
    target: int
    reference: str
    selector: SelectorConfig | None = None  # with one, the agent is DARLR


CASES = {
    "coat-mean": Case(290, 300, 0, 80, TrackerConfig(), PolicyConfig(), 120_000, "11,500-12,000 (DORL)"),
    "coat-transformer": Case(290, 300, 0, 80, TrackerConfig(kind="transformer"), PolicyConfig(), 45_000, "4,300-5,000 (ROLeR)"),
    "coat-darlr": Case(
        290,
        300,
        0,
        80,
        TrackerConfig(kind="transformer", layers=1),
        PolicyConfig(),
        5_000,
        "4,300-5,000 (ROLeR, which has no selector)",
        SelectorConfig(references=20, pool=100),
    ),
    "kuairec-mean": Case(1411, 3327, 31, 81, TrackerConfig(), PolicyConfig(), 10_000, "not measured"),
    "kuairec-tied": Case(
        1411,
        3327,
        31,
        81,
        TrackerConfig(),
        PolicyConfig(head="tied", prior_weight=1.0, category_window=4),
        10_000,
        "not measured",
    ),
}


def measure(case: Case, epochs: int) -> dict[str, float | list[float]]:
    """Return steps per second of every epoch, and of learning and testing in the fastest; also peak memory in MiB."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    estimate = torch.randn(case.users, case.items, generator=generator) * 0.5 + 3
    membership = torch.zeros(case.items, case.categories, dtype=torch.bool)
    leave: LeaveRule = Never()
    if case.categories:
        chosen = torch.randint(case.categories, (case.items,), generator=generator)
        membership[torch.arange(case.items), chosen] = True
        leave = SharedCategory(membership, window=4, tolerance=0)
    reward = penalised_reward(estimate, torch.zeros_like(estimate), None, RewardConfig())
    tracker = state_tracker(
        case.tracker, torch.randn(case.items, case.vector, generator=generator) * 0.1, torch.zeros(case.users, 0), generator
    )
    prior = estimate if case.policy.prior_weight else None
    policy = ActorCritic(case.policy, tracker, membership.float(), prior, generator)
    lookback = max(case.tracker.window, leave.window)
    agent = _agent(case, policy, reward, leave, lookback, generator)
    truth = EvaluationWorld.of_table(observed_reward(estimate, (1.0, 5.0)), leave, MAX_STEPS, lookback)
    simulated = replace(truth, rewards=reward)

    rates, phases = [], []
    for _ in range(epochs):
        counter = _StepCounter(policy)
        started = time.perf_counter()
        log = agent.epoch(EPISODES, 100_000, generator)
        learned = time.perf_counter()
        run_test(truth, counter, EPISODES, generator)
        with torch.no_grad():
            simulated.measure(next(iter(MODES)), truth.draw_users(EPISODES, generator), counter, generator)
        tested = time.perf_counter()
        rates.append((log.steps + counter.steps) / (tested - started))
        phases.append((log.steps / (learned - started), counter.steps / (tested - learned)))
    best = max(range(len(rates)), key=rates.__getitem__)
    return {
        "all": rates,
        "best": rates[best],
        "learning": phases[best][0],
        "testing": phases[best][1],
        "memory": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def _agent(
    case: Case, policy: ActorCritic, reward: TableReward, leave: LeaveRule, lookback: int, generator: torch.Generator
) -> Learner:
    refined = RefinedReward(reward, RefinementConfig())
    paid = refined if case.selector else reward
    simulator = Simulator(paid, leave, case.items, MAX_STEPS, lookback, allow_repeats=False)
    recommender = A2C(policy, simulator, case.users, A2CConfig(), paid.table)
    if case.selector is None:
        return recommender
    selector = Selector(case.selector, A2CConfig(), reward.table, policy.tracker.state_size, generator)
    return DARLR(recommender, selector, refined, torch.zeros_like(reward.table), 0.1, RefinementConfig())


def compare_slates(size: int, epochs: int, steps: int = 10_000) -> dict[int, float]:
    """Return the CPU seconds of the fastest of `epochs` with `steps` recommendations, for slates of 1 and of `size` items."""
    torch.set_num_threads(1)
    agents = {count: _slate_agent(count) for count in (1, size)}
    generator = torch.Generator().manual_seed(0)
    seconds = dict.fromkeys(agents, float("inf"))
    for _ in range(epochs):
        for count, agent in agents.items():
            started = time.process_time()
            agent.epoch(EPISODES, steps, generator)
            seconds[count] = min(seconds[count], time.process_time() - started)
    return seconds


def _slate_agent(size: int, users: int = 290, items: int = 300) -> SlateLearner:
    generator = torch.Generator().manual_seed(0)
    estimate = torch.rand(users, items, generator=generator)
    config = SlateConfig(size=size)
    tracker = state_tracker(
        TrackerConfig(), torch.randn(items, 80, generator=generator) * 0.1, torch.zeros(users, 0), generator
    )
    policy = SlateQ(PolicyConfig(), tracker, items, config, SlateQConfig(), generator)
    policy.know(estimate, (0.0, 1.0))
    rules = SlateRules(size, config.leave, ConditionalLogit.of(config, (0.0, 1.0)), KeptEstimates(estimate))
    reward = TableReward(estimate, 0.0, 1.0)
    simulator = SlateSimulator(reward, Never(), items, MAX_STEPS, 3, allow_repeats=False, rules=rules)
    replay = ReplayConfig()
    return SlateLearner(policy, TargetedUpdates(policy, replay.learning_rate, replay.target_sync), simulator, users, replay)


class _StepCounter(Scorer):
    """A policy's scorer that counts the recommendations it makes."""

    def __init__(self, policy: ActorCritic) -> None:
        self._score = policy.scorer()
        self.steps = 0

    def __call__(self, users: torch.Tensor, window: Window, blocked: torch.Tensor | None = None) -> torch.Tensor:
        self.steps += len(users)
        return self._score(users, window, blocked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each case")
    parser.add_argument("--slates", type=int, metavar="K", help="compare slates of K items with slates of one")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.slates:
        seconds = compare_slates(options.slates, options.epochs)
        ratio = seconds[options.slates] / seconds[1]
        shown = ", ".join(f"{size}: {of:.2f} s" for size, of in seconds.items())
        print(f"CPU seconds of an epoch of 10,000 steps by the size of a slate: {shown}; ratio {ratio:.2f}")
        return
    if options.child:
        print(json.dumps(measure(CASES[options.cases[0]], options.epochs)))
        return
    print(f"{'case':18} {'steps/s':>9} {'slowest':>9} {'learning':>9} {'testing':>9} {'MiB':>6} {'target':>8}  reference")
    for name in options.cases:
        command = [sys.executable, "-m", "benchmarks.throughput", name, "--epochs", str(options.epochs), "--child"]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        slowest = min(result["all"][1:] or result["all"])
        print(
            f"{name:18} {result['best']:9,.0f} {slowest:9,.0f} {result['learning']:9,.0f} {result['testing']:9,.0f} "
            f"{result['memory']:6,.0f} {CASES[name].target:8,d}  {CASES[name].reference}",
            flush=True,
        )


if __name__ == "__main__":
    main()
