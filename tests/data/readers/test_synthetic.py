import numpy as np
import pytest

from darlr.data.readers.synthetic import generate
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError


def test_is_shaped_like_kuairec() -> None:
    loaded = generate(SyntheticConfig())
    data, log = loaded.dataset, loaded.dataset.log
    assert loaded.truth is not None
    truth = loaded.truth.rewards
    assert truth.shape == (1000, 500)
    assert truth.mean() == pytest.approx(0.85, abs=0.01)
    assert np.median(truth) < truth.mean()  # right-skewed
    assert 0.05 < len(log) / truth.size < 0.15
    assert 0 < log.rewards.min() <= log.rewards.max() <= 5
    assert len(np.unique(log.users.astype(int) * 500 + log.items)) == len(log)
    each = (data.items.categories >= 0).sum(axis=1)
    assert (data.items.n_categories, each.min(), each.max()) == (31, 1, 4)
    assert 1.2 < each.mean() < 1.5
    assert (data.leave.by, data.leave.window, data.leave.max_steps) == ("category", 4, 30)


def test_exposure_is_biased_and_logged_rewards_scatter_around_the_truth() -> None:
    loaded = generate(SyntheticConfig())
    log = loaded.dataset.log
    assert loaded.truth is not None
    expected = loaded.truth.rewards[log.users, log.items]
    assert expected.mean() > loaded.truth.rewards.mean() + 0.1
    assert (log.rewards - expected).mean() == pytest.approx(0, abs=0.02)
    shown = np.sort(np.bincount(log.items, minlength=500))
    assert shown[-50:].sum() > 0.3 * len(log)


def test_views_of_a_category_follow_each_other() -> None:
    loaded = generate(SyntheticConfig())
    log = loaded.dataset.log
    assert log.times is not None
    same_user = log.users[1:] == log.users[:-1]
    assert (np.diff(log.times)[same_user] >= 0).all()
    main = loaded.dataset.items.categories[log.items, 0]
    by_chance = ((np.bincount(main) / len(main)) ** 2).sum()
    assert (main[1:] == main[:-1])[same_user].mean() > 3 * by_chance


def test_features_tell_of_the_truth() -> None:
    loaded = generate(SyntheticConfig())
    assert loaded.truth is not None
    item_mean, user_mean = loaded.truth.rewards.mean(axis=0), loaded.truth.rewards.mean(axis=1)
    assert np.corrcoef(loaded.dataset.items.features.numeric[:, 0], item_mean)[0, 1] > 0.3
    assert np.corrcoef(loaded.dataset.user_features.codes[:, 0], user_mean)[0, 1] > 0.3


def test_the_seed_decides() -> None:
    one, same, other = (generate(SyntheticConfig(50, 30, seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.dataset.log.rewards, same.dataset.log.rewards)
    np.testing.assert_array_equal(one.dataset.user_features.numeric, same.dataset.user_features.numeric)
    assert one.dataset.hashes == same.dataset.hashes != other.dataset.hashes
    assert not np.array_equal(one.dataset.log.rewards[:50], other.dataset.log.rewards[:50])


@pytest.mark.parametrize(("users", "items"), [(2, 2), (2, 300), (300, 2), (3, 5), (5, 9000)])
def test_any_size(users: int, items: int) -> None:
    loaded = generate(SyntheticConfig(users, items))
    log = loaded.dataset.log
    assert (log.n_users, log.n_items) == (users, items)
    assert (np.bincount(log.users, minlength=users) >= 1).all()


def test_blocks_of_users_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user has its share of rows, whichever block it was drawn in."""
    monkeypatch.setattr("darlr.data.readers.synthetic.BLOCK_CELLS", 700)
    log = generate(SyntheticConfig(100, 100)).dataset.log
    assert (np.bincount(log.users) >= 4).all()
    assert len(np.unique(log.users.astype(int) * 100 + log.items)) == len(log)


def chosen(selection: str, strength: float = 1.0) -> tuple[LoadedDataset, float, float]:
    """Return a world, how far the logged truth is above its user's mean, in deviations, and how unequal items' counts are."""
    loaded = generate(SyntheticConfig(300, 200, 1, selection, strength))  # type: ignore[arg-type]
    assert loaded.truth is not None
    truth, log = loaded.truth.rewards.astype(float), loaded.dataset.log
    popularity = np.bincount(log.items, minlength=200)
    above = (truth[log.users, log.items] - truth.mean(axis=1)[log.users]).mean() / truth.std()
    return loaded, float(above), float(popularity.std() / popularity.mean())


def test_users_choose_as_they_are_told_to() -> None:
    _, forced, forced_spread = chosen("forced")
    _, some, _ = chosen("free", 0.5)
    _, more, _ = chosen("free", 2.0)
    _, popular, popular_spread = chosen("popularity", 2.0)
    assert abs(forced) < 0.03
    assert forced_spread < 0.3
    assert 0.1 < some < more - 0.3
    assert popular_spread > 3 * forced_spread
    assert popular < more


def test_a_strength_of_0_selects_nothing_and_the_truth_does_not_depend_on_selection() -> None:
    forced, *_ = chosen("forced")
    assert forced.truth is not None
    for selection in ("free", "popularity", "shown"):
        loaded, *_ = chosen(selection, 0.0)
        assert loaded.truth is not None
        np.testing.assert_array_equal(loaded.dataset.log.items, forced.dataset.log.items)
        np.testing.assert_array_equal(loaded.truth.rewards, forced.truth.rewards)
        assert loaded.dataset.hashes != forced.dataset.hashes
    with pytest.raises(InputError, match=r"'synthetic.selection_strength' is 2, but the selection 'forced' has none; expected"):
        generate(SyntheticConfig(selection="forced", selection_strength=2.0))


def test_randomly_shown_ratings_leave_the_rest_as_it_is() -> None:
    plain, shown = (generate(SyntheticConfig(200, 100, 2, "free", 2.0, randomised)) for randomised in (0, 4000))
    assert plain.dataset.randomised is None
    randomised = shown.dataset.randomised
    assert randomised is not None
    assert shown.truth is not None
    assert len(randomised) == 4000
    np.testing.assert_array_equal(plain.dataset.log.rewards, shown.dataset.log.rewards)
    assert randomised.rewards.mean() == pytest.approx(shown.truth.rewards.mean(), abs=0.05)
    assert shown.dataset.log.rewards.mean() > shown.truth.rewards.mean() + 0.3
    assert np.bincount(randomised.items, minlength=100).min() > 15
