"""`darlr.validate`: the judges of a data set in memory."""

from pathlib import Path

import polars as pl
import pytest

import darlr
from darlr.run.candidates import LEARNED
from tests.runs import SMALL, write_planted_world

SETTINGS = {key: value for key, value in SMALL.items() if key != "method"}


def test_judges_are_ranked_by_their_tau(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darlr.run.validation.LEARNED", {"mbpo": LEARNED["mbpo"]})  # others would only take time
    folder = write_planted_world(tmp_path / "planted")
    tables = {name: pl.read_csv(folder / f"{name}.csv") for name in ("log", "items", "truth")}
    shop = darlr.Dataset.from_frames(
        tables["log"], tables["items"], truth=tables["truth"], name="shop", feedback="ratings", minimum=1, maximum=5
    )
    found = darlr.validate(shop, out=tmp_path / "runs", device="cpu", settings=SETTINGS, evaluation={"held_out": 0.3})
    taus = list(found.taus.values())
    assert taus == sorted(taus, reverse=True)
    assert found.best == next(iter(found.taus))
    assert found.to_dict()["judges"][found.best]["tau"] == taus[0]
    assert "Judges of policies on shop" in str(found)
    assert "policies on shop; best judge: " in repr(found)


def test_a_method_and_a_data_set_without_a_truth_are_refused(tmp_path: Path) -> None:
    folder = write_planted_world(tmp_path / "planted", truth=False)
    with pytest.raises(darlr.InputError, match="config key 'method' is given"):
        darlr.validate(folder, out=tmp_path / "runs", method="dorl")
    with pytest.raises(darlr.InputError, match="data set 'planted' has no truth to compare judges with"):
        darlr.validate(folder, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
