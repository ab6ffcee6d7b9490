"""The reward table that learning rewrites, by hand on four users and three items."""

import numpy as np
import pytest
import torch

from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import RefinementConfig
from darlr.rewards.table import TableReward
from darlr.world.world import World
from tests.worlds import CPU, log_of, window_of

ESTIMATES = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.0, 1.0, 5.0]])
USERS, ITEMS = torch.tensor([0, 2]), torch.tensor([1, 0])
REFERENCES = torch.tensor([[1, 3], [0, 1]])


def refined_reward(**settings: object) -> RefinedReward:
    return RefinedReward(TableReward(ESTIMATES.clone(), 0.0, 9.0), RefinementConfig(**settings))  # type: ignore[arg-type]


def test_a_write_touches_the_visited_cells_alone() -> None:
    rewards = refined_reward()
    rewards.write(USERS, ITEMS, torch.tensor([3.0, 2.5]))
    expected = ESTIMATES.clone()
    expected[0, 1], expected[2, 0] = 3.0, 2.5
    assert torch.equal(rewards.table, expected)
    assert torch.equal(rewards.initial.table(), ESTIMATES)


def test_a_cell_visited_several_times_gets_the_mean() -> None:
    rewards = refined_reward()
    rewards.write(torch.tensor([0, 3, 0, 0]), torch.tensor([1, 1, 1, 2]), torch.tensor([1.0, 9.0, 4.0, 7.0]))
    expected = ESTIMATES.clone()
    expected[0, 1], expected[3, 1], expected[0, 2] = 2.5, 9.0, 7.0
    assert torch.equal(rewards.table, expected)


@pytest.mark.parametrize(("source", "expected"), [("current", [102.0, 1.0]), ("initial", [5.0, 1.0])])
def test_references_are_read_from_the_source(source: str, expected: list[float]) -> None:
    rewards = refined_reward(source=source)
    rewards.write(torch.tensor([1, 0]), torch.tensor([1, 1]), torch.tensor([102.0, 10.0]))
    assert rewards.transferred(USERS[:1], ITEMS[:1], REFERENCES[:1]).tolist() == [expected]  # users 1 and 3, item 1


@pytest.mark.parametrize("settings", [{"write_back": False}, {"reward": "static"}])
def test_without_write_back_and_where_it_is_static_the_table_stays(settings: dict[str, object]) -> None:
    rewards = refined_reward(**settings)
    rewards.write(USERS, ITEMS, torch.tensor([3.0, 2.5]))
    assert torch.equal(rewards.table, ESTIMATES)
    assert rewards.transferred(USERS, ITEMS, REFERENCES).tolist() == [[5.0, 1.0], [1.0, 4.0]]


def test_what_is_written_is_paid_with_the_same_entropy_term_and_shift() -> None:
    # Item 0 is followed by 1, 1, 1 and 0, 0.811278 bits of 1; 2 by nothing: 1.
    log = log_of([(0, item, 1.0) for item in (0, 0, 1, 0, 1, 0, 1)], 4, 3, list(range(7)))
    entropy = EntropyTerm.fit(log, World(np.arange(4), np.arange(3)), (1,), CPU)
    rewards = RefinedReward(TableReward(ESTIMATES.clone(), 0.0, 9.0, 0.25, entropy, 2.0), RefinementConfig())
    users, items, window = torch.tensor([0, 0]), torch.tensor([0, 2]), window_of([[4, 4, 3]] * 2)
    assert rewards.pay(users, items, window).tolist() == pytest.approx([1 - 0.25 + 2 * 0.8112781, 3 - 0.25 + 2])
    rewards.write(users[:1], items[:1], torch.tensor([7.0]))
    assert rewards.pay(users, items, window).tolist() == pytest.approx([7 - 0.25 + 2 * 0.8112781, 3 - 0.25 + 2])
    assert (rewards.low, rewards.high, rewards.shift) == (0.0, 9.0, 0.25)


def test_kept_levels_by_hand() -> None:
    rewards = refined_reward(keep_levels=True)
    # Levels are the rows' means 2, 5, 8 and 2. User 0, item 1: users 1 and 3 give 0 and -1 beyond their own, so 2 and 1.
    # User 2, item 0: users 0 and 1 give -1 and -1, so 7 and 7.
    assert rewards.transferred(USERS, ITEMS, REFERENCES).tolist() == [[2.0, 1.0], [7.0, 7.0]]
