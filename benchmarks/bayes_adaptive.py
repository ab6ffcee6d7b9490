"""Steps per second of `bayes-adaptive` in learning and testing: `python -m benchmarks.bayes_adaptive`.

The worlds are random responses of the data sets' sizes, and of a large one, with candidates. The policy begins in its state
after learning, so episodes have 30 steps. Learning is an epoch of 60,000 recommendations from 200 episodes at a time.
Testing is a greedy NX_0 of every user, 2,000 at most. Every case runs on one thread, and the fastest repetition counts. CPU
seconds depend less than wall seconds on other work on the machine.
"""

import argparse
import time
from dataclasses import dataclass

import torch

from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.learning import BayesAdaptive
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.candidates import Candidates
from darlr.agents.settings import A2CConfig, BeliefConfig
from darlr.evaluation.protocol import EvaluationWorld
from darlr.rewards.posterior import LargePosteriorReward, PosteriorReward
from darlr.simulator.leave import LeaveRule, Never, SharedCategory
from darlr.simulator.simulator import Simulator
from darlr.world_model.factors.responses import FactorResponses, ResponseScale

MAX_STEPS, WINDOW = 30, 4
ENVIRONMENTS, STEPS, MOST_TESTED = 200, 60_000, 2_000


@dataclass(frozen=True)
class Case:
    """A world's size, the target in steps per second of learning, and the number of candidates; 0: all items."""

    users: int
    items: int
    categories: int
    factors: int
    target: int
    candidates: int = 0


CASES = {
    "coat": Case(290, 300, 0, 8, 60_000),
    "synthetic": Case(1_000, 500, 31, 16, 40_000),
    "kuairec": Case(1_411, 3_327, 31, 8, 20_000),
    "large": Case(100_000, 100_000, 50, 8, 10_000, candidates=500),
}


def responses(case: Case, generator: torch.Generator) -> FactorResponses:
    """Random posteriors; rewards run from 1 to 5."""
    size = case.factors + 1
    return FactorResponses(
        intercepts=torch.randn(case.items, generator=generator) * 0.4,
        loadings=torch.randn(case.items, size, generator=generator) * 0.3,
        noise=torch.full((case.items,), 0.55),
        log_noise=0.5,
        user_means=torch.randn(case.users, size, generator=generator),
        user_covariances=0.5 * torch.eye(size).repeat(case.users, 1, 1),
        scale=ResponseScale("identity", 1.0, 5.0, 1.0, 3.0, 1.0),
    )


def measure(case: Case, repetitions: int) -> dict[str, float]:
    """Return steps per second: of learning by CPU time and by wall time, and of testing by CPU time."""
    generator = torch.Generator().manual_seed(0)
    settings, of = BeliefConfig(), responses(case, generator)
    membership = torch.zeros(case.items, case.categories, dtype=torch.bool)
    leave: LeaveRule = Never()
    if case.categories:
        membership[torch.arange(case.items), torch.randint(case.categories, (case.items,), generator=generator)] = True
        leave = SharedCategory(membership, WINDOW, tolerance=0)
    kind = LargePosteriorReward if case.candidates else PosteriorReward
    posterior = kind(of, settings.noise_levels)
    belief = FactorBelief(of, settings.levels)
    window = WINDOW if case.categories else 0
    candidates = Candidates(membership, case.candidates, MAX_STEPS, belief.expected_rows) if case.candidates else None
    policy = BayesAdaptivePolicy(belief, membership, window, MAX_STEPS, (1.0, 5.0), settings.critic_size, generator, candidates)
    with torch.no_grad():  # as after learning
        policy.log_sharpness.fill_(3.0)
        policy.shared_category_weight.fill_(-4.0)
    simulator = Simulator(posterior, leave, case.items, MAX_STEPS, MAX_STEPS, allow_repeats=False)
    config = A2CConfig(learning_rate=0.03, discount=1.0, gae_lambda=0.95, normalise_advantages=True)
    learner = BayesAdaptive(policy, simulator, posterior, case.users, config, settings.actor_learning_rate)
    tested = torch.arange(min(case.users, MOST_TESTED))
    pays = kind(of, settings.noise_levels)
    pays.redraw(tested, generator)
    world = EvaluationWorld(pays, case.users, case.items, leave, MAX_STEPS, MAX_STEPS)

    best = dict.fromkeys(("learning", "wall", "testing"), 0.0)
    for _ in range(repetitions):
        wall, cpu = time.perf_counter(), time.process_time()
        steps = learner.epoch(ENVIRONMENTS, STEPS, generator).steps
        best["wall"] = max(best["wall"], steps / (time.perf_counter() - wall))
        best["learning"] = max(best["learning"], steps / (time.process_time() - cpu))
        cpu = time.process_time()
        with torch.no_grad():
            recommended = world.recommended("nx_0", tested, policy.scorer(), None)
        best["testing"] = max(best["testing"], len(recommended) / (time.process_time() - cpu))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'case':10} {'learning/CPU s':>14} {'learning/s':>11} {'testing/CPU s':>14} {'target':>8}")
    for name in options.cases:
        found = measure(CASES[name], options.repetitions)
        print(
            f"{name:10} {found['learning']:14,.0f} {found['wall']:11,.0f} {found['testing']:14,.0f} {CASES[name].target:8,d}",
            flush=True,
        )


if __name__ == "__main__":
    main()
