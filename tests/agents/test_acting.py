from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from darlr.agents.acting import (
    Among,
    Scorer,
    blocking_items,
    greedy,
    greedy_slates,
    mask_logits,
    sample_items,
    sampled,
    sampled_slates,
)
from darlr.agents.static.scorers import TableScorer
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.table import TableReward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.leave import Never
from darlr.simulator.simulator import Simulator, roll_out
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.window import Window
from tests.worlds import draws

NOTHING = float("-inf")


def frequencies(logits: list[float], n: int = 40_000) -> Tensor:
    items = sample_items(torch.tensor(logits).expand(n, -1), draws(3))
    return torch.bincount(items, minlength=len(logits)) / n


def test_frequencies_are_the_softmax() -> None:
    logits = [1.0, -0.5, 2.0, 0.0, -3.0]
    n, expected = 40_000, torch.tensor(logits).softmax(0)
    chi_square = float((n * (frequencies(logits, n) - expected).square() / expected).sum())
    assert chi_square < 18.5  # 4 degrees of freedom: exceeded once in 1,000 seeds


@pytest.mark.parametrize(
    "logits",
    [
        [NOTHING, 0.0, 0.0],
        [0.0, NOTHING, 0.0],
        [0.0, 0.0, NOTHING],
        [NOTHING, NOTHING, 5.0],
        [5.0, NOTHING, NOTHING],
        [NOTHING, -90.0, NOTHING],  # whatever is left is drawn, however unlikely it was
    ],
)
def test_masked_items_are_never_drawn(logits: list[float]) -> None:
    found, masked = frequencies(logits), torch.tensor(logits) == NOTHING
    assert not found[masked].any()
    torch.testing.assert_close(
        found[~masked], torch.full((int((~masked).sum()),), 1.0 / int((~masked).sum())), atol=0.01, rtol=0
    )


def test_the_ends_of_the_unit_interval_name_items(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.tensor([[NOTHING, *[0.1] * 1000, NOTHING]])
    for uniform, item in ((0.0, 1), (1 - 2**-24, 1000)):  # all that torch.rand can draw lies between these
        monkeypatch.setattr(torch, "rand", lambda *shape, uniform=uniform, **options: torch.full(shape, uniform))
        assert sample_items(logits, draws()).tolist() == [item]


def test_each_row_has_its_own_probabilities() -> None:
    logits = torch.tensor([[50.0, 0.0, 0.0], [0.0, 0.0, 50.0], [0.0, 50.0, 0.0]])
    assert sample_items(logits, draws()).tolist() == [0, 2, 1]


def test_mask() -> None:
    logits = torch.tensor([[1.0, 2.0]])
    assert mask_logits(logits, None).tolist() == [[1.0, 2.0]]
    assert mask_logits(logits, torch.tensor([[False, True]])).tolist() == [[1.0, NOTHING]]
    assert logits.tolist() == [[1.0, 2.0]]


def test_blocked_items_are_minus_infinity_and_what_fills_rows_up_is_nothing() -> None:
    found = blocking_items(torch.tensor([[2, 0, 4], [3, 4, 4]]), 3)  # of three items; 3 is the start, 4 absence
    assert found.tolist() == [[NOTHING, 0.0, NOTHING], [0.0, 0.0, 0.0]]


def test_greedy_goes_down_each_users_list() -> None:
    scorer = TableScorer(torch.tensor([[3.0, 1.0, 2.0, 2.0], [0.0, 1.0, 2.0, 3.0]]))
    for allow_repeats, expected in ((False, [[0, 2, 3], [3, 2, 1]]), (True, [[0, 0, 0], [3, 3, 3]])):
        simulator = Simulator(TableReward(torch.zeros(2, 4), 0.0, 1.0), Never(), 4, 3, 1, allow_repeats)
        assert roll_out(simulator, torch.tensor([0, 1]), greedy(scorer)).actions.tolist() == expected


def test_sampled_follows_the_scores_and_the_mask() -> None:
    scorer = TableScorer(torch.tensor([[0.0, 1.0, 2.0]]).log())
    simulator = Simulator(TableReward(torch.zeros(1, 3), 0.0, 1.0), Never(), 3, 2, 1, allow_repeats=False)
    actions = roll_out(simulator, torch.zeros(6000, dtype=torch.long), sampled(scorer, draws())).actions
    assert abs(float((actions[:, 0] == 2).float().mean()) - 2 / 3) < 0.025  # four standard deviations
    assert torch.equal(actions.sum(dim=1), torch.full((6000,), 3))  # item 0 is never drawn, 1 and 2 once each


def shown(scorer: Scorer, choose: Callable[[Simulator], Tensor], episodes: int = 1, size: int = 2, steps: int = 2) -> Tensor:
    """The slates (episodes, steps, size) of a world with six items."""
    rules = SlateRules(size, "chosen", ConditionalLogit(0.0, 1.0, 1.0, None), KeptEstimates(torch.zeros(1, 6)))
    world = SlateSimulator(TableReward(torch.zeros(1, 6), 0.0, 1.0), Never(), 6, steps, 1, False, rules)
    slates = roll_out(world, torch.zeros(episodes, dtype=torch.long), choose, draws()).slates
    assert slates is not None
    return slates


def test_greedy_slates_have_the_best_items_that_were_not_shown() -> None:
    scorer = TableScorer(torch.tensor([[3.0, 5.0, 1.0, 4.0, 0.0, 2.0]]))
    assert shown(scorer, greedy_slates(scorer, 2), steps=3).tolist() == [[[1, 3], [0, 5], [2, 4]]]


def test_sampled_slates_follow_the_plackett_luce_model_and_are_distinct() -> None:
    logits = torch.tensor([0.0, 1.0, 0.5, -1.0, NOTHING, 2.0])
    scorer, chances = TableScorer(logits[None]), logits.softmax(0)
    slates = shown(scorer, sampled_slates(scorer, 2, draws(2)), 40_000)
    assert (slates[:, :, 0] != slates[:, :, 1]).all()
    first, second = slates[:, 0].unbind(1)
    torch.testing.assert_close(torch.bincount(first, minlength=6) / 40_000, chances, atol=0.01, rtol=0)
    pairs = torch.bincount(6 * first + second, minlength=36).view(6, 6) / 40_000
    expected = chances[:, None] * chances / (1 - chances[:, None])
    torch.testing.assert_close(pairs, expected.fill_diagonal_(0.0), atol=0.01, rtol=0)
    assert len(set(slates.flatten(1)[0].tolist())) == 4  # nothing is shown twice in an episode


def test_slates_of_a_scorer_that_ranks_few_items_fall_back_on_all_when_too_few_are_left() -> None:
    scorer = Few()
    assert shown(scorer, greedy_slates(scorer, 2), steps=3).tolist() == [[[4, 3], [5, 2], [1, 0]]]


class Few(Scorer):
    """Ranks all items by their number, and three in an episode."""

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(torch.arange(6.0).expand(len(users), -1), blocked)

    def among(self, users: Tensor, window: Window) -> Among:
        items = torch.tensor([2, 4, 3]).expand(len(users), -1)
        return Among(items, torch.tensor([0.0, 2.0, 1.0]).expand(len(users), -1))
