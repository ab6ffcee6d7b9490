"""`darlr validate`: the table, the numbers and the picture."""

import json
from pathlib import Path

import pytest

from darlr.run.candidates import LEARNED
from tests.cli.conftest import Command
from tests.runs import write_planted_world


def test_judges_are_tabulated_and_written(
    darlr: Command, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darlr.run.validation.LEARNED", {"mbpo": LEARNED["mbpo"]})  # others would only take time
    ended = darlr("validate", "synthetic", *small, "--seed", 2, "--out", "results", "--picture", "judges.svg")
    assert ended.code == 0, ended.err
    folder = Path("results/synthetic/validation/s2")
    found = json.loads((folder / "validation.json").read_text())
    assert len(found["true_returns"]) >= 12
    assert {"mbpo", "popular", "popular_skipping", "uniform_random"} <= found["true_returns"].keys()
    for judge in ("simulator", "referee", "ndcg_10", "dr", "mips"):
        assert found["judges"][judge]["values"].keys() == found["true_returns"].keys()
    best, chosen = max(found["true_returns"].values()), found["judges"]["referee"]["chosen"]
    assert found["judges"]["referee"]["regret"] == pytest.approx(best - found["true_returns"][chosen[0]])
    assert (folder / "judges.svg").read_text().startswith("<?xml")
    assert "Judges of policies on synthetic" in ended.out
    assert f"numbers: {folder / 'validation.json'}" in ended.out
    assert "note: policy 1 of 1: mbpo" in ended.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["synthetc"], "unknown data set 'synthetc'"),
        (["synthetic", "--picture", "judges.txt"], "judges.txt: cannot write '.txt' files; expected one of .png, .svg, .pdf"),
        (["synthetic", "--set", "method=dorl"], "config key 'method' is given, but the policies that are judged have methods"),
        (["synthetic", "--set", "seed=1"], "'seed' is given both by --seed and by --set"),
        (["synthetic", "--threads", 0], "--threads is 0"),
    ],
)
def test_bad_options_are_refused(darlr: Command, options: list[object], message: str) -> None:
    ended = darlr("validate", *options)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert list(Path().iterdir()) == []


def test_a_data_set_without_a_truth_is_refused(darlr: Command, tmp_path: Path) -> None:
    write_planted_world(tmp_path / "data" / "planted", truth=False)
    ended = darlr("validate", "planted")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "darlr: data set 'planted' has no truth to compare judges with; expected one that has a truth"
    )
    assert list(Path().iterdir()) == []
