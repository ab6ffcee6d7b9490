"""The simulator's methods with the actor that a belief guides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.testing.methods import METHOD_CHECKS, MethodCheck, TrainedMethod, train_method
from darlr.testing.planted import write_planted_world
from tests.runs import train_small

ON_A_BELIEF: Mapping[str, Any] = {
    "world_model": {"kind": "factors"},
    "policy": {"actor": "belief"},
    "neighbours": {"users": 3},
    "selector": {"references": 3},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedMethod:
    folder = tmp_path_factory.mktemp("belief")
    write_planted_world(folder / "data" / "planted")
    return train_method(METHODS["darlr"], ON_A_BELIEF, folder / "data", folder / "runs")


@pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check: MethodCheck, trained: TrainedMethod, tmp_path: Path) -> None:
    check(trained, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"method": "mbpo", "world_model": {"kind": "deepfm"}},
            "'policy.actor' is 'belief', but 'world_model.kind' is 'deepfm'",
        ),
        ({"method": "roler", "world_model": {"kind": "auto"}}, "'policy.actor' is 'belief', but 'world_model.kind' is 'auto'"),
        ({"method": "sqn"}, "'policy.actor' is 'belief', but the heads of method 'sqn' are"),
    ],
)
def test_a_belief_needs_factors_and_a_simulator(tmp_path: Path, settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_small(tmp_path, {"policy": {"actor": "belief"}, **settings})
