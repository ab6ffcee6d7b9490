from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.agents.a2c import A2C
from darlr.agents.acting import greedy, mask_logits
from darlr.agents.offline.policy import Moments, OfflinePolicy
from darlr.agents.offline.replay import Replay
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import A2CConfig, PolicyConfig, TrackerConfig
from darlr.methods.bcq import BCQ
from darlr.methods.cql import CQL
from darlr.methods.crr import CRR, CRRConfig
from darlr.methods.sqn import SQN
from darlr.references.agents import FirstStepBonus, ReferenceA2C, as_references_act, as_references_see, mask_or_ones
from darlr.references.simulator import NormalisedStart, reference_tracker
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from darlr.simulator.simulator import Simulator, roll_out
from tests.agents.offline.policies import HIDDEN, tracker_of
from tests.worlds import draws, membership_of, window_of

NONE, GONE = False, True
START, ABSENT = 3, 4


@pytest.mark.parametrize(
    ("scores", "blocked", "expected"),
    [
        ([-3.0, -1.0, -2.0], [NONE, NONE, NONE], 1),  # the first step: nothing is masked
        ([-3.0, -1.0, -2.0], [NONE, GONE, NONE], 0),  # -5: ones, and the lowest free index
        ([-3.0, -1.0, -2.0], [GONE, GONE, NONE], 2),
        ([9.0, -1.0, 0.5], [GONE, NONE, NONE], 1),  # the blocked 9 is not counted: -0.5
        ([9.0, -1.0, 1.5], [GONE, NONE, NONE], 2),  # 0.5: as it is
        ([-1.0, 1.0, 5.0], [NONE, NONE, GONE], 0),  # 0 is not above 0
    ],
)
def test_rows_whose_scores_add_up_to_nothing_are_ones(scores: list[float], blocked: list[bool], expected: int) -> None:
    masked = mask_or_ones(torch.tensor([scores]), torch.tensor([blocked]))
    assert int(masked.argmax(dim=1)) == expected
    assert (masked == float("-inf")).tolist() == [blocked]


def test_every_row_for_itself_and_no_mask_without_blocked_items() -> None:
    scores = torch.tensor([[-3.0, -1.0, -2.0], [3.0, 1.0, 2.0]])
    assert mask_or_ones(scores, None) is scores
    blocked = torch.tensor([[NONE, GONE, NONE], [NONE, NONE, GONE]])
    assert mask_or_ones(scores, blocked).tolist() == [[1.0, float("-inf"), 1.0], [3.0, 1.0, float("-inf")]]


def make(kind: type[OfflinePolicy], n_items: int = 5) -> OfflinePolicy:
    generator = draws()
    tracker = tracker_of(n_items, generator)
    settings: dict[type[OfflinePolicy], tuple[Any, ...]] = {
        SQN: (0.01, generator),
        BCQ: (0.01, 0.6, generator),
        CQL: (3, 0.1, generator),
        CRR: (CRRConfig(), generator),
    }
    policy: OfflinePolicy = as_references_act(kind)(HIDDEN, tracker, n_items, *settings[kind])
    assert isinstance(policy, kind)
    return policy


def lowered(policy: OfflinePolicy, by: float) -> OfflinePolicy:
    """Set the biases of the heads so low that all scores are negative, or as high."""
    with torch.no_grad():
        for head in policy.heads.values():
            assert isinstance(head, torch.nn.Linear)
            head.bias.sub_(by)
    return policy


def listed(policy: OfflinePolicy) -> list[int]:
    """Return the policy's recommendations in an episode without repeats."""
    world = Simulator(TableReward(torch.zeros(1, 5), 0.0, 1.0), Never(), 5, 5, lookback=2, allow_repeats=False)
    return roll_out(world, torch.tensor([0]), greedy(policy.scorer())).actions[0].tolist()


@pytest.mark.parametrize("kind", [SQN, CQL, CRR])
def test_negative_values_are_recommended_in_the_order_of_their_columns(kind: type[OfflinePolicy]) -> None:
    first, *rest = listed(lowered(make(kind), 50.0))
    assert rest == sorted(rest)
    plain = make(kind).scores(Moments(torch.tensor([0]), window_of([[6, 5]], [[0.0, 1.0]]), None))
    assert first == int(plain.argmax())  # the first step is not masked
    assert listed(lowered(make(kind), -50.0)) != [first, *rest]  # positive values are


def test_crr_samples_evenly_once_its_logits_are_spent() -> None:
    scorer = lowered(make(CRR), 50.0).scorer()
    blocked = torch.tensor([[NONE, GONE, NONE, NONE, NONE]])
    window = window_of([[5, 1]], [[0.0, 0.4]])
    assert scorer.probabilities(scorer(torch.tensor([0]), window, blocked)).tolist() == [[0.25, 0.0, 0.25, 0.25, 0.25]]


