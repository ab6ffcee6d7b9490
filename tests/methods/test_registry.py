import pytest

from darlr.agents.settings import OfflineConfig, StaticConfig
from darlr.config.experiment import ExperimentConfig
from darlr.methods.cql import CQLConfig
from darlr.methods.registry import METHODS
from darlr.run.resolution import resolve
from tests.run.test_resolution import loaded


@pytest.mark.parametrize("method", METHODS)
def test_every_method_accepts_its_own_definition(method: str) -> None:
    assert METHODS[method].name == method
    for dataset in ("mine", *METHODS[method].published):
        config = resolve({"method": method}, loaded(dataset))
        assert config.method == method


def published(config: ExperimentConfig) -> tuple[int, float, str]:
    cql = config.own(CQLConfig)
    return cql.quantiles, cql.min_q_weight, config.own(OfflineConfig).users


def test_published_settings_of_the_offline_agents() -> None:
    elsewhere, yahoo = (resolve({"method": "cql"}, loaded(name)) for name in ("mine", "yahoo"))
    assert published(elsewhere) == (20, 10.0, "all")
    assert published(yahoo) == (10, 1.0, "world")
    assert resolve({"method": "sqn"}, loaded()).policy.hidden_sizes == ()
    assert resolve({"method": "bcq"}, loaded()).policy.hidden_sizes == (64, 64)
    assert resolve({"method": "crr"}, loaded()).own(OfflineConfig).n_step == 1
    own = resolve({"method": "sqn", "tracker": {"user_state": True}, "offline": {"users": "world"}}, loaded(users=150))
    assert own.tracker.user_state


def test_published_settings_of_the_policies_on_one_network() -> None:
    ips, ucb, epsilon = (resolve({"method": name}, loaded()) for name in ("ips", "ucb", "epsilon-greedy"))
    assert [config.world_model.members for config in (ips, ucb, epsilon)] == [1, 1, 1]
    assert [config.world_model.weighting for config in (ips, ucb, epsilon)] == ["inverse_count", "equal", "equal"]
    assert {config.world_model.error for config in (ips, ucb, epsilon)} == {"squared"}
    assert (ucb.own(StaticConfig).bonus, epsilon.own(StaticConfig).epsilon) == (1.0, 0.3)
    assert resolve({"method": "darlr", "world_model": {"error": "squared"}}, loaded()).reward.uncertainty_weight > 0
