"""SlateQ: values, slates, targets and losses on numbers that were worked by hand, and against all slates."""

from itertools import combinations
from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from darlr.agents.acting import greedy_slates
from darlr.agents.offline.policy import Moments
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.replaying.slates import SlateBatch, SlateLearner
from darlr.methods.slateq import SlateQ, SlateQConfig, best_slates, slate_values, top_slates
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.table import TableReward
from darlr.simulator.choice import ConditionalLogit
from darlr.simulator.leave import Never
from darlr.simulator.simulator import roll_out
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.settings import SlateConfig
from tests.agents.offline.policies import HIDDEN, tracker_of
from tests.agents.replaying.small import N_ITEMS, NOTHING, QUICK, STEPS, USERS, leaving
from tests.worlds import draws, window_of

ALWAYS, MAYBE = ConditionalLogit(0.0, 1.0, 1.0, None), ConditionalLogit(0.0, 1.0, 1.0, log(2.0))
# v = 1, 3, 2 of the items, and 2 of nothing.
UTILITIES = torch.tensor([[0.0, log(3.0), log(2.0), log(1.0)]])
SCORES = torch.tensor([[4.0, 1.0, 3.0, 100.0]])


@pytest.mark.parametrize(("choice", "expected"), [(ALWAYS, (4 + 3 + 6) / 6), (MAYBE, (4 + 3 + 6) / 8)])
def test_the_value_of_a_slate_of_three(choice: ConditionalLogit, expected: float) -> None:
    assert slate_values(SCORES, UTILITIES, choice, torch.tensor([[0, 1, 2]])).tolist() == pytest.approx([expected])


def test_the_best_slate_leaves_out_what_takes_choices_from_better_items() -> None:
    scores = torch.tensor([[4.0, 1.0, 3.0, NOTHING]])
    # v Q = 4, 3, 6. Without nothing, {0, 2} is worth 10/3, {0, 1} 7/4 and {1, 2} 9/5.
    assert best_slates(scores, UTILITIES, ALWAYS, 2).tolist() == [[0, 2]]
    # An item that is likely and worth little is in the slate of the largest v Q, and not in the best one.
    weights, values = torch.tensor([[1.0, 1.0, 30.0]]), torch.tensor([[5.0, 4.0, 1.0]])
    assert best_slates(values, weights.log(), ALWAYS, 2).tolist() == [[0, 1]]
    assert top_slates(values, weights.log(), ALWAYS, 2).tolist() == [[0, 2]]


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([None, -3.0, 0.0, 2.0]), st.floats(0.0, 8.0))
def test_no_other_slate_is_better(seed: int, size: int, nothing: float | None, scale: float) -> None:
    generator = draws(seed)
    choice = ConditionalLogit(0.0, 1.0, 1.0, nothing)
    scores, utilities = torch.randn(3, 8, generator=generator) * 5, torch.randn(3, 8, generator=generator) * scale
    scores[1, :3] = NOTHING  # blocked
    found = best_slates(scores, utilities, choice, size)
    assert all(len(set(slate)) == size for slate in found.tolist())
    assert not scores.gather(1, found).isneginf().any()
    every = [torch.tensor(slate).expand(3, -1) for slate in combinations(range(8), size)]
    most = torch.stack([slate_values(scores, utilities, choice, slates) for slates in every]).nan_to_num(NOTHING).amax(dim=0)
    torch.testing.assert_close(slate_values(scores, utilities, choice, found), most, rtol=1e-4, atol=1e-4)
    order = scores.gather(1, found)
    assert (order[:, 1:] <= order[:, :-1]).all()


def test_lists_longer_than_what_is_left_end_with_what_is_blocked() -> None:
    scores = torch.tensor([[1.0, NOTHING, 3.0, NOTHING]])
    for compose in (best_slates, top_slates):
        assert compose(scores, UTILITIES, ALWAYS, 3)[0, :2].tolist() == [2, 0]


def policy_of(slate: SlateConfig, own: SlateQConfig | None = None, n_items: int = 4, users: int = 1) -> SlateQ:
    generator = draws()
    policy = SlateQ(HIDDEN, tracker_of(n_items, generator), n_items, slate, own or SlateQConfig(), generator)
    policy.know(torch.zeros(users, n_items), (0.0, 1.0))
    return policy


def fixed(policy: SlateQ, values: list[float], nothing: float = 0.0) -> SlateQ:
    """The policy with these values of its items and of nothing, whatever the state."""
    for name, biases in (("value", values), ("nothing", [nothing])):
        if name in policy.heads:
            head = policy.heads[name]
            assert isinstance(head, nn.Linear)
            with torch.no_grad():
                head.weight.zero_()
                head.bias.copy_(torch.tensor(biases))
    return policy


