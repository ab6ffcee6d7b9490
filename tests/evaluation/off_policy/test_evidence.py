"""A log made into evidence: the estimated logging policy, contexts with and without sessions, and the true value."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.static.scorers import TableScorer
from darlr.data.catalog import Features
from darlr.data.exposure import Exposure
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.evaluation.off_policy.behaviour import fit_behaviour
from darlr.evaluation.off_policy.estimating import judge
from darlr.evaluation.off_policy.evidence import evidence_of
from darlr.evaluation.off_policy.verdict import against_popular, compared
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.world.window import Window
from darlr.world.world import World
from tests.worlds import CPU, catalog_of, dataset_of, log_of

USERS, ITEMS = 60, 5
START = Window.at_start(ITEMS, 2, CPU)


def softmax(logits: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), np.float64)


def features() -> Features:
    """Two groups of users, by their number."""
    codes = (np.arange(USERS) % 2).astype(np.int32)[:, None]
    return Features(("group",), codes, (2,), (), np.zeros((USERS, 0), np.float32))


BEHAVIOUR = softmax(np.where((np.arange(USERS)[:, None] + np.arange(ITEMS)) % 2 == 0, 1.0, -0.5))
TRUTH = np.random.default_rng(5).random((USERS, ITEMS))


def drawn(n: int, seed: int, propensities: bool = True) -> InteractionLog:
    """Rows shown by `BEHAVIOUR`, whose rewards are `TRUTH` and noise."""
    random = np.random.default_rng(seed)
    users = random.integers(USERS, size=n)
    items = (BEHAVIOUR[users].cumsum(axis=1) < random.random((n, 1))).sum(axis=1).clip(max=ITEMS - 1)
    rewards = TRUTH[users, items] + random.normal(0, 0.1, n)
    rows = list(zip(users.tolist(), items.tolist(), rewards.tolist(), strict=True))
    log = log_of(rows, USERS, ITEMS, reward_range=(-2.0, 3.0))
    return replace(log, exposure=Exposure(propensities=BEHAVIOUR[users, items])) if propensities else log


def test_the_logging_policy_is_found_again() -> None:
    log = drawn(20_000, 0, propensities=False)
    found = fit_behaviour(log, features(), np.random.default_rng(0))
    estimates = found.rows(np.arange(USERS))
    assert estimates.sum(axis=1) == pytest.approx(np.ones(USERS))
    assert np.abs(estimates - BEHAVIOUR).mean() < 0.02
    popular, regression, both = found.likelihoods
    assert both >= max(popular, regression) - 1e-3
    assert regression > popular + 0.05  # groups are shown different items
    assert found.mixture > 0.8


def test_a_part_of_the_rows_says_enough_of_the_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    log = drawn(20_000, 0, propensities=False)
    whole = fit_behaviour(log, features(), np.random.default_rng(0))
    monkeypatch.setattr("darlr.evaluation.off_policy.behaviour.MIXED_CELLS", 1_000 * ITEMS)  # of 4,000 rows
    part = fit_behaviour(log, features(), np.random.default_rng(0))
    assert part.mixture != whole.mixture
    assert part.likelihoods == pytest.approx(whole.likelihoods, abs=0.05)


def test_an_item_that_was_never_shown_keeps_a_propensity() -> None:
    log = log_of([(user, user % 2, 1.0) for user in range(40)], 40, 3)
    found = fit_behaviour(log, Features.none(40), np.random.default_rng(0))
    assert (found.rows(np.arange(40)) > 0).all()


@pytest.mark.parametrize("propensities", [True, False])
def test_values_are_found_whoever_wrote_the_propensities(propensities: bool) -> None:
    random = np.random.default_rng(3)
    learned, judging = drawn(8000, 0, propensities), drawn(8000, 1, propensities)
    dataset = dataset_of(learned, user_features=features())
    scores = torch.from_numpy(random.normal(size=(USERS, ITEMS)).astype(np.float32))
    policy = TableScorer(scores)
    evidence = evidence_of(dataset, judging, KeptEstimates(torch.zeros(USERS, ITEMS)), START, random)
    assert evidence.estimated is not propensities
    assert evidence.notes[0].startswith("propensities are " + ("as logged" if propensities else "estimated from the log"))
    decisions = {name: evidence.decisions(policy, name, greedy=name == "greedy") for name in ("sampled", "greedy")}
    judged = judge(decisions, random)
    counts = np.bincount(judging.users, minlength=USERS) / len(judging)
    exact = {
        "sampled": float(counts @ (softmax(scores.numpy().astype(float)) * TRUTH).sum(axis=1)),
        "greedy": float(counts @ TRUTH[np.arange(USERS), scores.numpy().argmax(axis=1)]),
    }
    for name, value in exact.items():
        assert judged.estimates[name]["snips"].told
        assert judged.estimates[name]["snips"].value == pytest.approx(value, abs=0.03)


def test_what_users_had_is_withheld_only_where_the_log_does_so() -> None:
    learned = log_of([(0, 0, 1.0), (0, 1, 1.0), (1, 2, 1.0)], 2, 4)
    evidence = evidence_of(
        dataset_of(learned),
        log_of([(0, 2, 1.0), (1, 0, 0.0)], 2, 4),
        KeptEstimates(torch.zeros(2, 4)),
        Window.at_start(4, 1, CPU),
        np.random.default_rng(0),
    )
    assert evidence.contexts.blocked(np.array([0, 1])).tolist() == [[True, True, False, False], [False, False, True, False]]
    found = evidence.decisions(TableScorer(torch.zeros(1, 4)), "even", greedy=False)
    assert found.probabilities == pytest.approx([1 / 2, 1 / 3])
    again = evidence_of(
        dataset_of(learned),
        log_of([(0, 0, 1.0)], 2, 4),
        KeptEstimates(torch.zeros(2, 4)),
        Window.at_start(4, 1, CPU),
        np.random.default_rng(0),
    )
    assert not again.contexts.blocked(np.array([0])).any()


class Remembering(Scorer):
    """Recommends the item after the last one, whoever the user is."""

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        last = window.items[:, -1]
        scores = torch.zeros(len(users), ITEMS)
        scores[torch.arange(len(users)), (last + 1) % ITEMS] = 1.0
        return scores if blocked is None else scores.masked_fill(blocked, float("-inf"))


def test_sessions_show_a_policy_what_came_before() -> None:
    """Two sessions, written out of order: items 3, 1 and item 2."""
    log = log_of([(0, 1, 0.5), (1, 2, 3.0), (0, 3, -2.0)], 2, ITEMS, reward_range=(-2.0, 3.0))
    exposure = Exposure(np.full(3, 0.5), np.array([7, 9, 7]), np.array([1, 0, 0]))
    evidence = evidence_of(
        dataset_of(log_of([(0, 0, 1.0), (0, 0, 1.0)], 2, ITEMS)),
        replace(log, exposure=exposure),
        KeptEstimates(torch.zeros(2, ITEMS)),
        START,
        np.random.default_rng(0),
    )
    window = evidence.contexts.window
    assert window.items.tolist() == [[ITEMS + 1, ITEMS], [ITEMS, 3], [ITEMS + 1, ITEMS]]
    assert window.rewards.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert evidence.sessions is not None
    assert evidence.sessions.tolist() == [7, 7, 9]
    assert np.argwhere(evidence.contexts.blocked(np.arange(3))).tolist() == [[1, 3]]
    found = evidence.decisions(Remembering(), "after", greedy=True)
    assert found.probabilities.tolist() == [0, 0, 0]  # 5 + 1 -> 1, 3 + 1 -> 4: neither is the logged 3, 1 nor 2
    assert found.unsupported is not None


def test_items_without_categories_are_a_group_of_their_own() -> None:
    log = drawn(500, 0)
    dataset = dataset_of(log, items=catalog_of([[0], [0], [0, 1], [], []]), user_features=features())
    evidence = evidence_of(dataset, drawn(200, 1), KeptEstimates(torch.zeros(USERS, ITEMS)), START, np.random.default_rng(0))
    assert evidence.rows.groups is not None
    assert evidence.rows.groups.tolist() == [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 0, 1], [0, 0, 1]]


def test_a_log_about_others_is_refused() -> None:
    log = drawn(100, 0)
    narrow = World(np.array([0]), np.array([0]))
    elsewhere = log_of([(1, 1, 1.0)], USERS, ITEMS)
    with pytest.raises(InputError, match="no row of the log is about a user and an item of the world"):
        evidence_of(dataset_of(log, world=narrow), elsewhere, KeptEstimates(torch.zeros(1, 1)), START, np.random.default_rng(0))


def test_verdicts() -> None:
    assert compared("DR", 0.004, 0.039, -0.04, -0.03).line == (
        "worse than popular by DR: 0.004 against 0.039, difference -0.04 to -0.03"
    )
    assert compared("DR", 0.2, 0.1, 0.05, 0.15).finding == "better"
    assert compared("DR", 0.2, 0.1, -0.05, 0.15).finding == "not told apart"


def test_a_policy_that_shows_the_worst_is_called_worse_than_popular() -> None:
    random = np.random.default_rng(3)
    dataset = dataset_of(drawn(8000, 0), user_features=features())
    evidence = evidence_of(dataset, drawn(20_000, 1), KeptEstimates(torch.zeros(USERS, ITEMS)), START, random)
    scores = torch.from_numpy(-8 * TRUTH.astype(np.float32))
    decisions = {
        "mine": evidence.decisions(TableScorer(scores), "mine", greedy=False),
        "popular": evidence.decisions(TableScorer(-scores), "popular", greedy=False),
    }
    verdict = against_popular(judge(decisions, random), "mine")
    assert (verdict.finding, verdict.measure) == ("worse", "DR")
