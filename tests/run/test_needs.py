"""The memory that a run needs."""

from typing import Any

import pytest

from darlr import memory
from darlr.data.readers.synthetic import generate
from darlr.data.settings import SyntheticConfig
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.run.resolution import resolve


@pytest.fixture(scope="module")
def small() -> LoadedDataset:
    return generate(SyntheticConfig(users=40, items=120))


@pytest.mark.parametrize("method", METHODS)
def test_published_settings_fit(small: LoadedDataset, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 512 * 1024**2)
    resolve({"method": method}, small)


def test_the_process_itself_counts(small: LoadedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 200 * 1024**2)
    with pytest.raises(InputError, match=r"libraries is loaded, which takes about 256\.0 MiB"):
        resolve({"method": "mbpo"}, small)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"training.environments": 10_000_000}, "training.environments"),
        ({"training.environments": 5_000_000, "tracker.window": 10_000}, "training.environments"),
        ({"training.environments": 1_000_000, "leave.window": 10_000}, "training.environments"),
        ({"leave.window": 10_000, "training.environments": 100_000}, "leave.window"),
        ({"world_model.kind": "deepfm", "world_model.embedding_size": 10_000, "world_model.members": 100}, "world_model"),
        ({"world_model.kind": "deepfm", "world_model.members": 1_000, "world_model.embedding_size": 2_000}, "world_model"),
        ({"world_model.kind": "deepfm", "world_model.hidden_sizes": [100_000, 100_000]}, "world_model.hidden_sizes"),
        ({"policy.hidden_sizes": [100_000, 100_000]}, "policy.hidden_sizes"),
        ({"tracker.kind": "transformer", "tracker.width": 100_000}, "tracker.width"),
        ({"tracker.kind": "caser", "tracker.window": 10_000}, "tracker.window"),
        ({"tracker.kind": "sasrec", "tracker.window": 10_000, "training.environments": 1_000}, "tracker.window"),
        ({"tracker.kind": "nextitnet", "tracker.width": 100_000}, "tracker.width"),
        ({"tracker.kind": "gru", "tracker.width": 100_000, "policy.hidden_sizes": [90_000]}, "tracker.width"),
        ({"method": "cql", "cql.quantiles": 10_000, "policy.hidden_sizes": [10_000]}, "cql.quantiles"),
        ({"method": "cql", "offline.batch_size": 10_000_000}, "offline.batch_size"),
        ({"method": "dqn", "replay.batch_size": 10_000_000}, "replay.batch_size"),
        ({"method": "dqn", "replay.episodes": 10_000_000, "leave.max_steps": 120}, "replay.episodes"),
        ({"method": "c51", "c51.atoms": 10_000, "policy.hidden_sizes": [10_000]}, "c51.atoms"),
        ({"method": "qr-dqn", "qr_dqn.quantiles": 10_000, "policy.hidden_sizes": [10_000]}, "qr_dqn.quantiles"),
        ({"method": "decision-transformer", "decision_transformer.width": 50_000}, "decision_transformer.width"),
        ({"method": "decision-transformer", "offline.batch_size": 10_000_000}, "offline.batch_size"),
        ({"method": "bayes-adaptive", "factors.size": 10_000}, "factors.size"),
        ({"world_model.kind": "factors", "factors.size": 9_000}, "factors.size"),
        ({"evaluation.episodes": 10_000_000, "leave.max_steps": 120}, "evaluation.episodes"),
        (
            {"method": "slateq", "slate.size": 12, "slate.leave": "shown", "leave.max_steps": 10, "leave.window": 10_000}
            | {"training.environments": 1_000},
            "leave.window",
        ),
        ({"method": "slateq", "slate.size": 12, "leave.max_steps": 10, "replay.episodes": 10_000_000}, "replay.episodes"),
        ({"selector.window": 10_000, "selector.width": 100_000}, "selector"),
    ],
)
def test_what_cannot_fit_is_refused_with_its_key(
    small: LoadedDataset, settings: dict[str, Any], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 8 * 1024**3)
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        section, _, setting = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[setting or name] = value
    with pytest.raises(InputError) as refused:
        resolve(nested, small)
    assert str(refused.value).startswith(f"config key '{key}")
    assert "of this machine" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"users": 1_000_000, "items": 1_000_000}, "config keys 'synthetic.users' and 'synthetic.items' are 1,000,000 and"),
        ({"users": 2, "items": 2, "randomised": 10**8}, "config key 'synthetic.randomised' is 100,000,000"),
    ],
)
def test_a_world_that_cannot_be_generated_is_refused(
    settings: dict[str, int], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 1024**3)
    with pytest.raises(InputError) as refused:
        generate(SyntheticConfig(**settings))  # type: ignore[arg-type]
    assert str(refused.value).startswith(keys)
