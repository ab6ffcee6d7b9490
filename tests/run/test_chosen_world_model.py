"""`world_model.kind: auto` in a run: the file is the chosen kind's, and the run gives the reason."""

from pathlib import Path

import torch

from darlr.artifacts import read_tensors
from darlr.run.world_models import load_world_model
from tests.runs import Listener, train_small


def test_a_run_chooses_its_world_model_by_the_log(tmp_path: Path) -> None:
    listener = Listener()
    finished = train_small(tmp_path, {"world_model": {"kind": "auto"}, "training": {"epochs": 1}}, listener=listener)
    path = finished.path / "world_model.safetensors"
    _, state = read_tensors(path)
    fit, chosen = state["fit"], state["kind"]
    better = "deepfm" if fit["compared"]["deepfm"] > fit["compared"]["factors"] else "factors"
    assert chosen == fit["kind"] == better
    assert f"world model: {fit['why']}" in listener.notices
    assert f"{fit['compared']['factors']:.4f}" in fit["why"]
    model, again = load_world_model(path, torch.device("cpu"))
    assert again == fit
    assert model.predict(torch.arange(2), torch.arange(3))[0].shape == (2, 3)