def moments(blocked: list[int]) -> Moments:
    blocking = torch.zeros(1, 4)
    blocking[0, blocked] = NOTHING
    return Moments(torch.zeros(1, dtype=torch.long), window_of([[4, 5]]), blocking)


def batch(item: int, blocked: list[int], following: list[int]) -> SlateBatch:
    """A step that paid 2; the value of the next state counts half."""
    chosen, returned, discount = torch.tensor([item]), torch.tensor([2.0]), torch.tensor([0.5])
    return SlateBatch(moments([]), chosen, returned, discount, lambda: moments(blocked), lambda: torch.tensor([following]))


@pytest.mark.parametrize(
    ("target", "nothing", "blocked", "value"),
    [
        ("q_learning", None, [], (8 + 7) / 2),  # all choices are equally likely
        ("q_learning", None, [2], (7 + 4) / 2),
        ("sarsa", None, [], (1 + 4) / 2),  # of the slate that was shown, items 1 and 3
        ("q_learning", 0.0, [], (8 + 7 + 5) / 3),  # nothing is as likely as each of the two, and worth 5
        ("sarsa", 0.0, [], (1 + 4 + 5) / 3),
    ],
)
def test_targets_and_losses(target: str, nothing: float | None, blocked: list[int], value: float) -> None:
    slate = SlateConfig(size=2, scale=0.0, nothing=nothing)
    own = SlateQConfig(target="sarsa" if target == "sarsa" else "q_learning")
    policy, network = (fixed(policy_of(slate, own), values, 5.0) for values in ([0.0, 9.0, 1.0, 5.0], [7.0, 1.0, 8.0, 4.0]))
    step = batch(1, blocked, [1, 3])
    assert policy.following(step, network).tolist() == pytest.approx([value])
    loss, _ = policy.losses(step, network)  # Q of item 1 is 9, its target 2 + value / 2
    assert float(loss.detach()) == pytest.approx(abs(9 - 2 - value / 2) - 0.5)
    if nothing is not None:  # nothing was chosen: its own Q learns
        loss, _ = policy.losses(batch(4, blocked, [1, 3]), network)
        error = abs(5 - 2 - value / 2)
        assert float(loss.detach()) == pytest.approx(error**2 / 2 if error < 1 else error - 0.5)


def test_choices_follow_the_estimates_of_each_user() -> None:
    policy = fixed(policy_of(SlateConfig(size=2, scale=log(3.0))), [1.0, 2.0, 0.0, 0.0])
    policy.know(torch.tensor([[1.0, 1.0, 5.0, 5.0], [5.0, 1.0, 1.0, 1.0]]), (1.0, 5.0))
    step = batch(0, [2, 3], [0, 1])
    assert policy.following(step, policy).tolist() == pytest.approx([1.5])
    second = Moments(torch.tensor([1]), moments([2, 3]).window, moments([2, 3]).blocking)
    other = SlateBatch(second, step.items, step.returns, step.discounts, lambda: second, lambda: step.following)
    assert policy.following(other, policy).tolist() == pytest.approx([(3 * 1 + 2) / 4])


def test_explores_distinct_items_that_are_not_blocked_and_ranks_by_what_beats_nothing() -> None:
    policy = fixed(policy_of(SlateConfig(size=2, nothing=0.5)), [1.0, 2.0, 3.0, 4.0], 2.5)
    assert policy.scores(moments([3])).tolist() == [[-1.5, -0.5, 0.5, NOTHING]]
    slates = [policy.explore(moments([3]), 1.0, draws(seed))[0].tolist() for seed in range(60)]
    assert {tuple(sorted(slate)) for slate in slates} == {(0, 1), (0, 2), (1, 2)}
    assert policy.explore(moments([3]), 0.0, draws()).tolist() == [[2, 1]]


def test_a_list_begins_with_the_slate_and_goes_on_by_the_scores() -> None:
    policy = fixed(policy_of(SlateConfig(size=2, scale=log(30.0)), n_items=4), [5.0, 3.0, 4.0, 2.0])
    policy.know(torch.tensor([[0.0, 1.0, 0.0, 0.0]]), (0.0, 1.0))  # item 1 takes the choices from item 0
    scorer, user, start = policy.scorer(), torch.tensor([0]), window_of([[4, 5]])
    scores = scorer(user, start)
    assert scorer.listed(user, scores, 2).tolist() == [[0, 2]]  # worth 4.5; items 0 and 1 are worth 95 / 31
    assert scorer.listed(user, scores, 4).tolist() == [[0, 2, 1, 3]]
    assert scorer.listed(user, scores, 1).tolist() == [[0]]
    assert torch.equal(scorer.drawn(user, scores, 4, draws()), scorer.listed(user, scores, 4))


