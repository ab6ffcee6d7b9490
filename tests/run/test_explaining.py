"""The explanation of every setting, and its agreement with the page, the schema and the run."""

import json
from pathlib import Path
from typing import Any

import pytest

from darlr.config.constraints import documented
from darlr.config.loading import to_mapping, value_at
from darlr.data.registry import load
from darlr.methods.experiment import experiment_config, experiment_type
from darlr.run.explaining import Explained, explain, json_schema, reference_page
from darlr.run.resolution import resolve
from tests.runs import REPOSITORY

SMALL: dict[str, Any] = {"synthetic": {"users": 30, "items": 40}}


def explained(**values: Any) -> dict[str, Explained]:
    asked = {**SMALL, **values}
    return {entry.key: entry for entry in explain(asked, load(experiment_config(asked), None))}


def leaves(mapping: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, value in mapping.items():
        found += leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found


def test_every_setting_is_documented_once() -> None:
    keys = [key for key, _, _ in documented(experiment_type())]
    assert sorted(keys) == sorted(leaves(to_mapping(experiment_config({}))))
    assert all(setting.doc for _, _, setting in documented(experiment_type()))


def test_values_are_those_of_the_run() -> None:
    values = {**SMALL, "method": "roler"}
    config = resolve(values, load(experiment_config(values), None))
    for key, entry in explained(method="roler").items():
        assert entry.value == value_at(config, key)


def test_where_values_come_from() -> None:
    entries = explained(method="cql-plain", a2c={"discount": 0.5}, cql={"min_q_weight": 2.0})
    origins = {key: entries[key].origin for key in ("a2c.discount", "cql.min_q_weight", "cql.quantiles", "leave.window")}
    assert origins == {
        "a2c.discount": "given",
        "cql.min_q_weight": "given",
        "cql.quantiles": "method",
        "leave.window": "data set",
    }
    assert entries["a2c.learning_rate"].origin == "default"
    assert (entries["world_model.batch_size"].value, entries["world_model.batch_size"].origin) == (256, "log")
    assert explained(method="mbpo", reference_quirks=True)["world_model.loss"].origin == "reference_quirks"


@pytest.mark.parametrize(
    ("key", "limits"),
    [
        ("a2c.discount", "from 0 to 1"),
        ("training.epochs", "from 1 to 1,000,000"),
        ("tracker.kind", "mean | gru | transformer | caser | sasrec | nextitnet"),
        ("tracker.width", "a multiple of heads, at most 100,000"),
        ("reward.entropy_orders", "a list, each from 1 to 100"),
        ("world_model.hidden_sizes", "a list, each from 1 to 100,000, one or more"),
        ("evaluation.referee", "true | false"),
        ("synthetic.seed", "from -9,223,372,036,854,775,807 to 9,223,372,036,854,775,807"),
    ],
)
def test_limits_in_words(key: str, limits: str) -> None:
    assert explained()[key].limits == limits


def test_the_page_is_the_one_that_ships() -> None:
    assert Path(REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8") == reference_page(), (
        "run `darlr config --reference > docs/settings.md`"
    )


def test_the_schema_describes_what_is_accepted() -> None:
    schema = json_schema()
    json.dumps(schema)
    discount = schema["properties"]["a2c"]["properties"]["discount"]
    assert discount == {
        "description": "gamma, weight of a reward one step later",
        "default": 0.9,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
    }
    assert schema["properties"]["method"]["enum"][0] == "bayes-adaptive"
    sizes = schema["properties"]["world_model"]["properties"]["hidden_sizes"]
    assert (sizes["type"], sizes["items"], sizes["minItems"]) == (
        "array",
        {"type": "integer", "minimum": 1, "maximum": 100_000},
        1,
    )
    assert schema["properties"]["a2c"]["additionalProperties"] is False
