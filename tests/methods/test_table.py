import pytest

from darlr.methods.table import METHODS, recipe_of
from darlr.run.resolution import resolve
from tests.run.test_resolution import loaded


@pytest.mark.parametrize("method", METHODS)
def test_every_recipe_accepts_its_own_definition(method: str) -> None:
    recipe = recipe_of(method)
    assert recipe.name == method
    for dataset in ("mine", *recipe.published):
        config = resolve({"method": method}, loaded(dataset))
        assert config.method == method


def test_published_settings_of_the_offline_agents() -> None:
    elsewhere, yahoo = (resolve({"method": "cql"}, loaded(name)) for name in ("mine", "yahoo"))
    assert (elsewhere.cql.quantiles, elsewhere.cql.min_q_weight, elsewhere.offline.users) == (20, 10.0, "all")
    assert (yahoo.cql.quantiles, yahoo.cql.min_q_weight, yahoo.offline.users) == (10, 1.0, "world")
    assert resolve({"method": "sqn"}, loaded()).policy.hidden_sizes == ()
    assert resolve({"method": "bcq"}, loaded()).policy.hidden_sizes == (64, 64)
    assert resolve({"method": "crr"}, loaded()).offline.n_step == 1
    own = resolve({"method": "sqn", "tracker": {"user_state": True}, "offline": {"users": "world"}}, loaded(users=150))
    assert own.tracker.user_state


def test_published_settings_of_the_policies_on_one_network() -> None:
    ips, ucb, epsilon = (resolve({"method": name}, loaded()) for name in ("ips", "ucb", "epsilon-greedy"))
    assert [config.world_model.members for config in (ips, ucb, epsilon)] == [1, 1, 1]
    assert [config.world_model.weighting for config in (ips, ucb, epsilon)] == ["inverse_count", "equal", "equal"]
    assert {config.world_model.error for config in (ips, ucb, epsilon)} == {"squared"}
    assert (ucb.static.bonus, epsilon.static.epsilon) == (1.0, 0.3)
    assert resolve({"method": "darlr", "world_model": {"error": "squared"}}, loaded()).reward.uncertainty_weight > 0
