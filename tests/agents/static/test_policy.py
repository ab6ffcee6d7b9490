import numpy as np
import torch

from darlr.agents.static.lists import activity_weighted, item_means, popularity, selection_aware_means, shrunk_means
from darlr.agents.static.policy import StaticLearner, StaticPolicy, confidence_bonus
from darlr.agents.static.scorers import SkippingScorer, TableScorer
from darlr.world.world import World
from tests.worlds import dataset_of, log_of, membership_of, window_of

ROWS = [(0, 0, 5.0), (1, 0, 4.0), (2, 0, 1.0), (0, 2, 5.0), (1, 1, 1.0)]


def test_popularity_counts_the_liked_rows_of_the_worlds_items() -> None:
    log = log_of(ROWS, 3, 4, positive_threshold=4.0)
    assert popularity(dataset_of(log)).tolist() == [[2.0, 0.0, 1.0, 0.0]]
    assert popularity(dataset_of(log, world=World(np.arange(3), np.array([2, 0])))).tolist() == [[1.0, 2.0]]


def test_item_means_are_shrunk_by_five_ratings_of_the_overall_mean() -> None:
    log = log_of(ROWS, 3, 4)
    # The overall mean is 16 / 5 = 3.2, and counts as five ratings of it, 16: (10 + 16) / 8, (1 + 16) / 6, (5 + 16) / 6, 16 / 5.
    expected = torch.tensor([26 / 8, 17 / 6, 21 / 6, 3.2])
    torch.testing.assert_close(torch.from_numpy(shrunk_means(log)), expected)
    chosen = dataset_of(log, world=World(np.arange(3), np.array([3, 0])))
    torch.testing.assert_close(item_means(chosen), expected[None, [3, 0]])


def test_those_who_did_not_rate_an_item_count_a_little_below_the_mean() -> None:
    # Two users; the ratings 5, 1, 3, 3 have mean 3 and standard deviation sqrt(2), so c = 3 - sqrt(2) / 4.
    log = log_of([(0, 0, 5.0), (0, 1, 1.0), (1, 0, 3.0), (0, 2, 3.0)], 2, 4)
    c = 3 - 2**0.5 / 4
    expected = torch.tensor([[4.0, (1 + c) / 2, (3 + c) / 2, c]])
    torch.testing.assert_close(selection_aware_means(dataset_of(log)), expected)
    chosen = dataset_of(log, world=World(np.arange(2), np.array([3, 0])))
    torch.testing.assert_close(selection_aware_means(chosen), expected[:, [3, 0]])


def test_an_item_that_everybody_rated_has_its_mean_however_often_one_rated_it() -> None:
    log = log_of([(0, 0, 5.0), (0, 0, 3.0), (1, 0, 1.0), (0, 1, 3.0)], 2, 2)
    assert selection_aware_means(dataset_of(log))[0, 0] == 3.0


def test_active_users_can_be_weighed_down() -> None:
    # User 0 has two rows, user 1 six: with exponent 1 their rows weigh as 1/8 and 1/12 do, so 3 to 2.
    log = log_of([(0, 0, 1.0), (0, 1, 1.0), *[(1, item, 1.0) for item in range(1, 7)]], 2, 8, positive_only=True)
    plain = activity_weighted(dataset_of(log), 0.0)
    torch.testing.assert_close(plain[0, :4], torch.tensor([1.5, 2.5, 1.5, 1.5]) / 12)  # each item is granted half a row
    weighted = activity_weighted(dataset_of(log), 1.0)
    # Totals 3, 5, 2, ...; half a mean row is (2 * 3 + 6 * 2) / 8 / 2 = 1.125.
    torch.testing.assert_close(weighted[0, :3] / weighted[0, 7], torch.tensor([4.125, 6.125, 3.125]) / 1.125)


def test_a_table_scores_by_user_or_serves_everybody() -> None:
    window = window_of([[2], [2]])
    users = torch.tensor([1, 0])
    assert TableScorer(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))(users, window).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert TableScorer(torch.tensor([[1.0, 2.0]]))(users, window).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_skipping_avoids_the_categories_of_the_last_items() -> None:
    assert SkippingScorer(TableScorer(torch.zeros(1, 2)), membership_of([[0], [1]]), window=2).lookback == 0
    scorer = SkippingScorer(TableScorer(torch.tensor([[4.0, 3.0, 2.0, 1.0]])), membership_of([[0], [0, 1], [1], []]), window=2)
    start, absent = 4, 5

    def best(*items: int) -> list[int]:
        scores = scorer(torch.tensor([0]), window_of([list(items)]))[0]
        return scores.argsort(descending=True).tolist()

    assert best(absent, absent, start) == [0, 1, 2, 3]
    assert best(absent, start, 0) == [2, 3, 0, 1]  # 0 and 1 share category 0; they come last, in their own order
    assert best(start, 2, 3) == [0, 3, 1, 2]
    assert best(2, 3, 3) == [0, 1, 2, 3]  # item 2 is out of sight
    assert best(start, 1, 3) == [3, 0, 1, 2]


def test_the_confidence_bonus_is_greatest_for_what_nobody_tried() -> None:
    # Five rows: three about item 0, one about 2, one about 1, none about 3.
    found = confidence_bonus(dataset_of(log_of(ROWS, 3, 4), world=World(np.arange(3), np.array([3, 0, 1]))))
    torch.testing.assert_close(found, (2 * torch.tensor(5.0).log() / torch.tensor([1.0, 4.0, 2.0])).sqrt())


def test_a_static_policy_follows_estimates_and_bonus() -> None:
    policy = StaticPolicy(torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]), epsilon=0.0)
    policy.bonus.copy_(torch.tensor([0.0, 5.0, 0.0]))
    users, window = torch.tensor([1, 0]), window_of([[3], [3]])
    scorer = policy.scorer()
    assert scorer(users, window).tolist() == [[3.0, 7.0, 1.0], [1.0, 7.0, 3.0]]
    blocked = torch.tensor([[False, True, False], [False, True, False]])
    scores = scorer(users, window, blocked)
    assert scores.argmax(dim=1).tolist() == [0, 2]
    assert scorer.probabilities(scores).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    policy.append_user(policy.average_user())
    assert policy.scorer()(torch.tensor([2]), window_of([[3]])).tolist() == [[2.0, 7.0, 2.0]]


def test_epsilon_is_spread_over_what_is_left() -> None:
    scorer = StaticPolicy(torch.tensor([[1.0, 2.0, 3.0]]), epsilon=0.3).scorer()
    users, window = torch.tensor([0]), window_of([[3]])
    found = scorer.probabilities(scorer(users, window))
    torch.testing.assert_close(found, torch.tensor([[0.1, 0.1, 0.8]]))
    found = scorer.probabilities(scorer(users, window, torch.tensor([[False, False, True]])))
    torch.testing.assert_close(found, torch.tensor([[0.15, 0.85, 0.0]]))


def test_there_is_nothing_to_learn_and_the_bonus_is_kept() -> None:
    policy, other = (StaticPolicy(torch.zeros(1, 3), 0.1) for _ in range(2))
    policy.bonus.copy_(torch.tensor([1.0, 2.0, 3.0]))
    log = StaticLearner(policy).epoch(5, 100, torch.Generator())
    assert log.metrics() == {"train/steps": 0}
    StaticLearner(other).restore(StaticLearner(policy).tensors())
    assert other.bonus.tolist() == [1.0, 2.0, 3.0]
