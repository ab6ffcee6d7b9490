"""The limits of every setting."""

from typing import Any

import pytest

from darlr.config.constraints import Setting, documented
from darlr.config.loading import from_mapping, with_settings
from darlr.data.completion.settings import CompletingConfig
from darlr.errors import InputError
from darlr.methods.experiment import experiment_config, experiment_type

LIMITS: list[tuple[str, Any, Any]] = [  # key, the last value inside its limits, the first outside
    ("synthetic.users", 2, 1),
    ("synthetic.items", 2, 1),
    ("world_model.members", 1, 0),
    ("world_model.embedding_size", 1, 0),
    ("world_model.hidden_sizes", [1], [0]),
    ("world_model.hidden_sizes", [1], []),
    ("world_model.negatives_per_row", 1, 0),
    ("world_model.batch_size", 0, -1),
    ("world_model.learning_rate", 1e-12, 0.0),
    ("world_model.weight_decay", 0.0, -1e-12),
    ("world_model.max_epochs", 0, -1),
    ("world_model.patience", 1, 0),
    ("world_model.held_out", 1e-12, 0.0),
    ("world_model.held_out", 0.999, 1.0),
    ("reward.uncertainty_weight", 0.0, -1e-12),
    ("reward.entropy_weight", 0.0, -1e-12),
    ("reward.entropy_orders", [], [0]),
    ("reward.entropy_orders", [2, 1], [1, 1]),
    ("leave.window", 1, 0),
    ("leave.tolerance", 0.0, -1e-12),
    ("leave.max_steps", 1, 0),
    ("tracker.window", 1, 0),
    ("tracker.layers", 1, 0),
    ("tracker.heads", 1, 0),
    ("tracker.width", 1, 0),
    ("policy.hidden_sizes", [1], [1, 0]),
    ("policy.hidden_sizes", [], [-1]),
    ("policy.prior_weight", 0.0, -1e-12),
    ("policy.category_window", 0, -1),
    ("a2c.learning_rate", 1e-12, 0.0),
    ("a2c.tracker_learning_rate", 1e-12, 0.0),
    ("a2c.discount", 0.0, -1e-12),
    ("a2c.discount", 1.0, 1.000001),
    ("a2c.gae_lambda", 0.0, -1e-12),
    ("a2c.gae_lambda", 1.0, 1.000001),
    ("a2c.value_weight", 0.0, -1e-12),
    ("a2c.entropy_weight", 0.0, -1e-12),
    ("a2c.max_gradient_norm", 0.0, -1e-12),
    ("a2c.minibatch_size", 1, 0),
    ("offline.learning_rate", 1e-12, 0.0),
    ("offline.discount", 0.0, -1e-12),
    ("offline.discount", 1.0, 1.000001),
    ("offline.n_step", 1, 0),
    ("offline.batch_size", 1, 0),
    ("offline.updates_per_epoch", 1, 0),
    ("offline.target_sync", 1, 0),
    ("sqn.logit_penalty", 0.0, -1e-12),
    ("bcq.logit_penalty", 0.0, -1e-12),
    ("bcq.threshold", 0.0, -1e-12),
    ("bcq.threshold", 1.0, 1.000001),
    ("cql.quantiles", 1, 0),
    ("cql.min_q_weight", 0.0, -1e-12),
    ("crr.beta", 1e-12, 0.0),
    ("crr.bound", 1e-12, 0.0),
    ("crr.min_q_weight", 0.0, -1e-12),
    ("bc.logit_penalty", 0.0, -1e-12),
    ("weighted_likelihood.beta", 1e-12, 0.0),
    ("weighted_likelihood.bound", 1e-12, 0.0),
    ("iql.expectile", 1e-12, 0.0),
    ("iql.expectile", 0.999, 1.0),
    ("iql.beta", 0.0, -1e-12),
    ("iql.bound", 1e-12, 0.0),
    ("topk.items", 1, 0),
    ("topk.cap", 1e-12, 0.0),
    ("decision_transformer.context", 1, 0),
    ("decision_transformer.layers", 1, 0),
    ("decision_transformer.heads", 1, 0),
    ("decision_transformer.width", 1, 0),
    ("decision_transformer.asked", 0.0, -1e-12),
    ("decision_transformer.asked", 1.0, 1.000001),
    ("static.epsilon", 1.0, 1.000001),
    ("static.bonus", 0.0, -1e-12),
    ("training.epochs", 1, 0),
    ("training.steps_per_epoch", 1, 0),
    ("training.environments", 1, 0),
    ("evaluation.episodes", 1, 0),
]


@pytest.mark.parametrize(("key", "inside", "outside"), LIMITS)
def test_limits(key: str, inside: Any, outside: Any) -> None:
    section, name = key.split(".")
    config = experiment_config({section: {name: inside}})
    found = getattr(getattr(config, section), name)
    assert (list(found) if isinstance(found, tuple) else found) == inside
    with pytest.raises(InputError, match=rf"config key '{section}\.{name}' is .*; expected "):
        experiment_config({section: {name: outside}})


NUMBERS = [
    (kind, key, hint, setting)
    for kind, keys in ((experiment_type(), documented(experiment_type())), (CompletingConfig, documented(CompletingConfig)))
    for key, hint, setting in keys
    if "int" in str(hint) or "float" in str(hint)
]


@pytest.mark.parametrize(
    ("kind", "key", "hint", "setting"), NUMBERS, ids=[f"{kind.__name__} {key}" for kind, key, _, _ in NUMBERS]
)
def test_every_number_has_both_limits(kind: type[Any], key: str, hint: Any, setting: Setting) -> None:
    assert setting.multiple_of or setting.at_least is not None or setting.above is not None
    assert setting.at_most is not None or setting.below is not None
    most = setting.at_most if setting.at_most is not None else setting.below
    too_large = 2 * most if most else 1
    value = [too_large] if "tuple" in str(hint) else too_large
    with pytest.raises(InputError, match=rf"config key '{key}' is .*; expected "):
        from_mapping(kind, with_settings({}, {key: value}))


ODD = [10**5_000, -(10**5_000), 2**63, float("inf"), float("nan"), "9" * 5_000, [[1] * 50] * 50]


@pytest.mark.parametrize("value", ODD, ids=["huge", "negative", "64 bits", "inf", "nan", "text", "lists"])
@pytest.mark.parametrize("key", ["seed", "training.environments", "a2c.discount", "world_model.hidden_sizes"])
def test_numbers_that_are_none_are_refused_in_a_short_line(key: str, value: Any) -> None:
    for given in (value, [value]):
        with pytest.raises(InputError) as refused:
            experiment_config(with_settings({}, {key: given}))
        assert str(refused.value).startswith(f"config key '{key}' is ")
        assert len(str(refused.value)) < 300


def test_lists_are_short() -> None:
    with pytest.raises(InputError, match="expected at most 100 values"):
        experiment_config({"policy": {"hidden_sizes": [1] * 101}})
