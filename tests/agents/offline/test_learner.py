"""The training loop of the offline agents: targets, blocked items, target network, learning, state."""

from dataclasses import replace
from math import isfinite

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.acting import greedy, sampled
from darlr.agents.learning import EpochLog
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import Moments
from darlr.agents.offline.replay import Replay, replay_log
from darlr.agents.settings import OfflineConfig
from darlr.errors import RunError
from darlr.methods.bc import BC
from darlr.methods.bcq import BCQ
from darlr.methods.cql import CQL
from darlr.methods.sqn import SQN, ActingHead
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.world import World
from tests.agents.offline.policies import HIDDEN, POLICIES, policy_of, tracker_of
from tests.worlds import CPU, draws, log_of, window_of

N_ITEMS, LOOKBACK = 12, 32
QUICK = OfflineConfig(learning_rate=0.01, batch_size=64, updates_per_epoch=300, target_sync=50, n_step=2)
NOTHING = float("-inf")
HALF_WAY = {"crr": 0.6, "weighted-likelihood": 0.6, "bc": 0.8, "decision-transformer": 0.6}
"""Shares of even items that are asked of methods that imitate the log, too."""
HEADS: tuple[ActingHead, ...] = ("value", "imitation")


def random_log(seed: int = 0, even: float = 0.5) -> Replay:
    """60 users saw half of the items, in any order; those with an even number are worth 1, the others 0.

    Args: even: the share of even items among what is seen.
    """
    random = np.random.default_rng(seed)
    chances = np.where(np.arange(N_ITEMS) % 2 == 0, even, 1 - even) / (N_ITEMS / 2)
    shown = [random.choice(N_ITEMS, 6, replace=False, p=chances) for _ in range(60)]
    rows = [(user, int(item), float(item % 2 == 0)) for user in range(60) for item in shown[user]]
    log = log_of(rows, 60, N_ITEMS, times=range(len(rows)), reward_range=(0.0, 1.0))
    return replay_log(log, World(np.arange(60), np.arange(N_ITEMS)), Never(), 6, False, True, random, CPU)


def excluded(moments: Moments) -> Tensor:
    """Return (B, n_items) bool: the items that may not be recommended."""
    assert moments.blocking is not None
    assert ((moments.blocking == 0) | (moments.blocking == NOTHING)).all()
    return moments.blocking == NOTHING


def learner(name: str, config: OfflineConfig = QUICK, allow_repeats: bool = False) -> OfflineLearner:
    log = random_log(even=0.95) if name == "bc" else random_log()  # what imitates is as good as its log
    return OfflineLearner(policy_of(name, N_ITEMS), log, config, allow_repeats)


@pytest.mark.parametrize("name", POLICIES)
def test_learns_what_pays(name: str) -> None:
    agent = learner(name)
    log = agent.epoch(0, 0, draws())
    assert log.steps == 300 * 64
    assert all(isfinite(value) for value in log.metrics().values())
    simulator = Simulator(TableReward(torch.zeros(200, N_ITEMS), 0.0, 1.0), Never(), N_ITEMS, 4, LOOKBACK, allow_repeats=False)
    users = torch.zeros(200, dtype=torch.long)
    for choose in (greedy(agent.policy.scorer()), sampled(agent.policy.scorer(), draws())):
        items = roll_out(simulator, users, choose).actions
        assert float((items % 2 == 0).float().mean()) > HALF_WAY.get(name, 0.9)


@pytest.mark.parametrize("name", POLICIES)
def test_neither_acts_on_nor_bootstraps_from_blocked_items(name: str) -> None:
    agent = learner(name)
    agent.epoch(0, 0, draws())
    before = [13] * (LOOKBACK - 2)
    users, window = torch.zeros(3, dtype=torch.long), window_of([[*before, 0, 1], [*before, 12, 0], [*before, 13, 12]])
    free = agent.policy.scorer()(users, window)
    blocked = torch.ones(3, N_ITEMS, dtype=torch.bool)
    blocked[:, [3, 7]] = False
    scores = agent.policy.scorer()(users, window, blocked)
    assert (scores == NOTHING).tolist() == blocked.tolist()
    assert free.isfinite().all()
    assert agent.policy.scorer().probabilities(scores)[:, [3, 7]].sum(dim=1).tolist() == pytest.approx([1.0] * 3)


