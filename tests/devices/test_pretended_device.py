"""Every method keeps its tensors on its device: it trains and serves on one that refuses to mix them with the CPU's."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darlr.methods.registry import METHODS

ROOT = Path(__file__).parents[2]
QUICK = ("bayes-adaptive", "cql", "darlr")
"""Methods with beliefs, an offline learner, and two agents on networks."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python; the device belongs to the whole process, which must not be that of other tests."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in METHODS])
def test_a_method_gives_the_same_numbers_on_another_device(name: str) -> None:
    finished = run("-m", "tests.devices.same_there", name)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("bayes-adaptive", {"policy": {"candidates": 12}}),
        ("mopo", {"policy": {"candidates": 12}}),
        ("roler", {"neighbours": {"search": "cells"}}),
        ("slateq", {"slate": {"size": 3}}),
    ],
)
def test_settings_give_the_same_numbers_on_another_device(name: str, settings: Mapping[str, Any]) -> None:
    finished = run("-m", "tests.devices.same_there", name, json.dumps(settings))
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch.zeros(2) + there", "expected all tensors on one device"),
        ("torch.cat([there, torch.zeros(2)])", "expected all tensors on one device"),
        ("torch.rand(2, device=device, generator=torch.Generator())", "expected a generator of pretended"),
        ("there.numpy()", "not supported"),
        ("torch.where(there > 0, there, 1.0)[torch.tensor([0])].cpu().numpy()", ""),
        ("torch.rand(2, device=device, generator=torch.Generator(device).manual_seed(1)) + there + torch.tensor(1.0)", ""),
    ],
)
def test_the_device_refuses_what_a_gpu_refuses(line: str, expected: str) -> None:
    program = "import torch; from tests.devices.pretended import pretend; device = pretend(); "
    finished = run("-c", f"{program}there = torch.zeros(2, device=device); {line}")
    assert (finished.returncode != 0) == bool(expected)
    assert expected in finished.stderr
