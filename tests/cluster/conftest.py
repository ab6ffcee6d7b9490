"""A cluster that the tests of a file share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clusters import local_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes on this machine."""
    with local_cluster() as cluster:
        yield cluster