@pytest.mark.parametrize(
    ("name", "head", "part"),
    [
        ("sqn", "value", "value"),
        ("bcq", "value", "value"),
        ("cql", "quantiles", "value"),
        ("cql-plain", "quantiles", "value"),
        ("crr", "critic", "critic"),
    ],
)
def test_targets_do_not_see_what_is_blocked(name: str, head: str, part: str) -> None:
    agent = learner(name)
    agent.epoch(0, 0, draws())
    start = int((agent.logged.replay.step == 0).nonzero()[3])
    batch = agent.logged.batch(torch.tensor([start + 2]))
    seen = excluded(batch.after)[0] & (torch.arange(N_ITEMS) != batch.items)
    assert seen.sum() == 3

    def loss_with(items: Tensor) -> float:
        with torch.no_grad():
            for policy in (agent.policy, agent.target):
                bias = policy.heads[head].bias
                assert isinstance(bias, Tensor)
                bias.view(N_ITEMS, -1)[items] += 100.0
            return float(agent.policy.losses(batch, agent.target)[1][part])

    before = loss_with(torch.zeros(N_ITEMS, dtype=torch.bool))
    assert loss_with(seen) == pytest.approx(before, rel=1e-5)
    free = ~excluded(batch.after)[0]
    assert loss_with(free) > before + 1.0


def test_batches_block_what_the_episode_has_had() -> None:
    agent = learner("sqn")
    first = [index for index in range(len(agent.logged.replay)) if agent.logged.replay.step[index] == 0][3]
    batch = agent.logged.batch(torch.tensor([first + 2, first, first + 5]))
    items = agent.logged.replay.items[first : first + 6].tolist()
    assert batch.items.tolist() == [items[2], items[0], items[5]]
    assert [row.nonzero().flatten().tolist() for row in excluded(batch.now)] == [sorted(items[:2]), [], sorted(items[:5])]
    assert excluded(batch.after)[0].nonzero().flatten().tolist() == sorted(items[:4])
    assert not excluded(batch.now).gather(1, batch.items[:, None]).any()
    assert batch.discounts.tolist() == pytest.approx([0.81, 0.81, 0.0])  # the last step ends its episode
    assert learner("sqn", allow_repeats=True).logged.batch(torch.tensor([0])).now.blocking is None


def test_crrs_targets_are_the_targets_own_actors() -> None:
    agent = learner("crr")
    agent.update(torch.arange(64), EpochLog())  # the policy has moved on from its target
    batch = agent.logged.batch(torch.tensor([0, 7, 13]))
    with torch.no_grad():
        for head, seed in (("actor", 1), ("critic", 2)):
            bias = agent.target.heads[head].bias
            assert isinstance(bias, Tensor)
            bias += 2 * torch.randn(N_ITEMS, generator=draws(seed))
        after, now = agent.target.hidden(batch.after), agent.policy.hidden(batch.now)
        logits, values = agent.target.heads["actor"](after), agent.target.heads["critic"](after)
        expected = 0.0
        for row in range(3):
            free = [item for item in range(N_ITEMS) if not excluded(batch.after)[row, item]]
            chances = logits[row, free].softmax(0)
            target = float(batch.returns[row] + batch.discounts[row] * (chances * values[row, free]).sum())
            found = float(agent.policy.heads["critic"](now)[row, batch.items[row]])
            expected += 0.5 * (found - target) ** 2 / 3
        assert float(agent.policy.losses(batch, agent.target)[1]["critic"]) == pytest.approx(expected, rel=1e-4)


def test_sqn_acts_by_either_head_and_its_targets_are_qs() -> None:
    policies = [SQN(HIDDEN, tracker_of(N_ITEMS, draws(3)), N_ITEMS, 0.01, draws(4), act_by) for act_by in HEADS]
    by_value, by_imitation = policies
    by_imitation.load_state_dict(by_value.state_dict())
    batch = learner("sqn").logged.batch(torch.arange(20))
    with torch.no_grad():
        hidden = by_value.hidden(batch.now)
        free = ~excluded(batch.now)
        for policy, head in ((by_value, "value"), (by_imitation, "imitation")):
            scores = policy.scores(batch.now)
            torch.testing.assert_close(scores[free], policy.heads[head](hidden)[free])
            assert (scores[~free] == NOTHING).all()
        losses = [policy.losses(batch, by_value)[1] for policy in policies]
    assert losses[0] == losses[1]


def test_bcq_prefers_likely_items_among_those_that_are_left() -> None:
    policy = policy_of("bcq", 4)
    values = torch.tensor([[0.0, 3.0, 1.0, 2.0]])
    imitation = torch.tensor([[2.0, 0.0, 1.9, -9.0]])
    assert isinstance(policy, BCQ)
    preferences = policy.preferences

    def order(blocked: list[bool]) -> list[int]:
        scores = preferences(values, imitation, torch.tensor([[NOTHING if item else 0.0 for item in blocked]]))[0]
        return [int(item) for item in scores.argsort(descending=True) if scores[item] > NOTHING]

    assert order([False] * 4) == [2, 0, 1, 3]  # items 0 and 2 are likely; then all others, by their values
    assert order([True, False, True, False]) == [1, 3]  # item 1 is the likeliest that is left
    assert order([True, True, True, False]) == [3]