def test_bcq_takes_the_lowest_likely_column_whatever_its_value() -> None:
    policy = make(BCQ)
    assert isinstance(policy, BCQ)
    values = torch.tensor([[9.0, 1.0, 2.0, 8.0]] * 4)
    imitation = torch.tensor([[0.0, 2.0, 2.1, 1.9], [0.0, 2.0, 2.1, 1.9], [0.0, 2.0, 2.1, 1.9], [-9.0, -2.0, -2.1, 0.0]])
    blocked = torch.tensor([[NONE] * 4, [NONE, GONE, NONE, NONE], [NONE, GONE, GONE, GONE], [NONE, NONE, NONE, GONE]])
    # Likely: at least 0.6 times the likeliest, -0.51 in logits. In the last row the others add up to -13.1: all are.
    mask = mask_logits(torch.zeros(4, 4), blocked)
    assert policy.preferences(values, imitation, mask).argmax(dim=1).tolist() == [1, 2, 0, 0]
    assert policy.preferences(values, imitation, None).argmax(dim=1).tolist() == [1, 1, 1, 3]


def test_logged_steps_are_normalised_by_what_occurs_the_start_too() -> None:
    rewards = torch.tensor([2.0, 4.0, 3.0])
    replay = Replay(torch.zeros(3, dtype=torch.long), torch.tensor([0, 1, 2]), rewards, rewards / 5, torch.tensor([0, 1, 0]), 3)
    assert replay.window(torch.tensor([1]), 3).rewards.tolist() == [[0.0, 1.0, pytest.approx(0.4)]]
    seen = as_references_see(replay).window(torch.tensor([0, 1]), 3)
    assert seen.items.tolist() == [[4, 4, 3], [4, 3, 0]]
    assert seen.rewards.tolist() == [[0.0, 0.0, -0.5], [0.0, -0.5, 0.0]]  # (1 - 2) / (4 - 2) for the start, 0 for the 2


@pytest.mark.parametrize(
    ("blocked", "items", "expected"),
    [
        ([GONE, NONE, NONE], [ABSENT, START], 2),  # the bonus of 5 counts
        ([NONE, NONE, GONE], [START, 2], 0),  # it does not
        ([NONE, GONE, NONE], [START, 1], 0),
        (None, [START, 1], 2),  # repeats are allowed: at every step
    ],
)
def test_the_bonus_counts_at_the_first_step(blocked: list[bool] | None, items: list[int], expected: int) -> None:
    policy = FirstStepBonus(torch.tensor([[3.0, 2.0, 1.0]]), 0.0)
    policy.bonus.copy_(torch.tensor([0.0, 0.0, 5.0]))
    mask = None if blocked is None else torch.tensor([blocked])
    assert int(policy.scorer()(torch.tensor([0]), window_of([items]), mask).argmax()) == expected


def agent(kind: type[A2C]) -> A2C:
    vectors = torch.randn(6, 3, generator=draws(1))
    config = TrackerConfig(kind="transformer", window=3, layers=1)
    tracker = reference_tracker(config, vectors, torch.zeros(2, 0), draws(2))
    paid = TableReward(torch.rand(2, 6, generator=draws(4)) * 4, 0.0, 4.0)
    simulator = NormalisedStart(paid, Never(), 6, 4, lookback=3, allow_repeats=True)
    policy = ActorCritic(PolicyConfig(hidden_sizes=(8,)), tracker, membership_of([[]] * 6).float(), None, draws(3))
    return kind(policy, simulator, 2, A2CConfig())


def test_the_tracker_drops_values_while_it_learns_and_the_same_ones_again() -> None:
    runs = []
    for seed in (7, 7, 8):
        learner = agent(ReferenceA2C)
        window = window_of([[7, 6, 2]], [[0.0, 0.25, 0.3]])  # of a world of six items
        modes: list[bool] = []
        learner.policy.tracker.register_forward_hook(lambda tracker, *_, modes=modes: modes.append(tracker.training))
        before = torch.random.get_rng_state()
        learner.epoch(5, 40, draws(seed))
        assert torch.equal(torch.random.get_rng_state(), before)  # torch's own stream is left alone
        assert all(modes)
        modes.clear()
        states = [learner.policy.tracker(torch.tensor([0]), window) for _ in range(2)]
        assert torch.equal(*states)
        assert modes == [False, False]
        runs.append(states[0])
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_values_are_those_of_what_is_learned_from() -> None:
    collected, recomputed = (agent(kind).sample(5, draws(7)) for kind in (A2C, ReferenceA2C))
    assert torch.equal(collected.episodes.items, recomputed.episodes.items)
    visits = recomputed.visits
    expected = torch.zeros(5, 4)
    with torch.no_grad():
        expected[visits.row, visits.step] = agent(A2C).policy(visits.users, visits.window)[1]
    torch.testing.assert_close(recomputed.values, expected)
    differs: Tensor = (collected.values - recomputed.values).abs().amax(dim=0) > 1e-4
    # The first step was chosen by the start vector, the second on a shorter history; from the third on all is the same.
    assert differs.tolist() == [True, True, False, False]
