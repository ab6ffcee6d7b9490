"""Strict loading: errors are named, and valid values come back unchanged."""

import dataclasses
import subprocess
import sys
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.agents.settings import A2CConfig, TrackerConfig
from darlr.config.constraints import documented
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import (
    leaf_type,
    parse_overrides,
    stable_hash,
    to_mapping,
    with_settings,
)
from darlr.config.yaml_text import read_yaml
from darlr.errors import InputError
from darlr.methods.experiment import CHOICES, experiment_config, experiment_type
from darlr.methods.registry import METHODS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a2c": {"discuont": 0.9}}, r"unknown config key 'a2c\.discuont'; did you mean 'a2c\.discount'\?"),
        ({"sed": 1}, "unknown config key 'sed'; did you mean 'seed'"),
        ({1: 1}, "unknown config key '1'"),
        ({"a2c": 3}, "config key 'a2c' is 3; expected a mapping"),
        ({"a2c": None}, "config key 'a2c' is None; expected a mapping"),
        ({"a2c": {"discount": "high"}}, r"config key 'a2c\.discount' is 'high'; expected a finite number"),
        ({"a2c": {"discount": True}}, r"config key 'a2c\.discount' is True; expected a finite number"),
        ({"a2c": {"discount": None}}, r"config key 'a2c\.discount' is None; expected a finite number"),
        ({"a2c": {"value_weight": float("inf")}}, r"config key 'a2c\.value_weight' is inf; expected a finite number"),
        ({"a2c": {"value_weight": "nan"}}, r"config key 'a2c\.value_weight' is 'nan'; expected a finite number"),
        ({"a2c": {"value_weight": 10**400}}, "expected a finite number"),
        ({"a2c": {"discount": 1.5}}, r"config key 'a2c\.discount' is 1\.5; expected from 0 to 1"),
        ({"seed": True}, "config key 'seed' is True; expected int"),
        ({"seed": 1.0}, r"config key 'seed' is 1\.0; expected int"),
        ({"seed": "1"}, "config key 'seed' is '1'; expected int"),
        ({"seed": -1}, "config key 'seed' is -1; expected 0 or more"),
        ({"dataset": 5}, "config key 'dataset' is 5; expected str"),
        ({"tracker": {"user_state": 1}}, r"config key 'tracker\.user_state' is 1; expected bool"),
        ({"tracker": {"kind": "gur"}}, r"unknown value for config key 'tracker\.kind' 'gur'; did you mean 'gru'\?"),
        ({"policy": {"hidden_sizes": 64}}, r"config key 'policy\.hidden_sizes' is 64; expected a list"),
        ({"policy": {"hidden_sizes": "64"}}, r"config key 'policy\.hidden_sizes' is '64'; expected a list"),
        ({"policy": {"hidden_sizes": [64, "a"]}}, r"config key 'policy\.hidden_sizes' is 'a'; expected int"),
        (
            {"policy": {"hidden_sizes": [0]}},
            r"config key 'policy\.hidden_sizes' is \[0\]; expected values, each from 1 to 100,000",
        ),
    ],
)
def test_bad_values_are_named(values: dict[Any, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment_config(values)


def test_numbers_that_yaml_takes_for_text_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a2c:\n  learning_rate: 1e-3\n  discount: 1\n")
    config = experiment_config(read_yaml(tmp_path / "c.yaml"))
    assert (config.a2c.learning_rate, config.a2c.discount) == (0.001, 1.0)
    assert isinstance(config.a2c.discount, float)


def test_keys_not_given_keep_those_of_the_base() -> None:
    base = experiment_config({"seed": 3, "a2c": {"discount": 0.5, "gae_lambda": 0.25}})
    changed = experiment_config({"a2c": {"discount": 0.75}}, base)
    assert (changed.seed, changed.a2c.discount, changed.a2c.gae_lambda) == (3, 0.75, 0.25)
    assert base.a2c.discount == 0.5


def test_settings_by_dotted_key_come_over_nested_ones() -> None:
    values = {"seed": 3, "a2c": {"discount": 0.5, "gae_lambda": 0.25}}
    settings = {"a2c.discount": 0.9, "tracker.kind": "gru", "tracker.width": 8, "seed": 4}
    assert with_settings(values, settings) == {
        "seed": 4,
        "a2c": {"discount": 0.9, "gae_lambda": 0.25},
        "tracker": {"kind": "gru", "width": 8},
    }
    assert values == {"seed": 3, "a2c": {"discount": 0.5, "gae_lambda": 0.25}}


class TestOverrides:
    def test_nest_and_keep_types(self) -> None:
        pairs = ["a2c.discount=1e-3", "policy.hidden_sizes=[32, 16]", "tracker.user_state=true", "dataset=nan", "seed=7"]
        config = experiment_config(parse_overrides(pairs))
        assert config.a2c.discount == 0.001
        assert config.policy.hidden_sizes == (32, 16)
        assert config.tracker.user_state is True
        assert config.dataset == "nan"
        assert config.seed == 7

    def test_a_value_may_hold_an_equals_sign(self) -> None:
        assert parse_overrides(["dataset=a=b"]) == {"dataset": "a=b"}

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (["seed"], "override 'seed': expected KEY=VALUE"),
            (["=3"], "override '=3': expected KEY=VALUE"),
            (["seed=1", "seed=2"], "override 'seed' is given twice"),
            (["a2c=1", "a2c.discount=1"], "'a2c' was already given a value"),
            (["a2c.discount=1", "a2c={}"], "override 'a2c' is given twice"),
            (["seed=["], r"override 'seed=\[': not valid YAML at line 1"),
            (["seed=2024-13-45"], "'2024-13-45' is not what it looks like: month must be in 1..12"),
            (["a2c={discount: 1, discount: 2}"], "key 'discount' is given twice"),
            (["seed=!!python/name:os.system"], "tag 'tag:yaml.org,2002:python/name:os.system'; expected a plain value"),
        ],
    )
    def test_bad_ones_are_named(self, pairs: list[str], message: str) -> None:
        with pytest.raises(InputError, match=message):
            parse_overrides(pairs)


