import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.agents.believing.belief import BelievedList, Followed
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.tables import Certainty, CorrectedTable, standardised
from darlr.world.window import Window
from darlr.world_model.factors.responses import FactorResponses, Link, ResponseScale
from tests.worlds import draws, window_of

N_USERS, N_ITEMS, SIZE, LENGTH = 6, 9, 3, 7
START, ABSENT = N_ITEMS, N_ITEMS + 1
LEVELS = (0.05, 0.4, 1.0)


def responses(link: Link = "identity", seed: int = 0) -> FactorResponses:
    """Random posteriors of six users and nine items; rewards run from 1 to 5."""
    generator = draws(seed)
    roots = torch.randn(N_USERS, SIZE, SIZE, generator=generator) * 0.5 + torch.eye(SIZE)
    return FactorResponses(
        intercepts=torch.randn(N_ITEMS, generator=generator) * 0.5,
        loadings=torch.randn(N_ITEMS, SIZE, generator=generator),
        noise=0.6 + torch.rand(N_ITEMS, generator=generator) * 0.3,
        log_noise=0.6,
        user_means=torch.randn(N_USERS, SIZE, generator=generator),
        user_covariances=roots @ roots.mT,
        scale=ResponseScale(link, 1.0, 5.0, 1.0, 0.8 if link == "log" else 3.0, 0.4 if link == "log" else 1.1),
    )


def windows(seed: int = 1) -> Window:
    """A window a user, whose episodes have different lengths."""
    generator = draws(seed)
    items = torch.randint(N_ITEMS, (N_USERS, LENGTH), generator=generator)
    for user in range(N_USERS):
        items[user, :user] = ABSENT
        items[user, user] = START
    rewards = torch.rand(N_USERS, LENGTH, generator=generator)
    return Window(items, torch.where(items == ABSENT, 0.0, torch.where(items == START, 1.0, rewards)))


def slow_factors(of: FactorResponses, levels: tuple[float, ...], user: int, items: list[int], y: list[float]) -> np.ndarray:
    """Compute one user's posterior mean by full inverses; levels are weighted by the joint density of all rewards."""
    mean, covariance = (side[user].double().numpy() for side in (of.user_means, of.user_covariances))
    loadings, intercepts = of.loadings.double().numpy()[items], of.intercepts.double().numpy()[items]
    unknown = of.noise.double().numpy()[items] - of.log_noise
    means, densities = [], []
    for level in levels:
        variances = level * of.log_noise + unknown
        precision = np.linalg.inv(covariance) + sum(np.outer(v, v) / w for v, w in zip(loadings, variances, strict=True))
        pull = np.linalg.inv(covariance) @ mean
        pull = pull + sum(v * (r - b) / w for v, r, b, w in zip(loadings, y, intercepts, variances, strict=True))
        means.append(np.linalg.inv(precision) @ pull)
        joint = loadings @ covariance @ loadings.T + np.diag(variances)
        surprise = np.array(y) - intercepts - loadings @ mean
        densities.append(math.exp(-0.5 * surprise @ np.linalg.inv(joint) @ surprise) / math.sqrt(np.linalg.det(joint)))
    return np.average(means, axis=0, weights=densities)


@pytest.mark.parametrize("link", ["identity", "log"])
def test_a_belief_is_the_posterior_that_full_inverses_give(link: Link) -> None:
    of, seen = responses(link), windows()
    users = torch.tensor([3, 1, 0, 2, 5, 4])
    factors = FactorBelief(of, LEVELS).begin(users).observe(seen).factors()
    for row, user in enumerate(users.tolist()):
        given = [(int(i), float(r)) for i, r in zip(seen.items[row], seen.rewards[row], strict=True) if i < N_ITEMS]
        rewards = [1 + 4 * reward for _, reward in given]
        y = [((math.log(r) if link == "log" else r) - of.scale.centre) / of.scale.spread for r in rewards]
        expected = slow_factors(of, LEVELS, user, [item for item, _ in given], y)
        np.testing.assert_allclose(factors[row].numpy(), expected, rtol=2e-4, atol=2e-4)


def scalar(noise: float = 1.0) -> FactorResponses:
    """Make one user with one factor ~ N(0, 1), and two items with intercepts 0 and 1 and loading 1; rewards from 0 to 4
    equal y.
    """
    return FactorResponses(
        intercepts=torch.tensor([0.0, 1.0]),
        loadings=torch.ones(2, 1),
        noise=torch.full((2,), noise),
        log_noise=noise,
        user_means=torch.zeros(1, 1),
        user_covariances=torch.ones(1, 1, 1),
        scale=ResponseScale("identity", 0.0, 4.0, 0.0, 0.0, 1.0),
    )


