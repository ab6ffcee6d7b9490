"""Algorithm 1 on a world of four users and three items."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents import selector as selector_module
from darlr.agents.a2c import A2C, Transitions, ValuedRollout
from darlr.agents.darlr import DARLR, change_penalty, final_reward, intrinsic_reward, refined_estimate
from darlr.agents.learning import EpochLog
from darlr.agents.networks.trackers import state_tracker
from darlr.agents.policy import ActorCritic
from darlr.agents.returns import generalised_advantages
from darlr.agents.selector import Selections, Selector
from darlr.agents.settings import A2CConfig, PolicyConfig, SelectorConfig, TrackerConfig
from darlr.errors import RunError
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.refinement import RefinedReward
from darlr.rewards.settings import RefinementConfig, RewardConfig
from darlr.rewards.table import penalised_reward
from darlr.simulator.leave import Never
from darlr.simulator.simulator import Simulator, roll_out
from darlr.world.world import World
from tests.worlds import CPU, draws, log_of, window_of

N_USERS, N_ITEMS, STEPS = 4, 3, 2
ESTIMATES = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.0, 1.0, 5.0]])
UNCERTAINTY = torch.arange(12.0).reshape(4, 3) / 10
LEARNING = A2CConfig(learning_rate=1e-2, tracker_learning_rate=1e-2)
WEIGHT = 0.5  # lambda_U


def learner(refinement: RefinementConfig | None = None, entropy: EntropyTerm | None = None, **selecting: Any) -> DARLR:
    refinement = refinement or RefinementConfig()
    weights = RewardConfig(uncertainty_weight=WEIGHT, entropy_weight=2.0 if entropy else 0.0)
    reward = penalised_reward(ESTIMATES.clone(), torch.zeros(N_USERS, N_ITEMS), entropy, weights)
    refined = RefinedReward(reward, refinement)
    vectors = torch.randn(N_ITEMS, 4, generator=draws(1))
    tracker = state_tracker(TrackerConfig(kind="transformer", width=8, layers=1), vectors, torch.zeros(N_USERS, 1), draws(2))
    policy = ActorCritic(PolicyConfig(hidden_sizes=(8,)), tracker, torch.zeros(N_ITEMS, 0), None, draws(3))
    simulator = Simulator(refined, Never(), N_ITEMS, STEPS, lookback=3, allow_repeats=False)
    config = SelectorConfig(**{"references": 2, "pool": 0, "width": 8, **selecting})
    selector = Selector(config, LEARNING, ESTIMATES, tracker.state_size, draws(4))
    recommender = A2C(policy, simulator, N_USERS, LEARNING)
    return DARLR(recommender, selector, refined, UNCERTAINTY.clone(), WEIGHT, refinement)


def script(monkeypatch: pytest.MonkeyPatch, agent: DARLR) -> list[Tensor]:
    """Make the next collection three known episodes with known selections; the rewards that are learned from go to the list.

    Users 0, 0 and 3 are recommended 2 and 0, 2 and 1, 1 and 2, so cell (0, 2) is visited twice.
    """
    items = torch.tensor([[2, 0], [2, 1], [1, 2]])
    references = torch.tensor([[1, 3], [1, 2], [2, 3], [1, 3], [0, 1], [2, 0]])
    similarity = torch.tensor([[0.9, 0.3], [0.5, 0.3], [0.2, 0.0], [0.6, 0.4], [1.0, 0.6], [-0.5, -0.5]])
    diversity = torch.tensor([[0.0, 0.4], [0.0, 0.2], [0.0, 0.2], [0.0, 1.0], [0.0, 0.4], [0.0, 0.2]])
    users, states = torch.tensor([0, 0, 0, 0, 3, 3]), torch.zeros(6, agent.recommender.state_size)
    selections = Selections(users, states, torch.tensor([[0, 1]]).repeat(6, 1), references, similarity, diversity)
    paid: list[Tensor] = []
    learn = agent.recommender.learn

    def sample(environments: int, generator: torch.Generator) -> ValuedRollout:
        episodes = roll_out(agent.recommender.simulator, torch.tensor([0, 0, 3]), lambda now: items[:, now.step_number])
        return ValuedRollout(episodes, torch.zeros(3, STEPS))

    def watched(rollout: ValuedRollout, rewards: Tensor, *others: Any) -> None:
        paid.append(rewards.clone())
        learn(rollout, rewards, *others)

    monkeypatch.setattr(agent.recommender, "sample", sample)
    monkeypatch.setattr(agent.recommender, "learn", watched)
    monkeypatch.setattr(agent.selector, "select", lambda users, states, generator: selections)
    return paid


# Means of the references' estimates (Eq. 15), row by row:
#   (0, 2): users 1 and 3, (6 + 5) / 2 = 5.5, was 3    (0, 0): 1 and 2, (4 + 7) / 2 = 5.5, was 1
#   (0, 2): users 2 and 3, (9 + 5) / 2 = 7, was 3      (0, 1): 1 and 3, (5 + 1) / 2 = 3, was 2
#   (3, 1): users 0 and 1, (2 + 5) / 2 = 3.5, was 1    (3, 2): 2 and 0, (9 + 3) / 2 = 6, was 5
REFINED = torch.tensor([[5.5, 5.5], [7.0, 3.0], [3.5, 6.0]])
# Changes over mean similarity and mean diversity (Eq. 16); the last denominator, -0.4, is bounded by epsilon 0.01:
#   2.5 / (0.6 + 0.2), 4.5 / (0.4 + 0.1), 4 / (0.1 + 0.1), 1 / (0.5 + 0.5), 2.5 / (0.8 + 0.2), 1 / 0.01
PENALTY = torch.tensor([[3.125, 9.0], [20.0, 1.0], [2.5, 100.0]])
VISITED = (torch.tensor([[0, 0], [0, 0], [3, 3]]), torch.tensor([[2, 0], [2, 1], [1, 2]]))


def refined_table() -> Tensor:
    expected = ESTIMATES.clone()
    expected[0] = torch.tensor([5.5, 3.0, (5.5 + 7.0) / 2])
    expected[3, 1:] = torch.tensor([3.5, 6.0])
    return expected


def test_the_final_reward_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner()
    paid = script(monkeypatch, agent)
    metrics = agent.epoch(3, 1, draws()).metrics()
    torch.testing.assert_close(paid[0], REFINED - WEIGHT * PENALTY)  # Eq. 17; the smallest estimate is 0: no shift
    torch.testing.assert_close(agent.reward.table, refined_table())
    expected = {
        "train/steps": 6,
        "train/length": 2.0,
        "train/r_tra": float((REFINED - WEIGHT * PENALTY).sum()) / 3,
        "refinement/change": (2.5 + 4.5 + 4 + 1 + 2.5 + 1) / 6,
        "refinement/penalty": float(PENALTY.mean()),
        "selector/similarity": (0.6 + 0.4 + 0.1 + 0.5 + 0.8 - 0.5) / 6,
        "selector/diversity": (0.2 + 0.1 + 0.1 + 0.5 + 0.2 + 0.1) / 6,
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_equation_12_by_hand() -> None:
    similarity, diversity = torch.tensor([[0.96, 0.48, 0.0]]), torch.tensor([[0.0, 0.64, 0.6]])
    users, states, picks = torch.zeros(1, dtype=torch.long), torch.zeros(1, 5), torch.tensor([[1, 3, 2]])
    selections = Selections(users, states, picks - 1, picks, similarity, diversity)
    estimates = torch.tensor([[5.0, 1.0, 3.0]])

    def paid(**settings: float) -> list[float]:
        found: list[float] = intrinsic_reward(estimates, selections, SelectorConfig(**settings))[0].tolist()  # type: ignore[arg-type]
        return found

    weights = {"similarity_weight": 2.0, "diversity_weight": 0.5}
    assert paid(**weights) == pytest.approx([2 * 0.96, 2 * 0.48 + 0.5 * 0.64, 0.5 * 0.6])
    assert paid(**weights, estimate_weight=0.5) == pytest.approx([2.5 + 1.92, 0.5 + 0.96 + 0.32, 1.5 + 0.3])
    # Ablation r_d keeps lambda_d: it pays 0.1 r_d, not r_d.
    assert paid(similarity_weight=0.0) == pytest.approx([0.0, 0.064, 0.06])


def test_equation_15_by_hand() -> None:
    assert refined_estimate(torch.tensor([[6.0, 5.0], [4.0, 7.0], [0.0, 1.0]])).tolist() == [5.5, 5.5, 0.5]


def test_equation_16_by_hand() -> None:
    refined, last = torch.tensor([3.0, 2.5, 1.0, 0.0, 4.0]), torch.tensor([2.0, 7.0, 1.0, 2.0, 2.0])
    similarity = torch.tensor([0.3, 0.9, 0.5, 0.0, -0.8])
    diversity = torch.tensor([0.2, 0.0, 0.5, 0.001, 0.1])
    # 1 / 0.5, 4.5 / 0.9, 0 / 1; then denominators of 0.001 and -0.7, which are bounded by 0.01.
    found = change_penalty(refined, last, similarity, diversity, epsilon=0.01)
    assert found.tolist() == pytest.approx([2.0, 5.0, 0.0, 200.0, 200.0])


def test_equation_17_by_hand() -> None:
    extras = torch.tensor([1.5, -2.0])  # the entropy term less the shift
    assert final_reward(torch.tensor([3.0, 1.0]), torch.tensor([4.0, 0.0]), 0.5, extras).tolist() == [2.5, -1.0]


def test_the_entropy_term_and_the_shift_are_paid_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # Item 0 is followed by 1, 1, 1 and 0, 0.811278 bits of 1; 1 by 0 alone and 2 by nothing: 1 each. Shifted by 2 * 0.811278.
    rows = [(0, item, 1.0) for item in (0, 0, 1, 0, 1, 0, 1)]
    log = log_of(rows, 4, 3, list(range(7)))
    agent = learner(entropy=EntropyTerm.fit(log, World(np.arange(4), np.arange(3)), (1,), CPU))
    paid = script(monkeypatch, agent)
    agent.epoch(3, 1, draws())
    extras = 2 * (1 - 0.8112781) * torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    torch.testing.assert_close(paid[0], REFINED - WEIGHT * PENALTY + extras)


def test_a_static_penalty_is_the_world_models(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner(RefinementConfig(penalty="static"))
    paid = script(monkeypatch, agent)
    metrics = agent.epoch(3, 1, draws()).metrics()
    torch.testing.assert_close(paid[0], REFINED - WEIGHT * UNCERTAINTY[VISITED])
    assert metrics["refinement/penalty"] == pytest.approx(float(UNCERTAINTY[VISITED].mean()))
    torch.testing.assert_close(agent.reward.table, refined_table())


def test_a_static_penalty_needs_the_world_models_uncertainty() -> None:
    agent = learner()
    parts = agent.recommender, agent.selector, agent.reward
    DARLR(*parts, None, WEIGHT, RefinementConfig())
    with pytest.raises(RunError, match=r"^refinement.penalty is 'static', which needs .* uncertainty; found none$"):
        DARLR(*parts, None, WEIGHT, RefinementConfig(penalty="static"))


def test_a_static_reward_has_the_dynamic_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner(RefinementConfig(reward="static"))
    paid = script(monkeypatch, agent)
    agent.epoch(3, 1, draws())
    torch.testing.assert_close(paid[0], ESTIMATES[VISITED] - WEIGHT * PENALTY)
    assert torch.equal(agent.reward.table, ESTIMATES)


def test_the_next_collection_starts_from_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner()
    paid = script(monkeypatch, agent)
    agent.epoch(3, 7, draws())
    assert len(paid) == 2
    # Cell (0, 2) is now 6.25, and its references' 6 and 6 (users 1 and 3) and 9 and 6 (2 and 3).
    assert (paid[1][:2, 0] + WEIGHT * torch.tensor([0.25 / 0.8, 1.25 / 0.2])).tolist() == pytest.approx([6.0, 7.5])
    assert float(agent.reward.table[0, 2]) == pytest.approx(6.75)


class AfterItemZero:
    """A user who is recommended item 0 leaves."""

    window = 1

    def leaves(self, items: Tensor, recent: Tensor) -> Tensor:
        return items == 0


def test_nothing_is_paid_beyond_an_episodes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner()
    agent.recommender.simulator.leave = AfterItemZero()
    learn, paid = agent.recommender.learn, []

    def watched(rollout: ValuedRollout, rewards: Tensor, *others: Any) -> None:
        paid.append((rollout.episodes.taken.clone(), rewards.clone()))
        learn(rollout, rewards, *others)

    monkeypatch.setattr(agent.recommender, "learn", watched)
    log = agent.epoch(50, 1, draws())
    [(taken, rewards)] = paid
    assert 50 < int(taken.sum()) == log.steps < 100
    assert rewards[taken].all()
    assert not rewards[~taken].any()


def test_the_simulator_pays_what_was_written() -> None:
    agent = learner()
    everyone, items = torch.arange(N_USERS).repeat_interleave(N_ITEMS), torch.arange(N_ITEMS).repeat(N_USERS)
    start = window_of([[N_ITEMS + 1, N_ITEMS + 1, N_ITEMS]] * 12)
    simulator = agent.recommender.simulator
    assert torch.equal(simulator.rewards.pay(everyone, items, start), ESTIMATES.flatten())
    users, visited = agent.epoch(10, 100, draws()).visited()
    assert torch.equal(simulator.rewards.pay(everyone, items, start), agent.reward.table.flatten())
    changed = (agent.reward.table != ESTIMATES).nonzero().tolist()
    assert changed
    assert {tuple(cell) for cell in changed} <= set(zip(users.tolist(), visited.tolist(), strict=True))
    assert torch.equal(agent.reward.initial.table(), ESTIMATES)


def test_the_state_shows_rewards_from_before_the_collections_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner()
    script(monkeypatch, agent)
    learned: list[Transitions] = []
    monkeypatch.setattr(agent.recommender, "update", lambda transitions, log, generator: learned.append(transitions))
    agent.epoch(3, 7, draws())
    # The newest reward of the second steps' states, over the largest estimate, 9: first the estimates as they were, then the
    # refined ones.
    for transitions, table in zip(learned, (ESTIMATES, refined_table()), strict=True):
        torch.testing.assert_close(transitions.window.rewards[1::2, -1], table[[0, 0, 3], [2, 2, 1]] / 9)


def test_learning_changes_both_agents_and_nothing_else() -> None:
    agent = learner()
    networks = (agent.policy, agent.selector.network)
    before = [{name: tensor.clone() for name, tensor in network.named_parameters()} for network in networks]
    fixed = [agent.selector._rows, agent.selector.pool, agent.reward.initial.table()]
    copies = [tensor.clone() for tensor in fixed]
    agent.epoch(50, 1, draws())
    for network, old in zip(networks, before, strict=True):
        for name, parameter in network.named_parameters():
            assert not torch.equal(parameter, old[name]), name
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(fixed, copies, strict=True))
    assert not any(tensor.requires_grad for tensor in [*fixed, agent.reward.table])


def test_neither_agents_update_reaches_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = learner()
    checked: list[str] = []

    def guard(owner: Any, method: str, other: torch.nn.Module) -> None:
        update: Callable[..., None] = getattr(owner, method)

        def guarded(*arguments: Any) -> None:
            other.zero_grad(set_to_none=True)
            before = [parameter.detach().clone() for parameter in other.parameters()]
            update(*arguments)
            assert all(parameter.grad is None for parameter in other.parameters())
            assert all(torch.equal(parameter, old) for parameter, old in zip(other.parameters(), before, strict=True))
            checked.append(type(owner).__name__)

        monkeypatch.setattr(owner, method, guarded)

    guard(agent.recommender, "learn", agent.selector.network)
    guard(agent.selector, "update", agent.policy)
    agent.epoch(10, 1, draws())
    assert checked == ["A2C", "Selector"]


@pytest.mark.parametrize(("training_visits", "learned"), [(5, 5), (0, 20), (99, 20)])
def test_the_selector_learns_from_so_many_visits(monkeypatch: pytest.MonkeyPatch, training_visits: int, learned: int) -> None:
    agent = learner(training_visits=training_visits, estimate_weight=1.0, similarity_weight=0.0, diversity_weight=0.0)
    collected: list[Selections] = []
    replayed: list[Selections] = []
    paid: list[Tensor] = []
    select, replay = agent.selector.select, agent.selector._replay

    def selecting(*arguments: Any) -> Selections:
        collected.append(select(*arguments))
        return collected[-1]

    def replaying(selections: Selections) -> tuple[Tensor, Tensor]:
        replayed.append(selections)
        return replay(selections)

    def advantages(rewards: Tensor, *arguments: Any) -> Tensor:
        paid.append(rewards)
        return generalised_advantages(rewards, *arguments)

    monkeypatch.setattr(agent.selector, "select", selecting)
    monkeypatch.setattr(agent.selector, "_replay", replaying)
    monkeypatch.setattr(selector_module, "generalised_advantages", advantages)
    _, items = agent.epoch(10, 1, draws()).visited()
    [everything], [found], [rewards] = collected, replayed, paid
    assert len(found) == len(found.states) == len(found.references) == len(rewards) == learned
    # Every visit learned from is one of the collection, each at most once, with its own state, picks and rewards.
    left = [
        describe(everything.users[row], everything.states[row], everything.references[row], estimates)
        for row, estimates in enumerate(ESTIMATES[everything.references, items[:, None]])
    ]
    for row in range(learned):
        left.remove(describe(found.users[row], found.states[row], found.references[row], rewards[row]))


def describe(*tensors: Tensor) -> Sequence[Any]:
    return [tensor.tolist() for tensor in tensors]


def test_an_epoch_is_at_least_the_steps_asked_for() -> None:
    log = learner().epoch(environments=10, steps=41, generator=draws())
    assert (log.steps, log.episodes) == (60, 30)  # collections of 20 steps
    assert log.counts["loss/selector_policy"] == 3


def test_what_is_saved_goes_on_to_the_same_numbers() -> None:
    first, second = learner(), learner()
    first.epoch(10, 60, draws(1))
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    assert torch.equal(first.reward.table, second.reward.table)
    logs = [numbers(agent.epoch(10, 60, draws(2))) for agent in (first, second)]
    assert logs[0] == logs[1]
    assert first.tensors().keys() == second.tensors().keys()
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name
    assert second.recommender.simulator.rewards.pay(
        torch.tensor([0]), torch.tensor([1]), window_of([[N_ITEMS] * 3])
    ).tolist() == [float(first.reward.table[0, 1])]


def test_same_seed_same_numbers() -> None:
    first, again, other = (numbers(learner().epoch(10, 60, draws(seed))) for seed in (1, 1, 2))
    assert first == again != other


def numbers(log: EpochLog) -> dict[str, float]:
    return {name: value for name, value in log.metrics().items() if not name.startswith("seconds/")}