def test_bcs_loss_has_its_penalty() -> None:
    batch = learner("bc").logged.batch(torch.arange(20))
    plain, penalised = (BC(HIDDEN, tracker_of(N_ITEMS, draws(3)), N_ITEMS, weight, draws(4)) for weight in (0.0, 0.5))
    loss, parts = penalised.losses(batch, penalised)
    logits = penalised.heads["actor"](penalised.hidden(batch.now))
    assert float(loss.detach()) == pytest.approx(float((parts["imitation"] + 0.5 * logits.square().mean()).detach()))
    assert plain.losses(batch, plain)[1].keys() == {"imitation"}


def test_cqls_value_is_the_mean_of_its_quantiles() -> None:
    policy = policy_of("cql", N_ITEMS)
    assert isinstance(policy, CQL)
    hidden = torch.randn(5, 8, generator=draws())
    items = torch.tensor([0, 3, 11, 3, 7])
    mean = policy.quantiles(hidden, items).mean(dim=1)
    values = policy.values(hidden)
    torch.testing.assert_close(values.gather(1, items[:, None]).squeeze(1), mean)
    every = policy.heads["quantiles"](hidden).view(5, N_ITEMS, 5)
    torch.testing.assert_close(values, every.mean(dim=2))


def test_the_target_is_renewed_every_so_many_updates() -> None:
    agent = learner("sqn", replace(QUICK, target_sync=3))
    log, chosen = EpochLog(), torch.arange(8)

    def weights() -> tuple[float, float]:
        """Sums of the policy's weights and of its target's."""
        own, old = (policy.state_dict()["heads.value.weight"] for policy in (agent.policy, agent.target))
        return float(own.sum()), float(old.sum())

    old = weights()[1]
    for _ in range(3):
        agent.update(chosen, log)
        assert weights()[1] == old != weights()[0]
    third = weights()[0]
    agent.update(chosen, log)  # the fourth begins with the renewal
    assert weights()[1] == third != weights()[0]


@pytest.mark.parametrize("learn_tracker", [False, True])
def test_the_tracker_is_learned_if_asked_for(learn_tracker: bool) -> None:
    agent = learner("sqn", replace(QUICK, learn_tracker=learn_tracker, updates_per_epoch=5))
    before = agent.policy.tracker.item_vectors.clone()
    agent.epoch(0, 0, draws())
    assert torch.equal(agent.policy.tracker.item_vectors, before) != learn_tracker
    assert not any(parameter.requires_grad for parameter in agent.target.parameters())


@pytest.mark.parametrize("name", POLICIES)
def test_goes_on_from_its_tensors_to_the_same_numbers(name: str) -> None:
    short = replace(QUICK, updates_per_epoch=70)  # no multiple of the renewals
    first, second = learner(name, short), learner(name, short)
    first.epoch(0, 0, draws(1))
    second.restore({key: tensor.clone() for key, tensor in first.tensors().items()})
    for agent in (first, second):
        agent.epoch(0, 0, draws(2))
    again = second.tensors()
    assert first.tensors().keys() == again.keys()
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.tensors().items())
    other = learner(name, short)
    other.epoch(0, 0, draws(3))
    assert any(not torch.equal(tensor, again[key]) for key, tensor in other.tensors().items())


def test_a_loss_that_is_not_finite_stops_the_learning() -> None:
    agent = learner("sqn", replace(QUICK, learning_rate=1e30, updates_per_epoch=20))
    with pytest.raises(RunError, match=r"loss is (nan|inf); stopped"):
        agent.epoch(0, 0, draws())


@pytest.mark.parametrize("name", POLICIES)
def test_thousands_of_items_fit(name: str) -> None:
    n_items = 8000
    items = torch.arange(0, 2000)
    replay = Replay(
        users=torch.zeros(2000, dtype=torch.long),
        items=items * 4,
        rewards=torch.ones(2000),
        seen=torch.ones(2000),
        step=items % 20,
        n_items=n_items,
    )
    agent = OfflineLearner(policy_of(name, n_items), replay, replace(QUICK, batch_size=256, updates_per_epoch=2), False)
    assert agent.epoch(0, 0, draws()).steps == 512
    scores = agent.policy.scores(Moments(torch.zeros(9, dtype=torch.long), replay.window(items[:9], LOOKBACK), None))
    assert scores.shape == (9, n_items)
