"""The contract of every reward: it pays each row by itself, within its bounds, repeatably, and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.kinds import RewardKind, RewardParts
from darlr.rewards.settings import RewardConfig
from darlr.rewards.source import RewardSource
from darlr.testing.demands import demand, demand_alike, demand_tensor, run_checks
from darlr.testing.planted import planted_world
from darlr.world.window import Window

CPU = torch.device("cpu")
WEIGHTS = RewardConfig(uncertainty_weight=0.1, entropy_weight=0.5)
LOOKBACK = 3
STEPS = 64


@dataclass(frozen=True)
class RewardSubject:
    """A kind of reward, and the parts for one in the planted world."""

    kind: RewardKind
    parts: RewardParts

    def build(self) -> RewardSource:
        """Build the reward."""
        return self.kind.build(self.parts)

    def steps(self) -> tuple[Tensor, Tensor, Window]:
        """Return users (B,), items (B,) and windows (B, L) of random steps; the first half are first steps of episodes."""
        learned = self.parts.learned.rewards
        n_users, n_items = learned.n_users, learned.n_items
        generator = torch.Generator().manual_seed(0)
        users = torch.randint(n_users, (STEPS,), generator=generator)
        items = torch.randint(n_items, (STEPS,), generator=generator)
        recent = torch.randint(n_items, (STEPS, LOOKBACK), generator=generator)
        rewards = torch.rand(STEPS, LOOKBACK, generator=generator)
        first = Window.at_start(n_items, LOOKBACK, CPU)
        half = STEPS // 2
        recent[:half], rewards[:half] = first.items, first.rewards
        return users, items, Window(recent, rewards)


RewardCheck = Callable[[RewardSubject], None]


def reward_parts(dataset: Dataset, seed: int = 0) -> RewardParts:
    """Make random estimates of `dataset`'s world, 1 to 5, with their uncertainty and an entropy term."""
    generator = torch.Generator().manual_seed(seed)
    shape = dataset.world.n_users, dataset.world.n_items
    tables = 1 + 4 * torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)
    estimates = Predicted(*map(KeptEstimates, tables))
    entropy = EntropyTerm.fit(dataset.log, dataset.world, WEIGHTS.entropy_orders, CPU)
    return RewardParts(dataset, estimates, estimates, entropy, WEIGHTS)


def pays_within_its_bounds(subject: RewardSubject) -> None:
    """Rewards are (B,) float32 numbers from `low` to `high`, even at an episode's start, and not all equal."""
    source = subject.build()
    users, items, window = subject.steps()
    paid = demand_tensor(source.pay(users, items, window), (STEPS,), "what it pays")
    demand(source.low < source.high, f"low is {source.low:g} and high {source.high:g}; expected low below high")
    slack = 1e-4 * (source.high - source.low)
    inside = source.low - slack <= float(paid.min()) <= float(paid.max()) <= source.high + slack
    bounds = f"expected {source.low:g} to {source.high:g}, its bounds, which normalise what states show"
    demand(inside, f"it pays {float(paid.min()):g} to {float(paid.max()):g}; {bounds}")
    demand(float(paid.min()) < float(paid.max()), "it pays the same for everything, so there is nothing to learn")


def pays_each_row_by_itself(subject: RewardSubject) -> None:
    """A row's reward depends neither on other rows nor on earlier payments."""
    source = subject.build()
    users, items, window = subject.steps()
    whole = source.pay(users, items, window)
    rows = torch.arange(STEPS - 1, -1, -7)
    some = source.pay(users[rows], items[rows], window.rows(rows))
    demand_alike(some, whole[rows], "the reward of a step depends on the other rows, or on earlier rewards")


def is_built_alike(subject: RewardSubject) -> None:
    """Two rewards built from the same parts pay the same."""
    first, second = (subject.build().pay(*subject.steps()) for _ in range(2))
    demand_alike(first, second, "two rewards of the same parts pay differently")


def changes_no_estimate(subject: RewardSubject) -> None:
    """The estimates, which others share, are not changed."""
    shared = [estimates.table() for estimates in (subject.parts.learned.rewards, subject.parts.learned.uncertainty)]
    before = [table.clone() for table in shared]
    subject.build().pay(*subject.steps())
    same = all(map(torch.equal, before, shared))
    demand(same, "building or paying it changes the estimates, which are shared; work on a copy")


def does_without_the_entropy_term(subject: RewardSubject) -> None:
    """It works without an entropy term, which logs without times and runs with weight 0 do not have."""
    plain = replace(subject.parts, entropy=None, weights=replace(subject.parts.weights, entropy_weight=0.0))
    pays_within_its_bounds(replace(subject, parts=plain))


REWARD_CHECKS: tuple[RewardCheck, ...] = (
    pays_within_its_bounds,
    pays_each_row_by_itself,
    changes_no_estimate,
    is_built_alike,
    does_without_the_entropy_term,
)


def check_reward(kind: RewardKind) -> None:
    """Raise `AssertionError` unless `kind` (the result of `register_reward`) pays as the simulator needs it."""
    subject = RewardSubject(kind, reward_parts(planted_world().dataset))
    run_checks(REWARD_CHECKS, subject, f"reward '{kind.name}'")
