from dataclasses import replace
from typing import Any

import pytest
import torch

from darlr.agents.static.scorers import TableScorer
from darlr.errors import InputError
from darlr.evaluation.modes import MODES
from darlr.evaluation.protocol import EvaluationWorld, run_full_test, run_test
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.table import TableReward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.leave import Never, leave_rule
from darlr.simulator.slates import SlateRules
from darlr.world.settings import LeaveConfig, SlateConfig
from tests.worlds import draws, membership_of

# Twelve items in pairs of one category, two users; user 1 is paid double.
CATEGORIES = [[item // 2] for item in range(12)]
PAID = torch.stack([torch.arange(12.0, 0.0, -1.0), 2 * torch.arange(12.0, 0.0, -1.0)])
USERS = torch.tensor([0, 1])
BEST_FIRST = TableScorer(torch.arange(12.0, 0.0, -1.0)[None])
EVEN = TableScorer(torch.zeros(1, 12))


def world(window: int = 4, max_steps: int = 5, **changes: Any) -> EvaluationWorld:
    leave = leave_rule(LeaveConfig(window=window), membership_of(CATEGORIES), PAID)
    return replace(EvaluationWorld.of_table(TableReward(PAID, 0.0, 24.0), leave, max_steps, lookback=1), **changes)


def greedy(mode: str, scorer: TableScorer = BEST_FIRST, **changes: Any) -> dict[str, float | None]:
    return world(**changes).measure(mode, USERS, scorer, None)


def test_free_browsing_repeats_the_best_item_and_users_leave_at_the_second() -> None:
    # 12 twice for user 0, 24 twice for user 1: returns 24 and 48.
    assert greedy("fb") == {
        "r_tra": 36.0,
        "r_each": 18.0,
        "length": 2.0,
        "mcd": None,
        "cv": pytest.approx(1 / 12),
        "cv_turn": pytest.approx(1 / 4),
    }


def test_without_repeats_the_second_best_is_next_and_shares_its_category() -> None:
    found = greedy("nx_0", dominated=torch.tensor([True, *[False] * 11]))
    # 12 + 11 and 24 + 22; item 0 is one of the two that either sees.
    assert found == {
        "r_tra": 34.5,
        "r_each": 17.25,
        "length": 2.0,
        "mcd": pytest.approx(1 / 2),
        "cv": pytest.approx(2 / 12),
        "cv_turn": pytest.approx(2 / 4),
    }


def test_what_is_recommended_is_what_is_measured() -> None:
    items = world().recommended("nx_0", USERS, BEST_FIRST, None)
    assert sorted(items.tolist()) == [0, 0, 1, 1]
    assert len(world().recommended("nx_10", USERS, EVEN, draws())) == 20


def test_ten_steps_are_ten_whoever_would_leave_and_whatever_the_limit() -> None:
    found = greedy("nx_10")
    assert found["length"] == 10.0
    assert found["cv"] == pytest.approx(10 / 12)
    assert found["r_tra"] == pytest.approx(1.5 * sum(range(3, 13)))


def test_the_length_limit_ends_an_episode() -> None:
    varied = TableScorer(torch.tensor([[12.0, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6]]))  # 0, 2, 4, 6, 8, then 10
    assert greedy("nx_0", varied)["length"] == 5.0


def test_sampling_follows_the_scores() -> None:
    sharp = TableScorer(1000 * torch.arange(12.0, 0.0, -1.0)[None])
    for mode in MODES:
        assert world().measure(mode, USERS, sharp, draws()) == greedy(mode)
    assert world().measure("nx_10", USERS, EVEN, draws(1)) != world().measure("nx_10", USERS, EVEN, draws(2))


@pytest.mark.parametrize("mode", MODES)
def test_forbidden_items_are_never_recommended(mode: str) -> None:
    forbidden = torch.tensor([True, *[False] * 10, True])
    restricted = world(forbidden=forbidden, dominated=forbidden)
    many = torch.zeros(300, dtype=torch.long)
    for generator in (None, draws()):
        assert restricted.measure(mode, many, EVEN, generator)["mcd"] == 0.0
        assert restricted.measure(mode, many, BEST_FIRST, generator)["mcd"] == 0.0
    free = world(dominated=forbidden).measure(mode, many, EVEN, draws())["mcd"]
    assert free is not None
    assert free > 0.1


def test_coverage_is_of_the_items_that_are_allowed() -> None:
    forbidden = torch.tensor([True] * 2 + [False] * 10)
    assert world(forbidden=forbidden).measure("nx_10", USERS, BEST_FIRST, None)["cv"] == 1.0


def test_refuses_a_mode_that_needs_more_items() -> None:
    few = world(forbidden=torch.tensor([True] * 3 + [False] * 9))
    with pytest.raises(InputError, match="has 9 items, but an episode of mode 'nx_10' recommends up to 10 and none twice"):
        few.measure("nx_10", USERS, BEST_FIRST, None)
    assert few.measure("fb", USERS, BEST_FIRST, None)["cv"] is not None


def test_users_in_blocks_have_the_metrics_of_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    together = {mode: greedy(mode) for mode in MODES}
    monkeypatch.setattr("darlr.evaluation.protocol.USERS_AT_ONCE", 1)
    assert {mode: greedy(mode) for mode in MODES} == together


def test_users_are_drawn_evenly() -> None:
    drawn = world().draw_users(4000, draws())
    assert abs(float(drawn.float().mean()) - 0.5) < 0.032  # four standard deviations
    assert set(drawn.tolist()) == {0, 1}


def test_a_test_measures_every_mode_sampled_and_greedy() -> None:
    record = run_test(world(), EVEN, 40, draws(3))
    metrics = ("r_tra", "r_each", "length", "mcd", "cv", "cv_turn")
    assert set(record) == {f"{mode}/{policy}/{name}" for mode in MODES for policy in ("sampled", "greedy") for name in metrics}
    assert record == run_test(world(), EVEN, 40, draws(3)) != run_test(world(), EVEN, 40, draws(4))
    assert record["fb/greedy/length"] == 2.0
    assert record["nx_10/sampled/length"] == 10.0


def test_policies_of_a_test_meet_the_same_users() -> None:
    surely_best_first = TableScorer(1000 * torch.arange(12.0, 0.0, -1.0)[None])
    staying = run_test(world(leave=Never()), surely_best_first, 7, draws(5))
    leaving = run_test(world(), surely_best_first, 7, draws(5))
    for record in (staying, leaving):  # sampling from such scores is acting greedily
        for mode in MODES:
            assert record[f"{mode}/sampled/r_tra"] == record[f"{mode}/greedy/r_tra"]
    # Both are paid 12 for each step of a user 0 and 24 for a user 1, so shares of users show in the return of free browsing.
    five_steps, two_steps = staying["fb/greedy/r_tra"], leaving["fb/greedy/r_tra"]
    assert five_steps is not None
    assert two_steps is not None
    assert five_steps == pytest.approx(two_steps * 5 / 2)


def test_a_full_test_has_every_user_once() -> None:
    test = run_full_test(world(), BEST_FIRST)
    assert test.modes == {mode: greedy(mode) for mode in MODES}
    assert test.returns is not None
    assert float(test.returns.mean()) == pytest.approx(test.modes["nx_0"]["r_tra"])


def test_cells_can_be_forbidden_one_by_one() -> None:
    forbidden = torch.zeros(2, 12, dtype=torch.bool)
    forbidden[1, [0, 1]] = True  # what user 1 would be paid best for
    cells = world(forbidden=forbidden)
    assert (cells.n_allowed, cells.fewest_allowed) == (12, 10)
    # 12 for user 0; 20 for user 1, whose best item that is left is the third.
    assert cells.measure("fb", USERS, BEST_FIRST, None)["r_tra"] == pytest.approx((2 * 12 + 2 * 20) / 2)
    tempting = replace(cells, rewards=TableReward(torch.ones(2, 12).masked_fill(forbidden, 1000.0), 0.0, 1000.0))
    for mode in MODES:
        for generator in (None, draws()):
            assert tempting.measure(mode, USERS.repeat(20), EVEN, generator)["r_each"] == 1.0
    forbidden[1, 2] = True
    with pytest.raises(InputError, match="has 9 items, but an episode of mode 'nx_10' recommends up to 10 and none twice"):
        cells.measure("nx_10", USERS, BEST_FIRST, None)


def with_slates(**settings: Any) -> EvaluationWorld:
    """The world with slates of two; users take the better item, since the utilities differ by five or more."""
    config = SlateConfig(**{"size": 2, "scale": 50.0, **settings})
    rules = SlateRules(config.size, config.leave, ConditionalLogit.of(config, (0.0, 10.0)), KeptEstimates(PAID))
    return world(slates=rules)


def test_slates_are_played_in_every_mode() -> None:
    # The slates are of items 0 and 1, 2 and 3, ...; users choose 0, 2, 4 and so on, and share no category.
    found = with_slates().measure("nx_0", USERS, BEST_FIRST, None)
    assert found["r_tra"] == (12 + 10 + 8 + 6 + 4) * 1.5
    assert (found["length"], found["choice_rate"]) == (5, 1.0)
    assert found["r_slot"] == pytest.approx((12 + 10 + 8 + 6 + 4) * 1.5 / 10)
    assert found["cv"] == pytest.approx(10 / 12)
    assert found["cv_turn"] == pytest.approx(10 / 20)
    repeated = with_slates().measure("fb", USERS, BEST_FIRST, None)
    assert (repeated["length"], repeated["r_tra"]) == (2, 36.0)
    with pytest.raises(InputError, match="has 12 items, but an episode of mode 'nx_10' recommends up to 20 and none twice"):
        with_slates().measure("nx_10", USERS, BEST_FIRST, None)


def test_users_who_prefer_nothing_stay_and_pay_nothing() -> None:
    found = with_slates(nothing=9.0).measure("nx_0", USERS, BEST_FIRST, None)
    assert (found["r_tra"], found["length"], found["choice_rate"]) == (0.0, 5.0, 0.0)


def test_too_few_allowed_items_for_one_slate_are_refused() -> None:
    forbidden = torch.ones(12, dtype=torch.bool)
    forbidden[3] = False
    with pytest.raises(InputError, match="has 1 items, but an episode of mode 'fb' recommends up to 2"):
        replace(with_slates(), forbidden=forbidden).measure("fb", USERS, BEST_FIRST, None)


def test_policies_meet_the_same_users_with_the_same_draws() -> None:
    blind = with_slates(scale=0.0)
    users = torch.arange(2).repeat(200)
    first, again = (blind.measure("nx_0", users, BEST_FIRST, None) for _ in range(2))
    assert first == again
    other = replace(blind, seed=1).measure("nx_0", users, BEST_FIRST, None)
    assert other != first
    slates = [run_test_of_nx_0(blind, seed) for seed in (0, 0, 1)]
    assert slates[0] == slates[1] != slates[2]


def run_test_of_nx_0(tested: EvaluationWorld, seed: int) -> dict[str, float | None]:
    generator = draws(seed)
    return tested.redrawn(generator).measure("nx_0", torch.arange(2).repeat(200), BEST_FIRST, None)
