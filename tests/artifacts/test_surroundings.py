"""The record of a run's environment."""

import json
import sys

import torch

from darlr.artifacts import environment


def test_environment_says_what_a_run_was_made_with() -> None:
    found = environment("cpu")
    assert found["torch"] == torch.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["device"] == "cpu"
    assert found["git_revision"] is None or len(found["git_revision"].removesuffix("-dirty")) == 40
    assert json.loads(json.dumps(found)) == found
