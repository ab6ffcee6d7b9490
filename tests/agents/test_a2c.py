from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from darlr.agents.a2c import A2C, Transitions, _minibatches
from darlr.agents.acting import greedy
from darlr.agents.learning import EpochLog
from darlr.agents.networks.trackers import TRACKERS, state_tracker
from darlr.agents.policy import ActorCritic
from darlr.agents.settings import A2CConfig, HeadKind, PolicyConfig, TrackerConfig
from darlr.errors import RunError
from darlr.rewards.table import TableReward
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Episodes, Simulator, roll_out
from darlr.world.settings import LeaveBy, LeaveConfig
from tests.worlds import draws, membership_of

N_ITEMS, STEPS = 20, 3
BEST = [3, 8, 15]
CATEGORIES = [[item % 4] for item in range(N_ITEMS)]
SMALL = PolicyConfig(hidden_sizes=(16,))
FAST = A2CConfig(minibatch_size=64, learning_rate=1e-2, tracker_learning_rate=1e-2)


@dataclass(frozen=True)
class Setting:
    """The differences between the agents of these tests."""

    leave: LeaveBy = "never"
    allow_repeats: bool = False
    tracker: str = "mean"
    policy: PolicyConfig = SMALL
    a2c: A2CConfig = FAST


def planted() -> Tensor:
    """Two users who both like three of the twenty items."""
    table = torch.zeros(2, N_ITEMS)
    table[:, BEST] = 1.0
    return table


def agent(setting: Setting, table: Tensor | None = None) -> A2C:
    rewards = planted() if table is None else table
    vectors = torch.randn(N_ITEMS, 4, generator=draws(1))
    tracker = state_tracker(TrackerConfig(kind=setting.tracker, width=8), vectors, torch.zeros(2, 1), draws(2))
    rule = leave_rule(LeaveConfig(by=setting.leave, window=2), membership_of(CATEGORIES), rewards)
    simulator = Simulator(TableReward(rewards, 0.0, 1.0), rule, N_ITEMS, STEPS, 3, setting.allow_repeats)
    policy = ActorCritic(setting.policy, tracker, membership_of(CATEGORIES).float(), None, draws(3))
    return A2C(policy, simulator, 2, setting.a2c)


def collect(learner: A2C, environments: int, generator: torch.Generator) -> tuple[Transitions, Episodes]:
    rollout = learner.sample(environments, generator)
    return learner.transitions(rollout, rollout.episodes.rewards), rollout.episodes


@pytest.mark.parametrize(
    "setting",
    [
        Setting(),
        Setting(tracker="transformer"),
        Setting(policy=PolicyConfig(hidden_sizes=(16,), head="tied")),
        Setting(allow_repeats=True, a2c=replace(FAST, normalise_advantages=True)),
    ],
)
def test_learns_what_pays(setting: Setting) -> None:
    learner = agent(setting)
    learner.epoch(100, 30_000, draws())
    transitions, episodes = collect(learner, 500, draws(1))
    assert len(transitions) == 500 * STEPS
    assert float(episodes.rewards.sum()) / 500 > 2.5  # at random 3 * 3 / 20 = 0.45, at best 3
    best = roll_out(learner.simulator, torch.tensor([0, 1]), greedy(learner.policy.scorer()))
    assert best.rewards.sum(dim=1).tolist() == [3.0, 3.0]


def test_learns_to_vary_where_sameness_ends_the_episode() -> None:
    # Every item pays, and users leave when a category of the last two items comes again.
    setting = Setting(leave="category", policy=PolicyConfig(hidden_sizes=(16,), category_window=2))
    learner = agent(setting, torch.ones(2, N_ITEMS))
    untrained = collect(learner, 500, draws(1))[1].lengths.float().mean()
    learner.epoch(100, 30_000, draws())
    trained = collect(learner, 500, draws(1))[1].lengths.float().mean()
    assert untrained < 2.8  # at random 1 - 4/19 of the episodes reach the third step
    assert trained > 2.95
    assert float(learner.policy.shared_category_weight.detach()) < -0.3


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("head", ["linear", "tied"])
def test_every_part_learns(tracker: str, head: HeadKind) -> None:
    policy = PolicyConfig(hidden_sizes=(16, 16), head=head, category_window=2)
    learner = agent(Setting(tracker=tracker, policy=policy))
    before = {name: parameter.detach().clone() for name, parameter in learner.policy.named_parameters()}
    learner.update(collect(learner, 50, draws())[0], EpochLog(), draws(1))
    for name, parameter in learner.policy.named_parameters():
        assert not torch.equal(parameter, before[name]), name
    absent = learner.simulator.absent_item
    assert not learner.policy.tracker.item_vectors[absent].any()


def test_same_seed_same_numbers() -> None:
    def run(seed: int) -> tuple[dict[str, float], Tensor]:
        learner = agent(Setting())
        log = learner.epoch(20, 300, draws(seed)).metrics()
        return {key: value for key, value in log.items() if not key.startswith("seconds/")}, learner.policy.actor.weight

    (first, weights), (again, same_weights), (other, other_weights) = run(1), run(1), run(2)
    assert first == again != other
    assert torch.equal(weights, same_weights)
    assert not torch.equal(weights, other_weights)


def test_an_epoch_is_at_least_the_steps_asked_for() -> None:
    log = agent(Setting()).epoch(environments=10, steps=61, generator=draws())
    assert (log.steps, log.episodes) == (90, 30)  # collections of 30 steps
    assert log.metrics()["train/length"] == STEPS
    assert 0.0 <= log.metrics()["train/r_tra"] <= STEPS


