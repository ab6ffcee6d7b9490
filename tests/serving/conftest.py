from pathlib import Path

import pytest

from darlr import Recommender
from tests.serving.shop import train_shop, write_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data set `shop`; tests write only runs, below `runs`."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop_run(shop: Path) -> Path:
    """A finished run of `bayes-adaptive` on the shop."""
    return train_shop(shop)


@pytest.fixture(scope="session")
def recommends(shop_run: Path) -> Recommender:
    """The recommender of that run."""
    return Recommender.load(shop_run)