def world(config: SlateConfig, allow_repeats: bool = False) -> SlateSimulator:
    """Users like the items with an even number, and leave over categories."""
    liked = (torch.arange(N_ITEMS) % 2 == 0).float().repeat(USERS, 1)
    rules = SlateRules(config.size, config.leave, ConditionalLogit.of(config, (0.0, 1.0)), KeptEstimates(liked))
    return SlateSimulator(TableReward(liked, 0.0, 1.0), leaving(), N_ITEMS, STEPS, 3, allow_repeats, rules)


def learner(config: SlateConfig, own: SlateQConfig | None = None, allow_repeats: bool = False) -> SlateLearner:
    policy = policy_of(config, own, N_ITEMS, USERS)
    simulator = world(config, allow_repeats)
    policy.know(simulator.rules.rewards.table(), (0.0, 1.0))
    return SlateLearner(policy, TargetedUpdates(policy, 0.01, 30), simulator, USERS, QUICK)


MAYBE_TWO = SlateConfig(size=2, scale=2.0, nothing=0.5)


def steps_of(agent: SlateLearner) -> tuple[Tensor, Tensor]:
    lengths = agent.replay.tensors()["replay.lengths"]
    rows, steps = (torch.arange(STEPS) < lengths[:, None]).nonzero(as_tuple=True)
    return rows, steps


@pytest.mark.parametrize("n_step", [1, 2])
def test_a_batch_has_what_was_shown_and_chosen(n_step: int) -> None:
    agent = learner(MAYBE_TWO)
    episodes = agent.sample(30, draws()).episodes
    agent.replay.add(episodes)
    rows, steps = steps_of(agent)
    batch = agent.replay.batch(rows, steps, n_step, 0.9, 2)
    assert isinstance(batch, SlateBatch)
    assert episodes.slates is not None
    assert torch.equal(batch.items, episodes.actions[rows, steps])
    assert N_ITEMS in batch.items  # somebody chose nothing
    assert batch.now.blocking is not None
    for number, (row, step) in enumerate(zip(rows.tolist(), steps.tolist(), strict=True)):
        shown = episodes.slates[row, :step].flatten().tolist()
        assert (batch.now.blocking[number] == NOTHING).nonzero().flatten().tolist() == sorted(shown)
        later = step + n_step
        ended = later >= int(episodes.lengths[row])
        following = [N_ITEMS + 1] * 2 if ended else episodes.slates[row, later].tolist()
        assert batch.following[number].tolist() == following
        assert (float(batch.discounts[number]) == 0.0) is ended


def test_steps_at_which_nothing_was_chosen_are_steps_but_no_pairs() -> None:
    agent = learner(MAYBE_TWO)
    log = agent.epoch(20, 400, draws())
    users, items = log.visited()
    assert len(users) == len(items) < log.steps
    assert int(items.max()) < N_ITEMS


@pytest.mark.parametrize("own", [SlateQConfig(), SlateQConfig(target="sarsa", optimiser="top_k")])
def test_goes_on_from_its_tensors_to_the_same_numbers(own: SlateQConfig) -> None:
    first, second = learner(MAYBE_TWO, own), learner(MAYBE_TWO, own)
    first.epoch(20, 300, draws(1))
    second.restore({key: tensor.clone() for key, tensor in first.tensors().items()})
    logs = [agent.epoch(20, 300, draws(2)).metrics() for agent in (first, second)]
    assert logs[0]["train/r_tra"] == logs[1]["train/r_tra"]
    again = second.tensors()
    assert first.tensors().keys() == again.keys()
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.tensors().items())


@pytest.mark.parametrize("allow_repeats", [False, True])
def test_learns_to_show_one_good_item_beside_others(allow_repeats: bool) -> None:
    # Two of the six liked items at every step would be all of them after three; so a second item is best a disliked one.
    config = SlateConfig(size=2, scale=8.0)
    agent = learner(config, allow_repeats=allow_repeats)
    agent.simulator.leave = Never()
    agent.epoch(20, 6000, draws())
    users = torch.zeros(200, dtype=torch.long)
    paid = roll_out(agent.simulator, users, greedy_slates(agent.policy.scorer(), 2), draws(9)).rewards.sum(dim=1)
    chance = exp(8) / (exp(8) + 1)
    assert float(paid.mean()) > 4.5 * chance  # 3 for the list of liked items where none is shown again, 5 at best
