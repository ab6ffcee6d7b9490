"""World models that break the contract in one way get a message about it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.testing import check_world_model
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.kinds import DEEPFM, WORLD_MODELS, WorldModelKind
from darlr.world_model.model import WorldModel
from darlr.world_model.training import FitMonitor


@pytest.mark.parametrize("name", WORLD_MODELS)
def test_ours_keep_it(name: str) -> None:
    check_world_model(WORLD_MODELS[name])


Change = Callable[[EnsembleModel], None]


def changed(change: Change) -> WorldModelKind:
    """Make a DeepFM ensemble to which `change` is applied after every fit."""

    def fit(
        dataset: Dataset, config: ExperimentConfig, device: torch.device, monitor: FitMonitor | None
    ) -> tuple[WorldModel, dict[str, Any]]:
        model, report = DEEPFM.fit(dataset, config, device, monitor)
        assert isinstance(model, EnsembleModel)
        change(model)
        return model, report

    return replace(DEEPFM, name="other", fit=fit)


def negate_uncertainty(model: EnsembleModel) -> None:
    predict = model.predict
    model.predict = lambda users, items: (predict(users, items)[0], -predict(users, items)[1])  # type: ignore[method-assign]


def transpose(model: EnsembleModel) -> None:
    predict = model.predict

    def transposed(users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        estimate, uncertainty = predict(users, items)
        return estimate[:, :-1], uncertainty

    model.predict = transposed  # type: ignore[method-assign]


def dislike(model: EnsembleModel) -> None:
    predict = model.predict
    model.predict = lambda users, items: (-predict(users, items)[0], predict(users, items)[1])  # type: ignore[method-assign]


def lose_an_item(model: EnsembleModel) -> None:
    vectors = model.item_vectors()
    model.item_vectors = lambda: vectors[1:]  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (negate_uncertainty, "an uncertainty is negative"),
        (transpose, r"the estimate has shape \(40, 39\); expected \(40, 40\)"),
        (dislike, "liked items are estimated -"),
        (lose_an_item, r"item_vectors\(\) has shape \(39, .*; expected \(40, d\)"),
    ],
)
def test_what_breaks_the_contract_is_named(change: Change, message: str) -> None:
    with pytest.raises(AssertionError, match=f"^world model 'other': {message}"):
        check_world_model(changed(change))


def test_one_that_is_not_restored_is_told() -> None:
    def restore(tensors: Mapping[str, Tensor], state: Mapping[str, Any], device: torch.device) -> WorldModel:
        model = EnsembleModel.restore(tensors, state, device)
        model.scale = replace(model.scale, centre=0.0)
        return model

    with pytest.raises(AssertionError, match="predicts otherwise after it was saved and restored"):
        check_world_model(replace(DEEPFM, restore=restore))
