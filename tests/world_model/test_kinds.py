"""Common behaviour of all kinds of world models."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from darlr.methods.experiment import experiment_config
from darlr.world_model import kinds
from darlr.world_model.comparing import Comparison
from darlr.world_model.kinds import AUTO
from tests.worlds import CPU, low_rank_world


@dataclass
class Kept:
    """A checkpoint in memory that is always due; `killed_at`: the save after which the process dies."""

    killed_at: int
    saved: list[tuple[dict[str, Tensor], dict[str, Any]]] = field(default_factory=list)
    loads: int = 0

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        self.loads += 1
        return self.saved[-1] if self.saved else None

    def due(self) -> bool:
        return True

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        self.saved.append(({name: tensor.clone() for name, tensor in tensors.items()}, state))
        if len(self.saved) == self.killed_at:
            raise KeyboardInterrupt


def test_auto_goes_on_with_the_fit_that_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = low_rank_world(12, 15)
    monkeypatch.setattr(kinds, "compare", lambda *_: Comparison(0.9, 0.6, 10))
    config = experiment_config({"world_model": {"kind": "auto", "max_epochs": 4}})
    config = replace(config, world_model=AUTO.resolve(config.world_model, world))
    whole, _ = AUTO.going_on(None)(world, config, CPU, None)
    checkpoint = Kept(killed_at=2)
    with pytest.raises(KeyboardInterrupt):
        AUTO.going_on(checkpoint)(world, config, CPU, None)
    before = len(checkpoint.saved)
    again, report = AUTO.going_on(checkpoint)(world, config, CPU, None)
    assert report["kind"] == "deepfm"
    assert checkpoint.saved[before][1]["epoch"] > checkpoint.saved[0][1]["epoch"]  # not from the first one again
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, again.tensors()[name]), name
