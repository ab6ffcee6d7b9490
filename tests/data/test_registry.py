import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import from_mapping, parse_overrides
from darlr.data import statistics
from darlr.data.registry import SOURCES, available, canonical_name, data_directory, load
from darlr.data.settings import DataConfig, SyntheticConfig
from darlr.data.statistics import describe
from darlr.errors import InputError
from tests.data.folders import SETTINGS, write_folder


def config(dataset: str) -> ExperimentConfig:
    return ExperimentConfig(dataset=dataset, synthetic=SyntheticConfig(users=20, items=30))


def test_sources_are_listed_under_their_own_names() -> None:
    assert all(name == source.name for name, source in SOURCES.items())


def test_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DARLR_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert data_directory(None) == Path.home() / ".cache" / "darlr"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_directory(None) == tmp_path / "darlr"
    monkeypatch.setenv("DARLR_DATA", str(tmp_path / "data"))
    assert data_directory(None) == tmp_path / "data"
    assert data_directory(tmp_path) == tmp_path


def test_loads_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "mine")
    assert load(config("synthetic"), tmp_path).dataset.log.n_items == 30
    assert load(config("mine"), tmp_path).dataset.name == "mine"
    assert load(config(str(folder)), tmp_path / "elsewhere").dataset.name == "mine"
    monkeypatch.chdir(tmp_path)
    assert load(config("./mine"), tmp_path / "elsewhere").dataset.name == "mine"


def test_paths_become_absolute_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = write_folder(tmp_path / "data" / "inside"), write_folder(tmp_path / "outside")
    monkeypatch.chdir(tmp_path)
    for name in ("synthetic", "coat", "inside", "nowhere", "./nowhere"):
        assert canonical_name(name, tmp_path / "data") == name
    for path in ("./outside", "outside", "data/../outside/", str(outside)):
        assert canonical_name(path, tmp_path / "data") == str(outside)
    assert canonical_name("data/inside", tmp_path / "data") == str(inside)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("coot", r"unknown data set 'coot'; did you mean 'coat'\? \(known: coat, .*mine, .*synthetic.*\)"),
        ("mines", r"unknown data set 'mines'; did you mean 'mine'\?"),
        ("", "unknown data set ''"),
        ("./nowhere", r"^./nowhere: no such folder; expected a data set in the folder format \(docs/your_data.md\)"),
        ("no/where", r"^no/where: no such folder; expected a data set in the folder format \(docs/your_data.md\)"),
        ("empty", r"empty: the folder has no dataset.yaml; expected a data set in the folder format \(docs/your_data.md\)$"),
        (
            "coat",
            r"data set 'coat' is not complete: train.ascii, .* missing in .*coat; "
            r"'darlr fetch coat' downloads it, or get coat.zip from .* and put it there$",
        ),
    ],
)
def test_refuses_what_is_not_there(tmp_path: Path, name: str, message: str) -> None:
    write_folder(tmp_path / "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        load(config(name), tmp_path)


def test_available_tells_what_is_missing_and_what_is_broken(tmp_path: Path) -> None:
    write_folder(tmp_path / "mine")
    write_folder(tmp_path / "part", truth=None)
    write_folder(tmp_path / "broken", dataset="filez: {}\n")
    rows = {row.name: row for row in available(tmp_path)}
    assert list(rows) == [*SOURCES, "broken", "mine", "part"]
    assert [name for name, row in rows.items() if row.present] == ["synthetic", "mine"]
    assert rows["part"].missing == ("truth.csv",)
    assert "train.ascii" in rows["coat"].missing
    assert "did you mean 'files'?" in rows["broken"].description
    assert [row.name for row in available(tmp_path / "no")] == list(SOURCES)


def test_describe(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "mine",
        dataset=SETTINGS + "log: {repeats: keep}\n",
        interactions="user_id,item_id,reward\n7,30,4\n7,30,2\n20,20,5\n",
    )
    figures = dict(describe(load(config(str(folder)), None)))
    assert figures["log: users x items"] == "2 x 3"
    assert (figures["log: rows"], figures["log: density"]) == ("3", "50.000%")
    assert figures["log: rows that repeat a pair"] == "1"
    assert figures["log: users, items without a row"] == "0, 1"
    assert figures["log: reward histogram"] == "2: 1, 4: 1, 5: 1"
    assert figures["log: times"] == "none"
    assert figures["items: categories"] == "2, 0..2 an item (mean 1.00)"
    assert figures["truth: reward mean"] == "2.5000"
    assert figures["truth: cells also in the log"] == "1"
    folder = write_folder(tmp_path / "untested", dataset=SETTINGS.replace("  truth: truth.csv\n", ""))
    assert dict(describe(load(config(str(folder)), None)))["truth"].startswith("none")


def test_describe_counts_many_values_by_intervals() -> None:
    figures = dict(describe(load(config("synthetic"), None)))
    assert figures["log: reward histogram"].count(":") == 10


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_describe_sorts_no_more_rewards_at_once_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(statistics, "REWARDS_AT_ONCE", at_once)
    many = "".join(f"{user},20,{1 + user % 5 / 4:g}\n" for user in range(13))
    write_folder(tmp_path / "few", dataset=SETTINGS, interactions="user_id,item_id,reward\n" + many + "20,30,5\n7,30,2\n")
    figures = dict(describe(load(config(str(tmp_path / "few")), None)))
    assert figures["log: reward histogram"] == "1: 3, 1.25: 3, 1.5: 3, 1.75: 2, 2: 3, 5: 1"
    monkeypatch.setattr(statistics, "FEW", 5)
    figures = dict(describe(load(config(str(tmp_path / "few")), None)))
    assert figures["log: reward histogram"].startswith("1..1.4: 6, ")


@pytest.mark.parametrize("choice", ["reward=normalised", "normalisation=all", "repeats=last", "logs=both", "features=all"])
def test_refuses_choices_that_the_data_do_not_have(tmp_path: Path, choice: str) -> None:
    chosen, (key, _, _) = from_mapping(DataConfig, parse_overrides([choice])), choice.partition("=")
    write_folder(tmp_path / "mine")
    with pytest.raises(InputError, match=rf"'data.{key}' is .*'synthetic' has no such choice; expected the default"):
        load(replace(config("synthetic"), data=chosen), tmp_path)
    with pytest.raises(InputError, match=r"'mine' is a folder with choices of its own; expected them in its dataset.yaml$"):
        load(replace(config("mine"), data=chosen), tmp_path)


def test_tables_are_read_without_torch() -> None:
    program = "import sys, darlr.data.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