class TestReadYaml:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"a: 1\nb: [2\n", r"c\.yaml: not valid YAML at line 3"),
            (b"a: 1\nb:\n  c: 1\n  c: 2\n", r"c\.yaml: not valid YAML at line 4 \(key 'c' is given twice\)"),
            (b"a: 2024-13-45\n", r"c\.yaml: not valid YAML"),
            (b"a: \x00\n", r"c\.yaml: not valid YAML"),
            (b"\xff\xfe\xfd", r"c\.yaml: line 1 is not UTF-8 text"),
            (b"- a\n", r"c\.yaml: expected a mapping"),
            (b"", r"c\.yaml: expected a mapping"),
        ],
    )
    def test_bad_files_are_named_in_one_line(self, tmp_path: Path, text: bytes, message: str) -> None:
        (tmp_path / "c.yaml").write_bytes(text)
        with pytest.raises(InputError, match=message) as refusal:
            read_yaml(tmp_path / "c.yaml")
        assert "\n" not in str(refusal.value)

    def test_missing_files_and_folders_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file"):
            read_yaml(tmp_path / "c.yaml")
        with pytest.raises(InputError, match="cannot be read"):
            read_yaml(tmp_path)


class TestHash:
    def test_depends_on_values_alone(self) -> None:
        one = experiment_config({"seed": 1, "a2c": {"discount": 1}})
        other = experiment_config({"a2c": {"discount": 1.0}, "seed": 1})
        assert stable_hash(to_mapping(one)) == stable_hash(to_mapping(other))
        assert stable_hash({"a": 1, "b": {"c": 2, "d": 3}}) == stable_hash({"b": {"d": 3, "c": 2}, "a": 1})

    def test_every_setting_counts(self) -> None:
        changes: list[dict[str, Any]] = [
            {},
            {"seed": 1},
            {"method": "mbpo"},
            {"a2c": {"discount": 0.5}},
            {"tracker": {"layers": 3}},
        ]
        hashes = {stable_hash(to_mapping(experiment_config(change))) for change in changes}
        assert len(hashes) == len(changes)

    def test_is_the_same_in_another_process(self) -> None:
        program = "from darlr.config.loading import leaf_type, stable_hash; print(stable_hash({'b': [1, 2.5, None], 'a': 'ü'}))"
        printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        assert printed == stable_hash({"a": "ü", "b": [1, 2.5, None]})
        assert len(printed) == 12


