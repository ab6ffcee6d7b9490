"""Fixtures that many tests share."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from darlr.report.plots.curves import save_figure
from tests.runs import TrainedOnce, save_blank, write_planted_world

# A busy machine is no failure. `make test-slow` repeats the property tests as `thorough`.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile("quick")
torch.set_num_threads(1)  # tests are many and small: more threads only wait for each other

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True, scope="session")
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Path]]:
    """Keep shared fixtures away from the user's cache; yields a function that makes folders for tests' caches."""
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DARLR_CACHE", str(folder / "shared"))
        yield (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def cache_of_its_own(cache_of_the_session: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep each test away from the caches of others."""
    monkeypatch.setenv("DARLR_CACHE", str(next(cache_of_the_session)))


@pytest.fixture(autouse=True, scope="session")
def blank_pictures() -> Iterator[None]:
    """Save a blank picture instead of a run's picture, because laying out its texts takes a third of a small run.

    tests/report/plots tests the pictures and their files; `drawn_pictures` draws those of runs, too.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("darlr.run.training.save_figure", save_blank)
        yield


@pytest.fixture
def drawn_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the pictures of runs as users see them."""
    monkeypatch.setattr("darlr.run.training.save_figure", save_figure)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data set `planted`, which no test writes to."""
    folder = tmp_path_factory.mktemp("data")
    write_planted_world(folder / "planted")
    return folder


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> TrainedOnce:
    """`trained_once(tmp_path, {"method": "mbpo"})`: `train_small` for tests to which only the finished run matters."""
    return TrainedOnce(lambda: tmp_path_factory.mktemp("trained"))


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """`real_data("coat")`: the folder of a real data set, or a skip that says where it was expected."""

    def find(name: str) -> Path:
        places = [Path(os.environ["DARLR_DATA"])] if os.environ.get("DARLR_DATA") else []
        places.append(REPOSITORY.parent / "shared" / "datasets")
        for place in places:
            if (place / name).is_dir():
                return place / name
        pytest.skip(f"real data '{name}' is not in {' or '.join(map(str, places))}; set DARLR_DATA to the folder that holds it")

    return find


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask servers on this machine directly, whatever the environment says."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
