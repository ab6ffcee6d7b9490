"""Generated worlds whose users leave by a known hazard; worlds without one stay as they were."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from darlr.config.loading import from_mapping
from darlr.data.readers.synthetic import generate
from darlr.data.sessions import sessions_of
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.world.hazard import LeaveHazard

LEAVING = SyntheticConfig(200, 100, leave="hazard")


def known(loaded: LoadedDataset) -> LeaveHazard:
    assert loaded.truth is not None
    assert loaded.truth.leave is not None
    return loaded.truth.leave


def mean_length(config: SyntheticConfig) -> float:
    return float(sessions_of(generate(config).dataset.log, 30).lengths.mean())


def test_a_world_without_a_hazard_is_the_one_that_it_was() -> None:
    loaded = generate(SyntheticConfig(users=60, items=80, randomised=10))
    dataset, digest = loaded.dataset, hashlib.sha256()
    assert loaded.truth is not None
    assert dataset.log.times is not None
    for values in (dataset.log.users, dataset.log.items, dataset.log.rewards, dataset.log.times, loaded.truth.rewards):
        digest.update(values.tobytes())
    digest.update(dataset.items.categories.tobytes())
    digest.update(dataset.user_features.numeric.tobytes())
    assert digest.hexdigest() == "7be801e667a5439b486b65ede220413f99deee6af890b8c130cb0a84d985b840"
    assert dataset.hashes == {"synthetic": "bd365c55a83e2bc59c460000239110c4463fc3e723fdc65b4ad41bf27ba5d9cc"}
    assert dataset.log.exposure is None
    assert loaded.truth.leave is None


def test_visits_are_sessions_of_the_log_by_their_times_alone() -> None:
    log = generate(LEAVING).dataset.log
    recorded, cut = sessions_of(log, 30), sessions_of(replace(log, exposure=None), 30)
    np.testing.assert_array_equal(recorded.lengths, cut.lengths)
    np.testing.assert_array_equal(recorded.rows, cut.rows)
    assert len(np.unique(log.users)) == 200
    assert len(np.unique(log.users.astype(int) * 100 + log.items)) == len(log)  # nothing is shown twice
    assert log.exposure is not None
    np.testing.assert_array_equal(log.exposure.steps, recorded.places + 1)
    assert recorded.ended.mean() > 0.9


def test_the_known_hazard_is_the_truth_of_the_settings() -> None:
    loaded = generate(LEAVING)
    law = known(loaded)
    assert law.weights.tolist() == [0.0, 0.25, -3.0, -6.0, 0.7, 0.0]
    assert law.effects.std() == pytest.approx(0.5, abs=0.08)
    assert not law.deviations.any()
    assert loaded.dataset.leave.by == "learned"
    assert not hasattr(loaded.dataset, "hazard")


def test_hazards_decide_on_the_length_of_visits() -> None:
    plain = replace(LEAVING, hazard_reward=0.0, hazard_recent=0.0, hazard_shared=0.0, hazard_step=0.0, hazard_spread=0.0)
    for intercept in (-1.0, 1.0):
        length = 1 + np.exp(-intercept)  # of a constant hazard
        assert mean_length(replace(plain, hazard_intercept=intercept)) == pytest.approx(length, rel=0.06)
    assert mean_length(replace(LEAVING, hazard_shared=3.0)) < mean_length(LEAVING) - 0.5


def test_content_users_return_sooner() -> None:
    def pauses(satisfaction: float) -> tuple[float, float]:
        """The mean log hours of the pause after a visit, and its correlation with the visit's mean reward."""
        log = generate(replace(LEAVING, users=400, return_satisfaction=satisfaction)).dataset.log
        found = sessions_of(log, 30)
        assert found.begun is not None
        assert found.over is not None
        same = found.users[1:] == found.users[:-1]
        hours = np.log((found.begun[1:] - found.over[:-1])[same] / 3_600)
        means = np.add.reduceat(log.rewards[found.rows], np.cumsum(found.lengths) - found.lengths) / found.lengths / 5
        return float(hours.mean()), float(np.corrcoef(means[:-1][same], hours)[0, 1])

    assert pauses(-6.0)[0] < pauses(0.0)[0] - 0.5
    assert pauses(-6.0)[1] < -0.3


def test_the_seed_decides() -> None:
    one, same, other = (generate(SyntheticConfig(30, 40, seed, leave="hazard")) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.dataset.log.rewards, same.dataset.log.rewards)
    np.testing.assert_array_equal(known(one).effects, known(same).effects)
    assert one.dataset.hashes == same.dataset.hashes != other.dataset.hashes


@pytest.mark.parametrize("users", [2, 3])
@pytest.mark.parametrize("items", [2, 5])
def test_tiny_worlds(users: int, items: int) -> None:
    log = generate(SyntheticConfig(users, items, leave="hazard", return_hours=1.0)).dataset.log
    assert set(log.users.tolist()) == set(range(users))
    assert sessions_of(log, 30).lengths.max() <= items


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hazard_shared": 1.0}, "'synthetic.hazard_shared' is 1, but 'synthetic.leave' is 'category'"),
        ({"return_hours": 5.0}, "'synthetic.return_hours' is 5, but"),
        ({"leave": "hazard", "return_hours": 0.0}, "'synthetic.return_hours' is 0.0; expected"),
        ({"leave": "hazard", "hazard_spread": -1.0}, "'synthetic.hazard_spread' is -1.0; expected"),
        ({"leave": "learned"}, "unknown value for config key 'leave' 'learned'"),
    ],
)
def test_refuses_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate(from_mapping(SyntheticConfig, settings))
