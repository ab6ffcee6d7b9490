"""The lists of small logs that every method is compared with, and tests with noisy rewards."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.acting import WHOLE_EPISODE, Scorer
from darlr.agents.believing.belief import BelievedList
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.settings import BeliefConfig
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.data.dataset import Dataset
from darlr.evaluation.names import ADAPTING
from darlr.evaluation.noise import AnswerNoise, NoisyAnswers
from darlr.evaluation.opponents import ListFactors, OpponentParts, Sources, opponent_scorers
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.supervised import fit_now
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from darlr.world.settings import LeaveConfig
from darlr.world.window import Window, absent_item, start_item
from darlr.world.world import World
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.settings import FactorSettings
from tests.worlds import CPU, draws, log_of, low_rank_world, membership_of, window_of

SETTINGS = FactorSettings(size=2, link="identity")


def fitted(dataset: Dataset) -> ListFactors:
    model, report = fit_factors(dataset, SETTINGS, draws(), CPU)
    return ListFactors(model, report.activity_exponent)


def parts_of(dataset: Dataset, factors: ListFactors | None) -> OpponentParts:
    world = dataset.world
    estimates = KeptEstimates(torch.zeros(world.n_users, world.n_items))
    sources = Sources(lambda: factors, fit_now(np.random.default_rng(0)), lambda text: None)
    return OpponentParts(dataset, estimates, np.random.default_rng(0), dataset.paid_range, sources)


def scorers_of(dataset: Dataset, factors: ListFactors | None, by: str = "never") -> dict[str, Scorer]:
    leave = LeaveConfig(by=by, window=2)  # type: ignore[arg-type]
    return opponent_scorers(parts_of(dataset, factors), leave, membership_of([[item] for item in range(dataset.world.n_items)]))


@pytest.fixture(scope="module")
def small() -> tuple[Dataset, ListFactors]:
    """Make a world of some users and items of the log, in a different order."""
    dataset, _ = low_rank_world(30, 20)
    dataset = replace(dataset, world=World(np.array([7, 2, 29]), np.array([3, 19, 0, 5, 11])))
    return dataset, fitted(dataset)


def test_the_variational_list_has_the_order_of_the_factor_models_estimates(small: tuple[Dataset, ListFactors]) -> None:
    dataset, factors = small
    scorer = scorers_of(dataset, factors)["variational"]
    scores = scorer(torch.tensor([2, 0]), window_of([[6, 5], [6, 5]]))
    estimates, _ = factors.model.predict(torch.tensor([29, 7]), torch.from_numpy(dataset.world.items))
    assert scores.argsort(dim=1).tolist() == estimates.argsort(dim=1).tolist()
    assert scorer.lookback == 0


def test_lists_that_learn_are_shown_whole_episodes_skipping_or_not(small: tuple[Dataset, ListFactors]) -> None:
    scorers = scorers_of(*small, by="category")
    attentive = {name for name, scorer in scorers.items() if scorer.lookback}
    plain = {"list_with_belief", "lin_ucb", "linear_thompson"}
    assert attentive == plain | {f"{name}_skipping" for name in plain}
    assert all(name.startswith(ADAPTING) for name in attentive)
    assert scorers["list_with_belief_skipping"].lookback == WHOLE_EPISODE


def test_without_a_factor_model_its_lists_are_left_out(small: tuple[Dataset, ListFactors]) -> None:
    with_model, without = (set(scorers_of(small[0], factors)) for factors in (small[1], None))
    assert with_model - without == {"variational", "list_with_belief"}


def test_positives_alone_have_the_activity_weighted_list_and_no_means() -> None:
    # Seven users have item 0 alone; one has all the others twice, so that they are logged more often.
    rows = [(user, 0, 1.0) for user in range(7)] + [(7, item, 1.0) for item in range(1, 6) for _ in range(8)]
    log = log_of(rows, 8, 6, reward_range=(0.0, 1.0), positive_only=True)
    dataset = replace(low_rank_world(8, 6)[0], log=log)
    factors = replace(fitted(replace(dataset)), activity_exponent=2.0)
    scorers = scorers_of(dataset, factors)
    user, start = torch.tensor([0]), window_of([[7, 6]])
    assert int(scorers["activity_weighted"](user, start).argmax()) == 0
    assert int(scorers["popular"](user, start).argmax()) != 0
    assert "selection_aware_mean" not in scorers
    assert "item_mean" not in scorers


def slow_list(of: FactorBelief, noise: Tensor, user: int, table: Tensor, steps: int) -> list[int]:
    """Return one user's items in the order of the list with belief, by full inverses in a loop; `table` (n_users, n_items)
    pays.
    """
    loadings, intercepts = of.loadings.double().numpy(), of.intercepts.double().numpy()
    mean, covariance = (side[user].double().numpy() for side in (of.user_means, of.user_covariances))
    shown: list[int] = []
    for _ in range(steps):
        given = [table[user, item] for item in shown]
        y = of.scale.to_scale(torch.tensor(given)).double().numpy()
        v, b = loadings[shown], intercepts[shown]
        means, logs = [], []
        for level in range(noise.shape[1]):
            w = noise[shown, level].double().numpy()
            precision = np.linalg.inv(covariance) + v.T @ (v / w[:, None])
            means.append(np.linalg.solve(precision, np.linalg.solve(covariance, mean) + v.T @ ((y - b) / w)))
            joint, off = v @ covariance @ v.T + np.diag(w), y - b - v @ mean
            logs.append(-0.5 * (off @ np.linalg.solve(joint, off) + np.linalg.slogdet(joint)[1]) if shown else 0.0)
        weights = np.exp(np.array(logs) - max(logs))
        scores = (intercepts + loadings @ np.average(means, axis=0, weights=weights))[:-2]
        scores[shown] = -math.inf
        shown.append(int(scores.argmax()))
    return shown


def test_the_list_with_belief_is_that_of_a_loop_over_one_users_answers() -> None:
    dataset, truth = low_rank_world(25, 18, seed=3)
    factors = fitted(dataset)
    scorer = scorers_of(dataset, factors)["list_with_belief"]
    low, high = dataset.paid_range
    table = torch.from_numpy(truth)
    world = EvaluationWorld.of_table(TableReward(table, low, high), Never(), max_steps=12, lookback=1)
    items = world.recommended("nx_0", world.every_user, scorer, None).view(25, 12)
    belief = FactorBelief(factors.responses(dataset.world, dataset.paid_range), BeliefConfig().levels)
    expected = [slow_list(belief, belief.noise, user, table, 12) for user in range(25)]
    assert items.tolist() == expected
    plain = scorers_of(dataset, factors)["variational"]
    assert items.tolist() != world.recommended("nx_0", world.every_user, plain, None).view(25, 12).tolist()


class Eager(Scorer):
    """Remembers its windows."""

    lookback = WHOLE_EPISODE

    def __init__(self, n_items: int) -> None:
        self.seen: list[Window] = []
        self._order = torch.arange(n_items, 0, -1.0)

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        self.seen.append(window)
        scores = self._order.expand(len(users), -1)
        return scores if blocked is None else scores.masked_fill(blocked, -math.inf)


def test_a_scorer_is_shown_as_much_of_the_episode_as_it_has_to_see() -> None:
    table = torch.rand(3, 12, generator=draws())
    world = EvaluationWorld.of_table(TableReward(table, 0.0, 1.0), Never(), max_steps=7, lookback=2)
    for scorer, expected in ((Eager(12), {"nx_0": 7, "nx_10": 10}), (SkippingScorer(Eager(12), torch.eye(12) > 0, 1), {})):
        for mode, length in (expected or {"nx_0": 7}).items():
            world.measure(mode, world.every_user, scorer, None)
            inner = scorer if isinstance(scorer, Eager) else scorer._scorer
            last = inner.seen[-1]  # type: ignore[attr-defined]
            assert last.items.shape == (3, length)
            assert last.items[0, 0] == start_item(12)
    shown = Eager(12)
    shown.lookback = 0
    world.measure("nx_0", world.every_user, shown, None)
    assert shown.seen[-1].items.shape == (3, 2)


def noise_of(added: Tensor, link: str = "identity") -> AnswerNoise:
    dataset, _ = low_rank_world(12, 10)
    responses = fitted(dataset).responses(dataset.world, (0.0, 4.0))
    scale = replace(responses.scale, link=link, centre=1.0, spread=2.0, floor=0.1)  # type: ignore[arg-type]
    return AnswerNoise(scale, 3, added)


def test_noise_is_added_to_answers_by_their_place_in_the_episode() -> None:
    noise = noise_of(torch.tensor([[0.25, -0.5, 9.0], [0.0, 1.5, 9.0]]))
    start, absent = start_item(3), absent_item(3)
    window = window_of([[absent, start, 0, 2], [absent, start, 1, 0]], [[0.0, 1.0, 0.5, 0.5], [0.0, 1.0, 0.25, 0.75]])
    # On a scale of 2 a unit, 0.25 is half a point of 4: 0.125. 3 points above 3 are cut to 4.
    expected = torch.tensor([[0.0, 1.0, 0.625, 0.25], [0.0, 1.0, 0.25, 1.0]])
    noisy = noise.to(torch.tensor([0, 1]), window)
    torch.testing.assert_close(noisy.rewards, expected)
    assert torch.equal(noisy.items, window.items)
    at_start = window_of([[absent, start]], [[0.0, 1.0]])
    assert noise.to(torch.tensor([1]), at_start) is at_start
    # The other user's noise, where that one is asked for.
    torch.testing.assert_close(noise.to(torch.tensor([1, 1]), window).rewards[0], torch.tensor([0.0, 1.0, 0.5, 1.0]))


def test_a_step_without_a_choice_has_no_answer_to_be_noisy() -> None:
    noise, start = noise_of(torch.tensor([[0.25, 9.0, -0.5]])), start_item(3)
    for items, rewards, expected in (
        ([start, 0, start, 2], [1.0, 0.5, 0.0, 0.5], [1.0, 0.625, 0.0, 0.25]),
        ([absent_item(3), start, start, 2], [0.0, 1.0, 0.0, 0.25], [0.0, 1.0, 0.0, 1.0]),
    ):
        found = noise.to(torch.tensor([0]), window_of([items], [rewards])).rewards
        torch.testing.assert_close(found, torch.tensor([expected]))


def test_noise_under_the_logarithm_multiplies() -> None:
    noise = noise_of(torch.tensor([[0.5 * math.log(2)]]), "log")
    window = window_of([[start_item(3), 0]], [[1.0, 0.25]])  # a reward of 1 of 4
    assert float(noise.to(torch.tensor([0]), window).rewards[0, 1]) == pytest.approx(0.5)


def test_noise_has_the_share_of_the_logs_variance_that_is_asked_for() -> None:
    dataset, _ = low_rank_world(12, 10)
    responses = replace(fitted(dataset).responses(dataset.world, (0.0, 5.0)), log_noise=0.8)
    noise = AnswerNoise.draw(responses, 0.5, 400, 10, 30, draws())
    assert noise.added.shape == (400, 30)
    assert float(noise.added.var()) == pytest.approx(0.4, rel=0.1)


def test_noise_changes_what_a_learning_list_does_and_nothing_that_is_paid() -> None:
    dataset, truth = low_rank_world(40, 30, seed=1)
    factors = fitted(dataset)
    responses = factors.responses(dataset.world, dataset.paid_range)
    table = torch.from_numpy(truth)
    world = EvaluationWorld.of_table(TableReward(table, *dataset.paid_range), Never(), max_steps=12, lookback=1)
    noise = AnswerNoise.draw(responses, 20.0, 40, 30, world.longest, draws())
    scorers = scorers_of(dataset, factors)
    deaf = TableScorer(torch.arange(30.0)[None])
    for scorer, alike in ((deaf, True), (scorers["variational"], True), (scorers["list_with_belief"], False)):
        clear, noisy = (world.measure("nx_0", world.every_user, one, None) for one in (scorer, NoisyAnswers(scorer, noise)))
        assert (clear == noisy) is alike
    trusting = BelievedList(FactorBelief(responses, (0.001,)))
    clear, noisy = (world.measure("nx_0", world.every_user, one, None) for one in (trusting, NoisyAnswers(trusting, noise)))
    assert clear["r_tra"] is not None
    assert noisy["r_tra"] is not None
    assert noisy["r_tra"] < clear["r_tra"]  # it believes answers that are worth little
    items = world.recommended("nx_0", world.every_user, NoisyAnswers(trusting, noise), None).view(40, 12)
    assert noisy["r_tra"] == pytest.approx(float(table.gather(1, items).sum(dim=1).mean()), rel=1e-5)
