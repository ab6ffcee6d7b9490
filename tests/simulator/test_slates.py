"""Slates in the simulator: what is chosen, paid, blocked and seen, and when users leave."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from torch import Tensor

from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.table import TableReward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Episodes, Simulator, roll_out
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.settings import LeaveConfig, SlateConfig
from tests.simulator.slow_worlds import (
    HIGH,
    LOW,
    SlateWorld,
    SmallWorld,
    Spoilt,
    one_user_of_slates,
    slate_worlds,
    small_worlds,
)
from tests.worlds import draws, membership_of


def rules_of(config: SlateConfig, table: Tensor, paid_range: tuple[float, float]) -> SlateRules:
    return SlateRules(config.size, config.leave, ConditionalLogit.of(config, paid_range), KeptEstimates(table))


class Scripted(SlateSimulator):
    """A simulator that is told the draws."""

    script: Tensor

    def reset(self, users: Tensor, generator: torch.Generator | None = None) -> None:
        super().reset(users, generator)
        assert self._draws.shape == self.script.shape
        self._draws = self.script


def simulator_of(world: SlateWorld) -> Scripted:
    table = torch.tensor(world.table)
    rule = leave_rule(world.leave, membership_of(world.categories), table)
    simulator = Scripted(
        Spoilt(table, LOW, HIGH),
        rule,
        world.n_items,
        world.leave.max_steps,
        world.lookback,
        world.allow_repeats,
        rules_of(world.slate, table, (LOW, HIGH)),
    )
    simulator.script = torch.tensor(world.draws)
    return simulator


@given(slate_worlds())
def test_batched_slates_equal_the_slow_ones(world: SlateWorld) -> None:
    simulator = simulator_of(world)
    pasts = [one_user_of_slates(world, episode) for episode in range(len(world.users))]
    assume(all(past.nearest > 1e-5 for past in pasts))  # rounding may choose the neighbour there

    def choose(simulator: Simulator) -> Tensor:
        step = simulator.step_number
        assert simulator.rows.tolist() == [row for row, past in enumerate(pasts) if len(past.items) > step]
        for place, row in enumerate(simulator.rows.tolist()):
            items, rewards = pasts[row].windows[step]
            assert simulator.window.items[place, -len(items) :].tolist() == items
            assert simulator.window.rewards[place, -len(items) :].tolist() == pytest.approx(rewards, abs=1e-6)
            if simulator.blocked is not None:
                shown = {item for slate in pasts[row].slates[:step] for item in slate}
                assert set(simulator.blocked[place].nonzero()[:, 0].tolist()) == shown
        return torch.tensor([pasts[row].slates[step] for row in simulator.rows.tolist()])

    for _ in range(2):  # a second roll-out in the same buffers knows nothing of the first
        episodes = roll_out(simulator, torch.tensor(world.users), choose, draws())
        assert episodes.lengths.tolist() == [len(past.items) for past in pasts]
        assert episodes.slates is not None
        assert episodes.chosen is not None
        for row, past in enumerate(pasts):
            length = len(past.items)
            assert episodes.actions[row, :length].tolist() == past.items
            assert (episodes.actions[row, length:] == simulator.absent_item).all()
            assert episodes.slates[row, :length].tolist() == past.slates
            assert (episodes.slates[row, length:] == simulator.absent_item).all()
            assert episodes.rewards[row, :length].tolist() == pytest.approx(past.rewards, abs=1e-6)
            assert not episodes.rewards[row, length:].any()
            assert episodes.chosen[row].tolist() == [
                step < length and past.items[step] < world.n_items for step in range(world.leave.max_steps)
            ]
        visits = episodes.visits()
        assert visits.chosen is not None
        assert torch.equal(visits.chosen, episodes.chosen[visits.row, visits.step])


@given(small_worlds())
def test_slates_of_one_item_are_single_recommendations_to_the_last_bit(world: SmallWorld) -> None:
    table = torch.tensor(world.table)
    rule = leave_rule(world.leave, membership_of(world.categories), table)
    game = Spoilt(table, LOW, HIGH), rule, world.n_items, world.leave.max_steps, world.lookback, world.allow_repeats
    generator = draws(1)
    plan = torch.rand(len(world.users), world.leave.max_steps, world.n_items, generator=generator)

    def choose(simulator: Simulator) -> Tensor:
        wishes = plan[simulator.rows, simulator.step_number]
        return (wishes if simulator.blocked is None else wishes.masked_fill(simulator.blocked, -1.0)).argmax(dim=1)

    users = torch.tensor(world.users)
    single = roll_out(Simulator(*game), users, choose)
    slates = SlateSimulator(*game, rules_of(SlateConfig(size=1), table, (LOW, HIGH)))
    shown = roll_out(slates, users, lambda simulator: choose(simulator)[:, None], draws())
    for name in ("lengths", "items", "seen_rewards", "rewards"):
        assert torch.equal(getattr(single, name), getattr(shown, name)), name


TABLE = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 4.0]])
PAIRS = [[0], [0], [1], [1], [2], [3]]  # items 0 and 1 share a category, and so do 2 and 3


def play(slates: list[list[int]], uniform: list[float], users_leave: LeaveConfig | None = None, **slate: Any) -> Episodes:
    """One user's episode. Without another scale, the user chooses each item and nothing equally often."""
    config = SlateConfig(**{"size": len(slates[0]), "scale": 0.0, "nothing": 0.0, **slate})
    rule = leave_rule(users_leave or LeaveConfig(by="never"), membership_of(PAIRS), TABLE)
    reward = TableReward(TABLE, 0.0, 4.0)
    simulator = Scripted(reward, rule, 6, len(slates), 2, True, rules_of(config, TABLE, (0.0, 4.0)))
    simulator.script = torch.tensor([uniform])
    return roll_out(simulator, torch.tensor([0]), lambda now: torch.tensor([slates[now.step_number]]), draws())


