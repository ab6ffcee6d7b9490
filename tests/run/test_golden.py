"""One seeded run from end to end compared with committed numbers, so that a change of results is noticed.

The run is short, so that rounding, which differs between processors, cannot grow into other numbers. After an intended
change, `python -m tests.run.test_golden` writes the file anew, to be reviewed and committed with the change.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.artifacts import RunFolder, read_tensors
from darlr.evaluation.supervised import SUPERVISED
from tests.runs import train_small

FILE = Path(__file__).with_name("golden.json")
SETTINGS: Mapping[str, Any] = {
    "method": "dorl",
    "policy": {"head": "tied", "category_window": 2},
    "tracker": {"kind": "transformer", "width": 8, "layers": 1, "user_state": True},
    "training": {"epochs": 2, "steps_per_epoch": 100, "environments": 20},
    "a2c": {"minibatch_size": 32},
    "leave": {"max_steps": 30},
}


def numbers(out: Path) -> dict[str, float]:
    """Return the run's measured and learned numbers, by name."""
    finished = train_small(out, SETTINGS)
    _, state = read_tensors(finished.path / "world_model.safetensors")
    last = RunFolder.open(finished.path).metrics()[-1]
    # A fit that stops by a tolerance may stop elsewhere on another processor, and of two candidates that are nearly equal the
    # other may be chosen there: lists of such fits are left out.
    fitted = ("variational", "list_with_belief", *SUPERVISED)
    opponents = {name: of for name, of in finished.summary["opponents"].items() if not name.startswith(fitted)}
    return {
        "world_model/held_out_loss": state["fit"]["held_out_loss"],
        **{name: value for name, value in last.items() if not name.startswith("seconds/")},
        **{f"{name}/nx_0/r_tra": modes["nx_0"]["r_tra"] for name, modes in opponents.items()},
    }


def test_the_numbers_are_those_committed(tmp_path: Path) -> None:
    assert numbers(tmp_path) == pytest.approx(json.loads(FILE.read_text()), rel=1e-3, abs=1e-6)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(json.dumps(numbers(Path(folder)), indent=1) + "\n")