SETTINGS = {key: setting for key, _, setting in documented(experiment_type())}


def perturbations(kind: type, prefix: str = "") -> st.SearchStrategy[dict[str, Any]]:
    """Nested mappings that set any of the keys of a config to values within all limits."""
    hints = typing.get_type_hints(kind)
    return st.fixed_dictionaries(
        {}, optional={item.name: values_of(hints[item.name], prefix + item.name) for item in dataclasses.fields(kind)}
    )


def values_of(hint: Any, key: str) -> st.SearchStrategy[Any]:
    name = key.rpartition(".")[2]
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return perturbations(hint, f"{key}.")
    if key in {"method": METHODS, **CHOICES}:
        return st.sampled_from(list({"method": METHODS, **CHOICES}[key]))
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    most = min(10**6, int(SETTINGS[key].at_most or 10**6))
    if typing.get_origin(hint) is tuple:
        parts = {float: st.floats(0.001, 0.999), int: st.integers(1, min(512, most)), str: st.text(max_size=8)}
        return st.lists(parts[typing.get_args(hint)[0]], min_size=1, max_size=3, unique=True)
    if name in ("heads", "width"):  # heads divide the default width and every width here
        return st.sampled_from([1, 2, 3, 4] if name == "heads" else [12, 48])
    limited: dict[type, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(2, most),
        float: st.floats(0.001, 0.999) if SETTINGS[key].holds(0.5) else st.floats(2, 1000),
        str: st.text(max_size=8),
    }
    if typing.get_origin(hint) is types.UnionType:
        return st.none() | limited[typing.get_args(hint)[0]]
    return limited[hint]


@given(perturbations(experiment_type()))
def test_to_mapping_and_back_changes_nothing(values: dict[str, Any]) -> None:
    config = experiment_config(values)
    mapping = to_mapping(config)
    assert experiment_config(mapping) == config
    assert to_mapping(experiment_config(mapping)) == mapping
    for key, value in values.items():
        if not isinstance(value, dict):
            assert mapping[key] == value


@given(st.integers(1, 8), st.integers(1, 64))
def test_tracker_width_is_a_multiple_of_the_heads(heads: int, width: int) -> None:
    if width % heads == 0:
        assert TrackerConfig(heads=heads, width=width).width == width
    else:
        with pytest.raises(InputError, match=r"tracker\.width"):
            TrackerConfig(heads=heads, width=width)


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        A2CConfig().discount = 0.1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("key", "kind"),
    [("a2c.discount", float), ("seed", int), ("training.allow_repeats", bool), ("policy.hidden_sizes", tuple), ("method", str)],
)
def test_the_type_of_a_key(key: str, kind: type) -> None:
    assert leaf_type(ExperimentConfig, key) is kind


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("a2c.discout", "unknown config key 'a2c.discout'; did you mean 'a2c.discount'?"),
        ("seed.x", "unknown config key 'seed.x'; did you mean 'seed'?"),
        ("", "unknown config key ''"),
        ("training", "config key 'training' has keys of its own; expected one of them, as 'training.epochs'"),
    ],
)
def test_a_key_that_no_value_has_is_named(key: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        leaf_type(ExperimentConfig, key)
    assert str(refused.value).startswith(message)