def test_a_user_pays_for_the_chosen_item_and_nothing_for_nothing() -> None:
    episodes = play([[1, 4], [2, 3], [0, 5]], [0.5, 0.9, 0.1])  # thirds: the second item, nothing, the first item
    assert episodes.actions.tolist() == [[4, 6, 0]]
    assert episodes.rewards.tolist() == [[4.0, 0.0, 0.0]]
    assert episodes.seen_rewards[0, -3:].tolist() == [1.0, 0.0, 0.0]
    assert episodes.items[0, :2].tolist() == [7, 6]  # absence, then the start, whose reward is 1
    assert episodes.seen_rewards[0, :2].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("leave", "uniform", "length"),
    [
        ("chosen", [0.1, 0.1, 0.1], 2),  # items 0 and 1, of one category
        ("chosen", [0.1, 0.5, 0.1], 3),  # items 0, 4 and 2
        ("chosen", [0.1, 0.9, 0.1], 3),  # nothing is chosen at the second step, so nobody leaves over it
        ("shown", [0.1, 0.5, 0.1], 2),  # item 1 is shown after item 0
        ("shown", [0.9, 0.9, 0.9], 2),  # so it is when nothing is chosen
    ],
)
def test_users_leave_over_what_they_chose_or_over_what_was_shown(leave: str, uniform: list[float], length: int) -> None:
    slates = [[0, 5], [1, 4], [2, 3]]
    assert play(slates, uniform, LeaveConfig(window=2), leave=leave).lengths.tolist() == [length]


def test_items_of_one_slate_are_no_reason_to_leave() -> None:
    assert play([[0, 1], [2, 3], [4, 5]], [0.1, 0.1, 0.1], LeaveConfig(window=4), leave="shown").lengths.tolist() == [3]


def test_a_tolerance_counts_every_item_that_was_shown() -> None:
    slates = [[0, 1], [0, 5], [4, 5]]
    for tolerance, length in ((0, 2), (1, 2), (2, 3)):
        leave = LeaveConfig(window=1, tolerance=tolerance)
        assert play(slates, [0.9] * 3, leave, leave="shown").lengths.tolist() == [length]


def test_the_draws_of_an_episode_do_not_depend_on_who_has_left() -> None:
    table = torch.zeros(1, 6)
    config = SlateConfig(size=2, scale=0.0)
    categories = membership_of(PAIRS)
    impatient, patient = (leave_rule(LeaveConfig(window=1, tolerance=count), categories, table) for count in (0, 9))
    users = torch.zeros(40, dtype=torch.int64)
    found = []
    for rule in (impatient, patient):
        simulator = SlateSimulator(TableReward(table, 0.0, 1.0), rule, 6, 8, 1, True, rules_of(config, table, (0.0, 1.0)))
        found.append(roll_out(simulator, users, lambda now: torch.tensor([[0, 2]]).expand(len(now.rows), -1), draws(5)))
    left, stayed = (episodes.lengths for episodes in found)
    assert int(left.min()) < 8
    assert int(stayed.min()) == 8
    actions = [episodes.actions for episodes in found]
    taken = found[0].taken
    assert torch.equal(actions[0][taken], actions[1][taken])


def test_equal_generators_give_equal_choices_and_others_do_not() -> None:
    config = SlateConfig(size=2, scale=0.0)
    rule = leave_rule(LeaveConfig(by="never"), membership_of(PAIRS), TABLE)
    simulator = SlateSimulator(TableReward(TABLE, 0.0, 4.0), rule, 6, 3, 1, False, rules_of(config, TABLE, (0.0, 4.0)))
    users = torch.zeros(50, dtype=torch.int64)

    def played(seed: int) -> Tensor:
        slates = torch.tensor([[0, 1], [2, 3], [4, 5]])
        return roll_out(simulator, users, lambda now: slates[now.step_number].expand(len(now.rows), -1), draws(seed)).actions

    first = played(0).clone()
    assert torch.equal(first, played(0))
    assert not torch.equal(first, played(1))


def test_slates_without_a_generator_are_refused() -> None:
    rule = leave_rule(LeaveConfig(by="never"), membership_of(PAIRS), TABLE)
    rules = rules_of(SlateConfig(size=2), TABLE, (0.0, 4.0))
    simulator = SlateSimulator(TableReward(TABLE, 0.0, 4.0), rule, 6, 3, 1, False, rules)
    with pytest.raises(ValueError, match="need a generator"):
        simulator.reset(torch.tensor([0]))
    assert replace(rules, size=1).probabilities(torch.tensor([0]), torch.tensor([[3]])).tolist() == [[1.0]]