@pytest.mark.parametrize(("environments", "updates"), [(7, 1), (10, 1), (20, 3), (26, 3), (27, 4)])
def test_a_minibatchs_remainder_joins_the_last(environments: int, updates: int) -> None:
    setting = Setting(a2c=A2CConfig(minibatch_size=20))
    assert agent(setting).epoch(environments, 1, draws()).counts["loss/policy"] == updates  # of 3 * environments steps


def test_minibatches_hold_every_step_once() -> None:
    parts = _minibatches(torch.arange(33), 7)
    assert [len(part) for part in parts] == [7, 7, 7, 12]
    assert torch.cat(parts).tolist() == list(range(33))


@pytest.mark.parametrize("allow_repeats", [False, True])
def test_transitions_are_the_steps_as_the_policy_saw_them(allow_repeats: bool) -> None:
    learner = agent(Setting(leave="category", allow_repeats=allow_repeats))
    transitions, episodes = collect(learner, 40, draws())
    assert episodes.lengths.min() < STEPS
    places = [(row, step) for row in range(40) for step in range(int(episodes.lengths[row]))]
    assert len(transitions) == len(places) == int(episodes.lengths.sum())
    with torch.no_grad():
        _, values = learner.policy(transitions.users, transitions.window)
    for number, (row, step) in enumerate(places):
        history = episodes.actions[row, :step].tolist()
        assert transitions.users[number] == episodes.users[row]
        assert transitions.actions[number] == episodes.actions[row, step]
        assert transitions.window.items[number, -1] == (history[-1] if history else learner.simulator.start_item)
        if transitions.blocked is not None:
            assert transitions.blocked[number].tolist() == history + [learner.simulator.absent_item] * (STEPS - step)
        following = episodes.rewards[row, step : int(episodes.lengths[row])].tolist()
        discounted = sum(0.9**k * reward for k, reward in enumerate(following))
        assert float(transitions.returns[number]) == pytest.approx(discounted, abs=1e-5)
        assert float(transitions.advantages[number]) == pytest.approx(discounted - float(values[number]), abs=1e-5)
    assert (transitions.blocked is None) is allow_repeats


def test_the_losses_are_those_of_the_masked_policy() -> None:
    learner = agent(Setting(a2c=A2CConfig(entropy_weight=0.1)))
    transitions, episodes = collect(learner, 5, draws())
    with torch.no_grad():
        logits, values = learner.policy(transitions.users, transitions.window)
    policy_loss = value_loss = entropy = 0.0
    assert transitions.blocked is not None
    for row, earlier in enumerate(transitions.blocked.tolist()):
        allowed = [item for item in range(N_ITEMS) if item not in earlier]
        probabilities = dict(zip(allowed, logits[row, allowed].softmax(0), strict=True))
        policy_loss -= float(probabilities[int(transitions.actions[row])].log() * transitions.advantages[row]) / 15
        value_loss += float((values[row] - transitions.returns[row]) ** 2) / 15
        entropy -= sum(float(share * share.log()) for share in probabilities.values()) / 15
    log = EpochLog()
    learner.update(transitions, log, draws())
    log.count(episodes.visits(), len(episodes.users), episodes.rewards)
    expected = {"loss/policy": policy_loss, "loss/value": value_loss, "loss/entropy": entropy}
    assert {name: log.metrics()[name] for name in expected} == pytest.approx(expected, abs=1e-5)


def test_an_entropy_bonus_keeps_the_policy_spread() -> None:
    def distinct_items(entropy_weight: float) -> int:
        learner = agent(Setting(a2c=replace(FAST, entropy_weight=entropy_weight)))
        learner.epoch(100, 15_000, draws())
        return len(set(collect(learner, 500, draws(1))[0].actions.tolist()))

    assert distinct_items(1.0) == N_ITEMS
    assert distinct_items(0.0) < N_ITEMS / 2


def test_clipping_bounds_an_update() -> None:
    # Adam divides a gradient by its size, so what clipping to next to nothing leaves is smaller than Adam's own epsilon.
    learner = agent(Setting(a2c=A2CConfig(max_gradient_norm=1e-12)))
    before = learner.policy.actor.weight.detach().clone()
    learner.epoch(10, 30, draws())
    torch.testing.assert_close(learner.policy.actor.weight.detach(), before, atol=1e-6, rtol=0)


def test_what_is_saved_goes_on_to_the_same_numbers() -> None:
    first, second = agent(Setting()), agent(Setting())
    first.epoch(20, 120, draws(1))
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    logs = [learner.epoch(20, 120, draws(2)).metrics() for learner in (first, second)]
    assert logs[0]["train/r_tra"] == logs[1]["train/r_tra"]
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name


@pytest.mark.parametrize("steps", [1, 3000])
def test_stops_at_a_loss_that_is_not_a_number(steps: int) -> None:
    table = planted()
    table[1, 5] = float("nan")
    with pytest.raises(RunError, match=r"the (policy|value) loss is nan"):
        agent(Setting(), table).epoch(100, steps, draws())


def test_a_collection_of_one_step_can_be_learned_from() -> None:
    learner = agent(Setting(leave="category", a2c=A2CConfig(normalise_advantages=True, minibatch_size=1)))
    assert learner.epoch(1, 1, draws()).counts["loss/policy"] >= 1
