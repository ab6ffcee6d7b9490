"""The reward table that learning rewrites and the penalty on its changes, by hand on four users and three items."""

import pytest
import torch

from darlr.rewards.refinement import Refined, RewardTable, change_penalty
from darlr.rewards.settings import RefinementConfig

ESTIMATES = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.0, 1.0, 5.0]])
USERS, ITEMS = torch.tensor([0, 2]), torch.tensor([1, 0])
REFERENCES = torch.tensor([[1, 3], [0, 1]])


def table(**settings: object) -> RewardTable:
    return RewardTable(ESTIMATES.clone(), RefinementConfig(**settings))  # type: ignore[arg-type]


def refine(rewards: RewardTable, visits: int = 2) -> Refined:
    users, items = USERS[:visits], ITEMS[:visits]
    return rewards.refine(users, items, rewards.transferred(users, items, REFERENCES[:visits]))


def test_refined_estimates_by_hand() -> None:
    refined = refine(table())
    # User 0, item 1: the mean of users 1 and 3, (5 + 1) / 2 = 3, was 2. User 2, item 0: (1 + 4) / 2 = 2.5, was 7.
    assert refined.estimates.tolist() == [3.0, 2.5]
    assert refined.changes.tolist() == [1.0, 4.5]


def test_a_write_touches_the_visited_cells_alone() -> None:
    rewards = table()
    rewards.write(USERS, ITEMS, torch.tensor([3.0, 2.5]))
    expected = ESTIMATES.clone()
    expected[0, 1], expected[2, 0] = 3.0, 2.5
    assert torch.equal(rewards.current, expected)
    assert torch.equal(rewards.initial, ESTIMATES)


def test_a_cell_visited_several_times_gets_the_mean() -> None:
    rewards = table()
    rewards.write(torch.tensor([0, 3, 0, 0]), torch.tensor([1, 1, 1, 2]), torch.tensor([1.0, 9.0, 4.0, 7.0]))
    expected = ESTIMATES.clone()
    expected[0, 1], expected[3, 1], expected[0, 2] = 2.5, 9.0, 7.0
    assert torch.equal(rewards.current, expected)


@pytest.mark.parametrize(("source", "expected"), [("current", 51.5), ("initial", 3.0)])
def test_references_are_read_from_the_source(source: str, expected: float) -> None:
    rewards = table(source=source)
    rewards.write(torch.tensor([1, 0]), torch.tensor([1, 1]), torch.tensor([102.0, 10.0]))
    refined = refine(rewards, 1)
    assert refined.estimates.tolist() == [expected]  # (102 + 1) / 2 of what was written, (5 + 1) / 2 of what was at first
    assert refined.changes.tolist() == [abs(expected - 10.0)]  # against what the cell holds now, whatever the source


def test_without_write_back_the_table_stays() -> None:
    rewards = table(write_back=False)
    rewards.write(USERS, ITEMS, torch.tensor([3.0, 2.5]))
    assert torch.equal(rewards.current, ESTIMATES)
    assert refine(rewards).estimates.tolist() == [3.0, 2.5]


def test_a_static_reward_is_the_tables_own_and_stays() -> None:
    rewards = table(reward="static")
    refined = refine(rewards)
    assert refined.estimates.tolist() == [2.0, 7.0]
    assert refined.changes.tolist() == [1.0, 4.5]  # what the penalty is made of is still Eq. 15's
    rewards.write(USERS, ITEMS, torch.tensor([3.0, 2.5]))
    assert torch.equal(rewards.current, ESTIMATES)


def test_kept_levels_by_hand() -> None:
    rewards = table(keep_levels=True)
    # Levels are the rows' means 2, 5, 8 and 2. User 0, item 1: users 1 and 3 give 0 and -1 beyond their own, so 2 and 1.
    # User 2, item 0: users 0 and 1 give -1 and -1, so 7 and 7.
    assert rewards.transferred(USERS, ITEMS, REFERENCES).tolist() == [[2.0, 1.0], [7.0, 7.0]]
    refined = refine(rewards)
    assert refined.estimates.tolist() == [1.5, 7.0]
    assert refined.changes.tolist() == [0.5, 0.0]


def test_penalty_by_hand() -> None:
    changes = torch.tensor([1.0, 4.5, 0.0, 2.0, 2.0])
    similarity = torch.tensor([0.3, 0.9, 0.5, 0.0, -0.8])
    diversity = torch.tensor([0.2, 0.0, 0.5, 0.001, 0.1])
    # 1 / 0.5, 4.5 / 0.9, 0 / 1; then denominators of 0.001 and -0.7, which are bounded by 0.01.
    found = change_penalty(changes, similarity, diversity, epsilon=0.01)
    assert found.tolist() == pytest.approx([2.0, 5.0, 0.0, 200.0, 200.0])
