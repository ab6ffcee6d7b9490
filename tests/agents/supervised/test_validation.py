"""Held-out pairs choose among candidates and epochs."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.supervised.preferences import Preferences
from darlr.agents.supervised.validation import PATIENCE, Rows, Split, fit_best
from tests.agents.supervised.pairs import pairs_of, random_pairs


def test_ndcg_by_hand() -> None:
    # User 0 learned item 0, and 1 and 3 judge: ranked first and third of those that are new. User 1: item 2, ranked second.
    learned, judging = pairs_of([(0, 0)], 2, 4), pairs_of([(0, 1), (0, 3), (1, 2)], 2, 4)
    split = Split(learned, judging, torch.tensor([0, 1]))
    scores = torch.tensor([[9.0, 4.0, 3.0, 2.0], [5.0, 1.0, 4.0, 3.0]])
    first = (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert split.ndcg(lambda users: scores[users]) == pytest.approx((first + 1 / math.log2(3)) / 2)


def test_a_random_split_holds_a_tenth_of_the_pairs_of_those_who_have_several() -> None:
    pairs = random_pairs(40, 30)
    split = Split.random(pairs, np.random.default_rng(0))
    assert split is not None
    assert len(split.judging) == round(0.1 * len(pairs))
    assert len(split.learned) + len(split.judging) == len(pairs)
    assert split.users.tolist() == torch.unique_consecutive(split.judging.users).tolist()


def test_the_last_split_holds_each_users_latest_pair() -> None:
    pairs = pairs_of([(0, 0), (0, 3), (1, 2), (2, 1), (2, 4)], 3, 5)
    split = Split.last(pairs, np.random.default_rng(0))
    assert split is not None
    assert list(zip(split.judging.users.tolist(), split.judging.items.tolist(), strict=True)) == [(0, 3), (2, 4)]
    assert split.learned.items.tolist() == [0, 2, 1]


def test_nothing_is_held_out_where_nobody_has_two() -> None:
    pairs = pairs_of([(0, 0), (1, 1)], 2, 2)
    for split in (Split.random, Split.last):
        assert split(pairs, np.random.default_rng(0)) is None


def scores_for(model: tuple[float, int]) -> Rows:
    """The better, the nearer the candidate is to 2 and the epoch to 3."""
    candidate, epoch = model
    error = abs(candidate - 2) + abs(epoch - 3)

    def rows(users: Tensor) -> Tensor:
        scores = torch.zeros(len(users), 20)
        scores[:, 19] = -error - 0.5  # the held-out item; of the others, item 0 is known
        scores[:, :19] = -torch.arange(19.0)
        return scores

    return rows


def test_the_candidate_and_the_number_of_epochs_that_rank_best_are_fitted_to_all() -> None:
    asked: list[tuple[int, float]] = []
    pairs = pairs_of([(user, item) for user in range(3) for item in (0, 19)], 3, 20)
    judging = pairs_of([(user, 19) for user in range(3)], 3, 20)
    split = Split(pairs_of([(user, 0) for user in range(3)], 3, 20), judging, torch.arange(3))

    def path(part: Preferences, candidate: float) -> Iterator[tuple[float, int]]:
        asked.append((len(part), candidate))
        for epoch in range(1, 100):
            assert epoch <= 3 + PATIENCE
            yield candidate, epoch

    assert fit_best(pairs, (0.0, 2.0, 9.0), path, lambda model, part: scores_for(model), split) == (2.0, 3)
    assert asked == [(3, 0.0), (3, 2.0), (3, 9.0), (6, 2.0)]
    assert fit_best(pairs, (5.0, 2.0), path, lambda model, part: scores_for(model), None) == (5.0, 1)
