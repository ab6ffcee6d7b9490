"""Users who leave at random: one at a time beside the batch, the law beside frequencies, and equal chances for all policies."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from darlr.agents.acting import sampled
from darlr.agents.static.scorers import TableScorer
from darlr.evaluation.protocol import EvaluationWorld, run_full_test, run_test
from darlr.rewards.table import TableReward
from darlr.simulator.environments.sessions import Game, Sessions
from darlr.simulator.environments.single import RecommendationEnv
from darlr.simulator.environments.vector import RecommendationVectorEnv
from darlr.simulator.learned_leave import LearnedLeave, Tempers
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.hazard import LeaveHazard
from darlr.world.settings import LeaveConfig
from tests.worlds import draws, membership_of

CATEGORIES = [[0], [1], [0, 1], [2], [], [0, 2], [1], [2]]
TABLE = torch.tensor([[1.0, 4, 2, 5, 3, 0, 2, 1], [5.0, 1, 1, 2, 4, 3, 0, 2]])
USERS, ITEMS, STEPS = 2, 8, 6
WEIGHTS = [-1.0, 0.3, -1.0, -0.5, 0.8, 0.4]


def rule(
    weights: list[float] = WEIGHTS, effects: tuple[float, float] = (0.5, -0.5), deviation: float = 0.0, window: int = 2
) -> LearnedLeave:
    """The hazard of three users of a log; the world has the last and the first of them."""
    law = LeaveHazard(np.array(weights), np.array([effects[1], 9.0, effects[0]]), np.full(3, deviation), window)
    return LearnedLeave(law, torch.tensor([2, 0]), membership_of(CATEGORIES), TABLE, (0.0, 5.0))


def simulator(leave: LearnedLeave, steps: int = STEPS, repeats: bool = True) -> Simulator:
    # The paid rewards are on another scale, which the hazard does not see.
    return Simulator(TableReward(10 * TABLE, 0.0, 80.0), leave, ITEMS, steps, 1, repeats)


def slow_hazard(user: int, past: list[int], item: int, effect: float) -> float:
    """One user, over plain lists."""
    earlier = past[-2:]
    seen = [float(TABLE[user, each]) / 5 for each in [*earlier, item]]
    shared = max((sum(category in CATEGORIES[other] for other in earlier) for category in CATEGORIES[item]), default=0)
    features = [1.0, math.log(len(past) + 1), seen[-1], sum(seen) / len(seen), shared, earlier.count(item)]
    logit = sum(weight * feature for weight, feature in zip(WEIGHTS, features, strict=True)) + effect
    return 1 / (1 + math.exp(-logit))


EPISODES = st.lists(st.tuples(st.integers(0, 1), st.lists(st.integers(0, 7), min_size=6, max_size=6)), min_size=1, max_size=4)


@given(EPISODES, st.integers(0, 99))
def test_batched_episodes_equal_the_slow_ones(wishes: list[tuple[int, list[int]]], seed: int) -> None:
    plan = torch.tensor([items for _, items in wishes])
    users = torch.tensor([user for user, _ in wishes])
    world, tempers = simulator(rule(deviation=0.7)), Tempers.draw(len(wishes), draws(seed))
    patience, drawn = tempers.patience.tolist(), tempers.effects.tolist()
    for _ in range(2):  # a second roll-out knows nothing of the first
        episodes = roll_out(world, users, lambda now: plan[now.rows, now.step_number], draws(seed))
        for row, (user, items) in enumerate(wishes):
            left, length = patience[row], 0
            while length < STEPS and left >= 0:
                hazard = slow_hazard(user, items[:length], items[length], (0.5, -0.5)[user] + 0.7 * drawn[row])
                left += math.log(1 - hazard)
                length += 1
            assert abs(left) < 1e-5 or episodes.lengths[row] == length
            assert episodes.rewards[row, :length].tolist() == [10 * float(TABLE[user, item]) for item in items[:length]]


def test_sessions_side_by_side_leave_like_episodes() -> None:
    leave, users = rule(deviation=0.7), torch.tensor([0, 1, 1])
    plan = torch.tensor([[0, 3, 5, 1, 2, 4], [7, 7, 3, 0, 1, 2], [4, 3, 2, 1, 0, 6]])
    episodes = roll_out(simulator(leave), users, lambda now: plan[now.rows, now.step_number], draws(5))
    lengths = episodes.lengths.tolist()
    assert len(set(lengths)) > 1
    sessions = Sessions(Game(TableReward(TABLE, 0.0, 5.0), leave, USERS, ITEMS, STEPS, 1, True), 3)
    sessions.begin(torch.arange(3), users, Tempers.draw(3, draws(5)))
    found = [0, 0, 0]
    for step in range(STEPS):
        _, ended = sessions.step(plan[:, step])
        found = [length or (step + 1 if end else 0) for length, end in zip(found, ended.tolist(), strict=True)]
    assert found == lengths


def test_as_many_users_leave_as_the_law_says() -> None:
    """The items 3 and 4, in turn, share no category: the hazard of every step is known."""
    many = torch.zeros(20_000, dtype=torch.int64)
    world = simulator(rule(effects=(0.0, 0.0)), steps=4)
    lengths = roll_out(world, many, lambda now: torch.full((len(now.rows),), 3 + now.step_number % 2), draws()).lengths
    expected = [slow_hazard(0, [3, 4, 3][:step], 3 + step % 2, 0.0) for step in range(3)]
    for step, hazard in enumerate(expected, start=1):
        there = (lengths >= step).sum()
        assert float((lengths == step).sum() / there) == pytest.approx(hazard, abs=4 * (0.25 / int(there)) ** 0.5)


def test_uncertain_effects_keep_some_users_longer() -> None:
    """The same hazard at the mean effect: with uncertain effects, more users stay to the end."""
    many = torch.zeros(5_000, dtype=torch.int64)

    def staying(deviation: float) -> float:
        world = simulator(rule([-0.5, 0, 0, 0, 0, 0], (0.0, 0.0), deviation), steps=6)
        lengths = roll_out(world, many, lambda now: torch.zeros(len(now.rows), dtype=torch.int64), draws()).lengths
        return float((lengths == 6).double().mean())

    assert staying(0.0) == pytest.approx((1 - 1 / (1 + math.exp(0.5))) ** 5, abs=0.02)
    assert staying(1.5) > staying(0.0) + 0.05


def test_tempers_are_exponential_and_one_lies_in_each_stratum() -> None:
    tempers = Tempers.draw(1_000, draws())
    shares = 1 - (-tempers.patience).exp()
    assert (shares * 1_000).floor().sort().values.tolist() == pytest.approx(list(range(1_000)), abs=1)
    assert float(tempers.effects.mean()) == pytest.approx(0, abs=0.1)
    assert float(tempers.effects.std()) == pytest.approx(1, abs=0.1)
    assert Tempers.draw(1, draws()).patience.shape == (1,)


def test_other_rules_draw_nothing() -> None:
    generator = draws(3)
    before = generator.get_state()
    never = Simulator(TableReward(TABLE, 0.0, 5.0), leave_rule(LeaveConfig(), membership_of(CATEGORIES), TABLE), 8, 3, 4, True)
    roll_out(never, torch.tensor([0, 1]), lambda now: torch.zeros(len(now.rows), dtype=torch.int64), generator)
    assert torch.equal(generator.get_state(), before)


def test_needs_a_generator() -> None:
    with pytest.raises(ValueError, match="nothing draws when"):
        simulator(rule()).reset(torch.tensor([0]))
    sessions = Sessions(Game(TableReward(TABLE, 0.0, 5.0), rule(), USERS, ITEMS, STEPS, 1, True), 1)
    with pytest.raises(ValueError, match="nothing says when"):
        sessions.begin(torch.tensor([0]), torch.tensor([0]))
    with pytest.raises(ValueError, match="expected a LearnedLeave"):
        leave_rule(LeaveConfig(by="learned"), membership_of(CATEGORIES), TABLE)


def world(seed: int = 0, leave: LearnedLeave | None = None) -> EvaluationWorld:
    reward = TableReward(TABLE, 0.0, 5.0)
    return EvaluationWorld.of_table(reward, leave or rule(deviation=0.5), max_steps=STEPS, lookback=2, seed=seed)


def test_policies_meet_equally_patient_users() -> None:
    """Two lists that the hazard cannot tell apart have episodes of the same lengths, in every test."""
    alike = rule([-1.0, 0.4, 0, 0, 0, 0], deviation=1.0)
    one, other = (TableScorer(torch.tensor([order]).float()) for order in ([7, 6, 5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5, 6, 7]))
    users = torch.arange(2).repeat(200)
    lengths = [world(leave=alike).episodes("nx_0", users, scorer, None).lengths for scorer in (one, other)]
    assert torch.equal(*lengths)
    assert not torch.equal(lengths[0], world(1, alike).episodes("nx_0", users, one, None).lengths)
    drawn = world(leave=alike).episodes("nx_0", users, other, draws(9)).lengths
    assert torch.equal(drawn, lengths[0])


def test_tests_are_reproducible_and_users_stay_in_nx_10() -> None:
    even = TableScorer(torch.zeros(1, 16))
    many = EvaluationWorld.of_table(TableReward(TABLE.repeat(1, 2), 0.0, 5.0), longer_rule(), max_steps=STEPS, lookback=2)
    assert run_test(many, even, 40, draws(3)) == run_test(many, even, 40, draws(3))
    full = run_full_test(many, even)
    assert full.modes["nx_10"]["length"] == 10
    assert (full.modes["nx_0"]["length"] or STEPS) < STEPS


def longer_rule() -> LearnedLeave:
    law = LeaveHazard(np.array([1.0, 0, 0, 0, 0, 0]), np.zeros(2), np.zeros(2), 2)
    return LearnedLeave(law, torch.arange(2), membership_of(CATEGORIES * 2), TABLE.repeat(1, 2), (0.0, 5.0))


def test_environments_draw_when_users_leave_from_their_own_seed() -> None:
    game = Game(TableReward(TABLE, 0.0, 5.0), rule(deviation=0.5), USERS, ITEMS, STEPS, 1, True)

    def lengths(env: RecommendationEnv, seed: int) -> list[int]:
        found, seeds = [], [seed, *[None] * 19]
        for each in seeds:
            env.reset(seed=each)
            steps, ended = 0, False
            while not ended:
                _, _, ended, _, _ = env.step(np.int64(steps % ITEMS))
                steps += 1
            found.append(steps)
        return found

    one = lengths(RecommendationEnv(game), 4)
    assert one == lengths(RecommendationEnv(game), 4) != lengths(RecommendationEnv(game), 5)
    many = RecommendationVectorEnv(game, 3)
    many.reset(seed=4)
    steps = np.zeros(3, np.int64)
    found: list[list[int]] = [[], [], []]
    for _ in range(60):
        _, _, ended, _, _ = many.step(steps % ITEMS)
        steps += 1
        for row in np.flatnonzero(ended):
            found[row].append(int(steps[row]))
            steps[row] = 0
    assert found[0][:10] == one[:10]


def test_forbidden_repeats_and_short_windows() -> None:
    """The first step has no step before it, and an episode without repeats has no repeats to leave over."""
    leave = rule([-50.0, 0, 0, 0, 0, 100.0])
    choose = sampled(TableScorer(torch.zeros(1, ITEMS)), draws(1))
    assert (roll_out(simulator(leave, repeats=False), torch.tensor([0] * 50), choose, draws(2)).lengths == STEPS).all()

    def same(now: Simulator) -> Tensor:
        return torch.zeros(len(now.rows), dtype=torch.int64)

    assert (roll_out(simulator(leave), torch.tensor([0] * 50), same, draws(2)).lengths == 2).all()