def test_a_belief_worked_by_hand() -> None:
    belief = FactorBelief(scalar(), (1.0,))
    before = belief.begin(torch.tensor([0]))
    assert before.expect()[0].tolist() == [[0.0, 1.0]]
    # y = 2 from item 0: precision 1 + 1, mean 2 / 2.
    once = before.observe(window_of([[2, 0]], [[1.0, 0.5]]))
    expected, summary = once.expect()
    torch.testing.assert_close(summary, torch.tensor([[1.0]]))
    torch.testing.assert_close(expected, torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(once.covariances, torch.full((1, 1, 1, 1), 0.5))
    # y = 4 from item 1 is 3 above its intercept: precision 3, mean (2 + 3) / 3.
    twice = once.observe(window_of([[1]], [[1.0]]))
    torch.testing.assert_close(twice.factors(), torch.tensor([[5 / 3]]))
    # The density of y = 2 is N(0, 2)'s, that of 3 after it N(1, 1.5)'s; (2 pi) is left out.
    log_density = -0.5 * (math.log(2) + 4 / 2 + math.log(1.5) + 4 / 1.5)
    torch.testing.assert_close(twice.log_evidence, torch.tensor([[log_density]]))


def test_step_by_step_and_all_at_once_are_the_same() -> None:
    belief, seen = FactorBelief(responses(), LEVELS), windows()
    users = torch.arange(N_USERS)
    believed = belief.begin(users)
    for position in range(LENGTH):
        believed = believed.observe(Window(seen.items[:, [position]], seen.rewards[:, [position]]))
    whole = belief.begin(users).observe(seen)
    torch.testing.assert_close(believed.factors(), whole.factors())
    torch.testing.assert_close(believed.rows(torch.tensor([4, 1])).factors(), whole.factors()[[4, 1]])


def test_start_and_absence_say_nothing() -> None:
    belief = FactorBelief(responses(), LEVELS)
    before = belief.begin(torch.tensor([2]))
    after = before.observe(window_of([[ABSENT, START]], [[0.0, 1.0]])).observe(window_of([[START]], [[1.0]]))
    torch.testing.assert_close(after.factors(), before.factors())


def planted_errors(noise: float, levels: tuple[float, ...]) -> float:
    """Return the mean squared error of 400 users' factors after 20 rewards with `noise` (variance); the log's noise is 1."""
    generator = draws(3)
    users, items, steps = 400, 30, 20
    of = FactorResponses(
        intercepts=torch.zeros(items),
        loadings=torch.randn(items, 4, generator=generator),
        noise=torch.full((items,), 1.0),
        log_noise=1.0,
        user_means=torch.zeros(users, 4),
        user_covariances=torch.eye(4).expand(users, 4, 4),
        scale=ResponseScale("identity", -20.0, 20.0, -20.0, 0.0, 1.0),
    )
    factors = torch.randn(users, 4, generator=generator)
    shown = torch.rand(users, items, generator=generator).argsort(dim=1)[:, :steps]
    y = (of.loadings[shown] @ factors[:, :, None]).squeeze(2)
    y = y + noise**0.5 * torch.randn(y.shape, generator=generator)
    believed = FactorBelief(of, levels).begin(torch.arange(users)).observe(Window(shown, (y + 20) / 40))
    return float((believed.factors() - factors).square().sum(dim=1).mean())


@pytest.mark.parametrize(("noise", "right", "wrong"), [(0.01, 0.01, 1.0), (1.0, 1.0, 0.01)])
def test_levels_find_out_how_noisy_a_user_is(noise: float, right: float, wrong: float) -> None:
    best, worst = planted_errors(noise, (right,)), planted_errors(noise, (wrong,))
    assert best < worst
    assert planted_errors(noise, (0.01, 0.1, 1.0)) < best + 0.1 * (worst - best)


def test_what_is_unknown_of_an_item_is_noise_at_every_level() -> None:
    vague = replace(scalar(), noise=torch.tensor([1.0, 101.0]))  # 100 of the second item's loadings are unknown
    belief = FactorBelief(vague, (1e-6,))

    def after(item: int) -> float:
        return float(belief.begin(torch.tensor([0])).observe(window_of([[item]], [[0.75]])).factors())

    assert after(0) == pytest.approx(3.0, abs=1e-4)  # y = 3, and the answer counts for all
    assert after(1) == pytest.approx(2.0 / 101, abs=1e-4)  # y - 1 = 2, of precision 1 / 100 beside 1


def test_a_list_follows_the_user() -> None:
    # Two kinds of items and one factor: who likes the first kind dislikes the second. Nobody knows which it is at first.
    of = replace(
        scalar(0.1), intercepts=torch.tensor([0.1, 0.0, 0.1, 0.0]), loadings=torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    )
    of = replace(of, noise=torch.full((4,), 0.1), scale=ResponseScale("identity", -2.0, 2.0, -2.0, 0.0, 1.0))
    scorer = BelievedList(FactorBelief(of, (1.0,)))
    users = torch.tensor([0, 0])
    window = window_of([[4, 0], [4, 0]], [[1.0, 1.0], [1.0, 0.0]])  # the first gave 2, the second -2
    blocked = torch.tensor([[True, False, False, False]]).expand(2, -1)
    scores = scorer(users, window, blocked)
    assert scores.argmax(dim=1).tolist() == [1, 2]
    assert scores[:, 0].tolist() == [-math.inf, -math.inf]


def test_somebody_unknown_differs_as_all_users_do() -> None:
    means = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    covariances = torch.stack([torch.eye(2), 3 * torch.eye(2)])
    of = replace(scalar(), loadings=torch.ones(2, 2), user_means=means, user_covariances=covariances)
    belief = FactorBelief(of, (1.0,))
    belief.append_user(belief.average_user())
    believed = belief.begin(torch.tensor([2]))
    torch.testing.assert_close(believed.means[0], torch.tensor([[1.0, 0.0]]))
    # Within users 2 on average; the means lie 1 on either side of their mean in the first factor.
    torch.testing.assert_close(believed.covariances[0, 0], torch.tensor([[3.0, 0.0], [0.0, 2.0]]))


def test_certainty_is_a_table_that_feedback_does_not_change() -> None:
    table = torch.tensor([[1.0, 3.0], [3.0, 1.0]])
    belief = Certainty(torch.tensor([7, 4]), 2)
    belief.learn(table)
    believed = belief.begin(torch.tensor([1, 0])).observe(window_of([[0], [1]], [[0.0], [0.0]]))
    expected, summary = believed.expect()
    torch.testing.assert_close(expected, torch.tensor([[3.0, 1.0], [1.0, 3.0]]))
    assert summary.shape == (2, 0)
    torch.testing.assert_close(believed.rows(torch.tensor([1])).expect()[0], expected[1:])


def test_a_saved_table_serves_those_whom_it_knows_and_its_mean_all_others() -> None:
    learned = Certainty(torch.tensor([7, 4, 5]), 2)
    learned.learn(torch.tensor([[1.0, 3.0], [3.0, 1.0], [2.0, 5.0]]))
    served = Certainty(torch.tensor([5, 6, 7]), 2)
    served.load_state_dict(learned.state_dict())
    served.append_user(learned.average_user())
    expected, _ = served.begin(torch.tensor([0, 1, 2, 3])).expect()
    ours, _ = learned.begin(torch.tensor([2, 0])).expect()
    torch.testing.assert_close(expected[[0, 2]], ours)
    torch.testing.assert_close(expected[[1, 3]], torch.tensor([[2.0, 3.0]] * 2))


def test_what_is_expected_can_be_written_to_given_memory() -> None:
    out = torch.empty(N_USERS, N_ITEMS)
    users = torch.arange(N_USERS)
    certain = Certainty(users, N_ITEMS)
    certain.learn(torch.rand(N_USERS, N_ITEMS, generator=draws()))
    for believed in (FactorBelief(responses(), LEVELS).begin(users), certain.begin(users)):
        expected, _ = believed.expect(out)
        assert expected.data_ptr() == out.data_ptr()
        torch.testing.assert_close(expected, believed.expect()[0])


def test_standardised_rewards_have_mean_0_and_deviation_1() -> None:
    rewards = standardised(torch.tensor([[1.0, 3.0], [5.0, 7.0]]))
    torch.testing.assert_close(rewards, torch.tensor([[-3.0, -1.0], [1.0, 3.0]]) / (20 / 3) ** 0.5)


def corrected() -> CorrectedTable:
    """Make a table of rewards between 2 and 4 over the factors of `responses`."""
    users = torch.arange(N_USERS)
    belief = CorrectedTable(Certainty(users, N_ITEMS), FactorBelief(responses(), LEVELS))
    belief.learn(torch.rand(N_USERS, N_ITEMS, generator=draws()) * 2 + 2)
    return belief


def given(belief: CorrectedTable, items: Tensor, y: Tensor) -> Window:
    """Make the window of responses `y` (A, L) to `items` (A, L)."""
    scale = belief.factors.scale
    return Window(items, (y * scale.spread + scale.centre - scale.low) / (scale.high - scale.low))


def test_a_table_that_users_agree_with_stays_as_it_is() -> None:
    belief, users = corrected(), torch.tensor([1, 0])
    table = belief.table.begin(users).table[users]
    after = belief.begin(users).observe(given(belief, torch.tensor([[0, 1], [0, 1]]), table[:, :2]))
    torch.testing.assert_close(belief.begin(users).expect()[0], table)
    torch.testing.assert_close(after.expect()[0], table, atol=1e-4, rtol=1e-4)


def test_surprise_over_a_table_moves_it_as_the_factors_alone_move() -> None:
    belief, users = corrected(), torch.arange(N_USERS)
    items, surprise = torch.full((N_USERS, 1), 1), 0.1

    def move(start: CorrectedTable | FactorBelief) -> Tensor:
        before, _ = start.begin(users).expect()
        after, _ = start.begin(users).observe(given(belief, items, before.gather(1, items) + surprise)).expect()
        return after - before

    assert float(move(belief).abs().max()) > 0.01
    torch.testing.assert_close(move(belief), move(belief.factors), atol=1e-4, rtol=1e-3)


def test_a_corrected_table_takes_somebody_unknown_for_the_average_user() -> None:
    belief = corrected()
    belief.append_user(belief.average_user())
    stranger, others = (belief.begin(users).expect()[0] for users in (torch.tensor([N_USERS]), torch.arange(N_USERS)))
    torch.testing.assert_close(stranger[0], others.mean(dim=0))


class Counting:
    """A belief that records in how many positions its users were observed."""

    def __init__(self, belief: FactorBelief) -> None:
        self.n_items, self.begun, self._belief = belief.n_items, 0, belief

    def begin(self, users: Tensor) -> object:
        self.begun += 1
        return self._belief.begin(users)


def episode(step: int, seed: int = 1) -> Window:
    """The first `step` recommendations of episodes of six users, in windows of `LENGTH` positions."""
    generator = draws(seed)
    items = torch.randint(N_ITEMS, (N_USERS, LENGTH), generator=generator)
    rewards = torch.rand(N_USERS, LENGTH, generator=generator)
    padding = torch.full((N_USERS, LENGTH), ABSENT)
    padding[:, -1] = START
    shown = slice(step, step + LENGTH)
    all_items, all_rewards = torch.cat([padding, items], dim=1), torch.cat([torch.zeros_like(rewards), rewards], dim=1)
    return Window(all_items[:, shown].clone(), all_rewards[:, shown].clone())


def test_episodes_that_go_on_are_followed_step_by_step_to_the_same_numbers() -> None:
    belief, users = FactorBelief(responses(), LEVELS), torch.arange(N_USERS)
    counting = Counting(belief)
    followed = Followed(counting)  # type: ignore[arg-type]
    for step in range(LENGTH):
        window = episode(step)
        now, _ = followed.believed(users, window).expect()
        window.items.fill_(0)  # as a simulator does that writes to its windows' memory
        assert torch.equal(now, belief.begin(users).observe(episode(step)).expect()[0])
    assert counting.begun == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda users, window: (users.flip(0), window),
        lambda users, window: (users, episode(3, seed=2)),
        lambda users, window: (users[:4], window.rows(torch.arange(4))),
        lambda users, window: (users, Window(window.items, window.rewards * 0.5)),
        lambda users, window: (users, window.last(3)),
        lambda users, window: (users, episode(4)),
    ],
    ids=["other users", "other episodes", "fewer", "other rewards", "shorter", "a step left out"],
)
def test_what_does_not_go_on_is_looked_at_afresh(other: Callable[[Tensor, Window], tuple[Tensor, Window]]) -> None:
    belief, users = FactorBelief(responses(), LEVELS), torch.arange(N_USERS)
    followed = Followed(belief)
    followed.believed(users, episode(2))
    asked = other(users, episode(3))
    assert torch.equal(followed.believed(*asked).expect()[0], belief.begin(asked[0]).observe(asked[1]).expect()[0])


def test_what_falls_out_of_sight_is_forgotten() -> None:
    belief, users = FactorBelief(responses(), LEVELS), torch.arange(N_USERS)
    followed = Followed(belief)
    followed.believed(users, episode(LENGTH - 1))
    followed.believed(users, episode(LENGTH))
    generator = draws(5)
    later = episode(LENGTH)
    items = torch.cat([later.items[:, 1:], torch.randint(N_ITEMS, (N_USERS, 1), generator=generator)], dim=1)
    rewards = torch.cat([later.rewards[:, 1:], torch.rand(N_USERS, 1, generator=generator)], dim=1)
    window = Window(items, rewards)
    assert torch.equal(followed.believed(users, window).expect()[0], belief.begin(users).observe(window).expect()[0])
