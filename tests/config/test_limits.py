"""The limits of every setting."""

from typing import Any

import pytest

from darlr.errors import InputError
from darlr.methods.experiment import experiment_config

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
