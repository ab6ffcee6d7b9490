"""The folder of an export: its README runs as it is, and no file is overwritten unasked."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from darlr import Recommender, Request
from darlr.artifacts import RunFolder
from darlr.errors import InputError
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import lookback_of
from darlr.serving.catalogue import with_catalogue
from darlr.serving.export.writing import export_policy
from darlr.world.window import Window
from tests.serving.export.conftest import Case
from tests.serving.shop import ITEMS
from tests.worlds import CPU

WITHOUT = """
import sys
for name in ("torch", "darlr", "onnx", "onnxscript"):
    sys.modules[name] = None  # importing it is an error
"""


@pytest.mark.parametrize(("method", "settings"), [("bayes-adaptive", ""), ("bcq", "")])
def test_the_readme_runs_where_torch_and_darlr_are_not(
    exported: Callable[[str, str], Case], method: str, settings: str
) -> None:
    case = exported(method, settings)
    blocks = re.findall(r"```python\n(.*?)```", (case.folder / "README.md").read_text(), re.DOTALL)
    assert len([line for line in blocks[0].splitlines() if line]) <= 27
    command = [sys.executable, "-c", WITHOUT + "\n".join(blocks)]
    ended = subprocess.run(command, cwd=case.folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    saved = SavedPolicy(RunFolder.open(case.run), CPU)
    n, ids = len(saved.world_items), saved.item_ids[saved.world_items].tolist()
    start = Window.at_start(n, lookback_of(saved.config), CPU)
    told = Window(
        torch.cat([start.items, torch.tensor([[0, 1]])], dim=1)[:, 2:],
        torch.cat([start.rewards, torch.tensor([[1.0, 0.0]])], dim=1)[:, 2:],
    )
    lines = ended.stdout.splitlines()
    assert len(lines) == len(blocks) + 1
    for line, users, window, seen in zip(lines[:2], ([0], []), (told, start), ([0, 1], []), strict=True):
        blocked = torch.zeros(1, n, dtype=torch.bool)
        blocked[0, seen] = True
        scorer = saved.network(np.array(users, np.int64)).scorer()
        scores = scorer(torch.tensor([0]), window, blocked)
        best = scores[0].topk(5).indices.tolist()
        found = ast.literal_eval(line)
        assert [item for item, _ in found] == [ids[column] for column in best]
        chances = scorer.probabilities(scores)[0, best].tolist()
        assert [chance for _, chance in found] == pytest.approx(chances, abs=1e-5)


def test_the_readme_says_where_the_policy_comes_from(exported: Callable[[str, str], Case]) -> None:
    case = exported("bayes-adaptive", "")
    text = (case.folder / "README.md").read_text()
    for word in (case.run.name, "method `bayes-adaptive`", "ONNX opset 18", "expected_rewards", "the last 10 answers"):
        assert word in text


def test_what_is_there_is_replaced_only_if_told(exported: Callable[[str, str], Case], tmp_path: Path) -> None:
    case = exported("bcq", "")
    before = (case.folder / "policy.onnx").stat().st_ino
    with pytest.raises(InputError, match="holds an export already; replace it with --overwrite"):
        export_policy(case.run, case.folder)
    assert (case.folder / "policy.onnx").stat().st_ino == before
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds other files \('thesis.tex'\); choose a new or empty folder"):
        export_policy(case.run, tmp_path, overwrite=True)
    with pytest.raises(InputError, match="cannot be used as a folder"):
        export_policy(case.run, tmp_path / "thesis.tex", overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_missing_package_and_a_missing_policy_are_told_in_a_line(
    exported: Callable[[str, str], Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        export_policy(tmp_path / "nowhere", tmp_path / "out")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"an export needs onnxscript; install it with: pip install 'darlr\[export\]'"):
        export_policy(exported("bcq", "").run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_references_slips_are_not_exported(
    exported: Callable[[str, str], Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = exported("bcq", "").run
    recommender = Recommender.load(run)
    recommender.served.policy.config = replace(recommender.served.policy.config, reference_quirks=True)
    monkeypatch.setattr(Recommender, "load", lambda run: recommender)
    with pytest.raises(InputError, match=r"has the references' slips \(reference_quirks\)"):
        export_policy(run, tmp_path / "out")


def test_categories_features_and_new_items_have_the_names_of_the_log(
    recommends: Recommender, shop_run: Path, tmp_path: Path
) -> None:
    """A caller without darlr leaves out a category, describes a user and gets items that the log lacks, by name alone."""
    (tmp_path / "items.csv").write_text("item_id,categories,colour\nn0,c0,red\n")
    export_policy(shop_run, tmp_path / "out", new_items=tmp_path / "items.csv")
    blocks = re.findall(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(), re.DOTALL)
    asked = """
print(sorted(about["category_names"]), about["items"][-1], len(of_category("c0")))
print(recommend(count=30, without=of_category("c0")))
print(recommend(count=4, features=describe({"city": "east", "age": 30})))
"""
    command = [sys.executable, "-c", WITHOUT + "\n".join(blocks) + asked]
    ended = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    told, without, described = ended.stdout.splitlines()[-3:]
    assert told == "['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] n0 5"
    kept = {item for item, _ in ast.literal_eval(without)}
    assert kept == {f"i{item}" for item in range(ITEMS) if item % 6}
    wider = with_catalogue(recommends, tmp_path / "items.csv")
    [answer] = wider.recommend([Request(features={"city": "east", "age": 30})], 4)
    assert [item for item, _ in ast.literal_eval(described)] == [entry.item for entry in answer]
    chances = [entry.score for entry in answer]
    assert [chance for _, chance in ast.literal_eval(described)] == pytest.approx(chances, abs=1e-5)
