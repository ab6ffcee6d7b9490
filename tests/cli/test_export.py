"""`darlr export` on the command line."""

from pathlib import Path

import pytest

from darlr.serving.export import writing
from tests.cli.conftest import Command


def test_options_reach_the_export_and_the_file_is_told(darlr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def export_policy(run: Path, out: Path, overwrite: bool, new_items: Path | None) -> writing.Exported:
        asked.append((run, out, overwrite, new_items))
        return writing.Exported(out / "policy.onnx", 1_234_567, ("scores", "probabilities"))

    monkeypatch.setattr(writing, "export_policy", export_policy)
    ended = darlr("export", "runs/one", "--format", "onnx", "--out", "policy")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "policy/policy.onnx: 1.2 MB, gives scores, probabilities (onnx; policy/README.md)\n"
    darlr("export", "runs/one", "--out", "policy", "--overwrite", "--new-items", "items.csv")
    one, out = Path("runs/one"), Path("policy")
    assert asked == [(one, out, False, None), (one, out, True, Path("items.csv"))]


def test_refusals_are_one_line(darlr: Command) -> None:
    ended = darlr("export", "nowhere", "--out", "policy")
    assert (ended.code, ended.out, ended.err) == (2, "", "darlr: nowhere: no such run folder\n")
    assert not Path("policy").exists()
    assert darlr("export", "nowhere", "--out", "policy", "--format", "pmml").code == 2
    assert darlr("export", "nowhere").code == 2
