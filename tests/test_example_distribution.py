"""examples/darlr-example, a distribution by a third party: after its installation it is found, trained, swept, tuned and
reported.

Only its entry point names it to darlr.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from darlr.errors import InputError
from darlr.methods.experiment import experiment_config
from tests.commands import Home, small_settings
from tests.runs import REPOSITORY, SMALL

SOURCE = REPOSITORY / "examples" / "darlr-example"
OWN = {"tracker": {"kind": "decaying"}, "reward": {"kind": "cautious"}}


def install(source: Path, target: Path) -> None:
    """Install it with pip if its build backend is available; otherwise copy the files to where pip would put them."""
    if find_spec("hatchling") is not None:
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
        subprocess.run(command, check=True)
        return
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    shutil.copytree(source / "src" / "darlr_example", target / "darlr_example")
    metadata = target / f"darlr_example-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "\n".join(f"{name} = {value}" for name, value in project["entry-points"]["darlr.plugins"].items())
    (metadata / "entry_points.txt").write_text(f"[darlr.plugins]\n{points}\n")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A folder in which `darlr` finds the installed distribution."""
    source = shutil.copytree(SOURCE, tmp_path_factory.mktemp("source") / SOURCE.name)
    target = tmp_path_factory.mktemp("packages")
    install(source, target)
    with Home(tmp_path_factory.mktemp("home"), [target]) as home:
        yield home


@pytest.fixture(scope="module")
def swept(home: Home) -> Path:
    """Return the runs of a sweep over two seeds, of its method with its tracker and its reward on its data set."""
    settings: dict[str, Any] = {**SMALL, **OWN}
    del settings["method"]
    grid = {"datasets": "islands", "methods": "vanilla-pg", "seeds": [0, 1], "set": settings}
    (home.folder / "grid.yaml").write_text(yaml.safe_dump(grid))
    home.darlr("sweep", "grid.yaml", "--workers", 1, "--out", "swept")
    return home.folder / "swept"


@pytest.mark.parametrize("command", ["train", "tune", "config"])
def test_help_names_what_it_adds(home: Home, command: str) -> None:
    text = home.darlr(command, "--help")
    assert "vanilla-pg" in text
    assert "islands" in text


def test_config_shows_its_settings_with_their_limits(home: Home) -> None:
    text = home.darlr("config", "--method", "vanilla-pg", "--dataset", "islands", "--section", "vanilla_pg", "--format", "json")
    entries = {entry["key"]: entry for entry in json.loads(text)}
    assert entries["vanilla_pg.learning_rate"]["limits"] == "above 0"
    assert entries["vanilla_pg.discount"]["doc"] == "gamma, weight of a reward one step later"
    line = home.refused("train", "--method", "vanilla-pg", "--set", "vanilla_pg.discount=2")
    assert line == "darlr: config key 'vanilla_pg.discount' is 2.0; expected from 0 to 1"


def test_trains_beside_its_opponent(home: Home) -> None:
    settings = {**OWN, "training": {"epochs": 8, "steps_per_epoch": 600}, "vanilla_pg": {"learning_rate": 0.03}}
    options = small_settings("islands", settings)
    home.darlr("train", "--dataset", "islands", "--method", "vanilla-pg", *options, "--out", "trained")
    [file] = (home.folder / "trained" / "islands" / "vanilla-pg").glob("*/summary.json")
    summary = json.loads(file.read_text())
    assert {"most_rated", "popular"} <= summary["opponents"].keys()
    config = yaml.safe_load((file.parent / "config.yaml").read_text())
    assert (config["tracker"]["kind"], config["reward"]["kind"]) == ("decaying", "cautious")
    assert config["reward"]["uncertainty_weight"] == 0.05  # its published setting
    assert home.darlr("evaluate", file.parent, "--mode", "nx_0").count("nx_0") == 2
    assert len(home.darlr("recommend", file.parent, "--users", 3, "--count", 5).splitlines()) == 6


def test_sweeps_over_seeds_and_reports(home: Home, swept: Path) -> None:
    assert len(list(swept.glob("islands/vanilla-pg/*/summary.json"))) == 2
    table = home.darlr("report", swept)
    assert "vanilla-pg" in table
    assert "most rated" in table
    home.darlr("report", swept, "--out", "page.html")
    assert "vanilla-pg" in (home.folder / "page.html").read_text()


def test_is_tuned_over_its_own_space(home: Home) -> None:
    pytest.importorskip("optuna")
    options = small_settings("islands", {"training": {"environments": 10, "steps_per_epoch": 60}})
    options = [word for pair in zip(options[::2], options[1::2], strict=True) if "epochs=3" not in pair[1] for word in pair]
    command = ["tune", "--dataset", "islands", "--method", "vanilla-pg", "--trials", 1, "--epochs", 1, "--workers", 1]
    text = home.darlr(*command, *options)
    assert "vanilla_pg.learning_rate" in text
    assert "on islands: 1 trials" in text


@pytest.mark.slow  # it trains as many runs as the contract of a method does
def test_keeps_darlrs_contracts(home: Home) -> None:
    ended = home.python("-m", "darlr_example.check")
    assert ended.stdout == "all checks passed\n", ended.stderr


def test_without_it_nothing_of_it_is_known() -> None:
    """This process does not have it on its path."""
    with pytest.raises(InputError, match="unknown method 'vanilla-pg'"):
        experiment_config({"method": "vanilla-pg"})
