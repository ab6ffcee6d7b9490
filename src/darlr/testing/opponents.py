"""The contract of every opponent: it ranks the world's items for each user, obeys masks, and repeats its numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset
from darlr.evaluation.opponents import ListFactors, Opponent, OpponentParts, Sources
from darlr.evaluation.supervised import fit_now
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.testing.demands import demand, demand_alike, run_checks
from darlr.testing.planted import planted_world
from darlr.world.window import Window
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings

CPU = torch.device("cpu")


@dataclass(frozen=True)
class OpponentSubject:
    """An opponent in the planted world, with random estimates (n_users, n_items) and a factor model of the log."""

    build: Opponent
    dataset: Dataset
    estimates: Tensor
    factors: ListFactors

    def scorer(self) -> Scorer:
        """Build a new scorer, with a generator of its own."""
        sources = Sources(lambda: self.factors, fit_now(np.random.default_rng(0)), lambda text: None)
        draws = np.random.default_rng(0)
        parts = OpponentParts(self.dataset, KeptEstimates(self.estimates), draws, self.dataset.paid_range, sources)
        scorer = self.build(parts)
        demand(isinstance(scorer, Scorer), f"it builds a {type(scorer).__name__} on a log of ratings; expected a Scorer")
        assert isinstance(scorer, Scorer)
        return scorer

    def moment(self) -> tuple[Tensor, Window]:
        """Return all users (B,), at the start of an episode."""
        n_users, n_items = self.estimates.shape
        start = Window.at_start(n_items, 3, CPU)
        return torch.arange(n_users), Window(start.items.repeat(n_users, 1), start.rewards.repeat(n_users, 1))


OpponentCheck = Callable[[OpponentSubject], None]


def scores_every_item(subject: OpponentSubject) -> None:
    """Scores are (B, n_items), without NaN."""
    scores = subject.scorer()(*subject.moment())
    expected = tuple(subject.estimates.shape)
    demand(tuple(scores.shape) == expected, f"its scores have shape {tuple(scores.shape)}; expected {expected}")
    demand(not bool(scores.isnan().any()), "its scores have values that are not numbers")


def never_chooses_what_is_blocked(subject: OpponentSubject) -> None:
    """Blocked items score -inf, and the others as before; probabilities add up to 1 and are 0 for blocked items."""
    scorer = subject.scorer()
    users, window = subject.moment()
    free = scorer(users, window)
    blocked = torch.zeros(free.shape, dtype=torch.bool)
    blocked.scatter_(1, free.topk(5, dim=1).indices, True)
    scores = scorer(users, window, blocked)
    demand(bool((scores[blocked] == float("-inf")).all()), "a blocked item has a score; expected -inf where 'blocked' is true")
    demand(bool((scores[~blocked] == free[~blocked]).all()), "an item's score changes when others are blocked")
    chances = scorer.probabilities(scores)
    whole = torch.ones(len(users))
    demand_alike(chances.sum(dim=1), whole, "its probabilities do not add up to 1")
    demand(bool((chances >= 0).all()), "a probability is negative")
    demand(not bool(chances[blocked].any()), "a blocked item has a probability above 0")


def repeats_its_numbers(subject: OpponentSubject) -> None:
    """Two scorers built from the same parts give the same scores: random numbers come from the generator."""
    first, second = (subject.scorer()(*subject.moment()) for _ in range(2))
    demand_alike(first, second, "two builds with one seed differ; draw from the generator alone")


def changes_no_estimate(subject: OpponentSubject) -> None:
    """The estimates, which others share, are not changed."""
    before = subject.estimates.clone()
    users, window = subject.moment()
    subject.scorer()(users, window, torch.ones(subject.estimates.shape, dtype=torch.bool).tril())
    demand(torch.equal(before, subject.estimates), "building or asking it changes the estimates, which are shared")


OPPONENT_CHECKS: tuple[OpponentCheck, ...] = (
    scores_every_item,
    never_chooses_what_is_blocked,
    repeats_its_numbers,
    changes_no_estimate,
)


def opponent_subject(build: Opponent) -> OpponentSubject:
    """Put `build` into the planted world."""
    dataset, draws = planted_world().dataset, torch.Generator().manual_seed(0)
    settings = FactorSettings(size=2, link="identity")
    model, report = fit_factors(dataset, settings, draws, CPU)
    shape = dataset.world.n_users, dataset.world.n_items
    return OpponentSubject(build, dataset, torch.rand(shape, generator=draws), ListFactors(model, report.activity_exponent))


def check_opponent(build: Opponent) -> None:
    """Raise `AssertionError` unless `build`, given a log of ratings, makes a scorer that a test can play."""
    run_checks(OPPONENT_CHECKS, opponent_subject(build), f"opponent '{getattr(build, '__name__', build)}'")
