"""Two nodes on a network of their own: one whose cable is cut in the middle and that works on, and one that joins."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.clusters import NamespacedCluster, namespaces
from tests.runs import train_small

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr.serving import batch
from darlr.serving.batch import write_all
from darlr.serving.spread_batch import Asked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not namespaces(), reason="needs the right to make network namespaces"),
]

USERS, ITEMS = 1_200, 300
SCRIPT = """
import sys
from pathlib import Path
from darlr.serving.spread_batch import Asked, write_all_on
address, run, output, cells = sys.argv[1:]
asked = Asked(Path(run), count=4, cells=int(cells))
write_all_on(address, asked, Path(output), lambda users, more: print(more, file=sys.stderr, flush=True), at_least=20)
"""


@pytest.fixture
def cluster() -> Iterator[NamespacedCluster]:
    with tempfile.TemporaryDirectory() as folder, NamespacedCluster(Path(folder)) as cluster:  # a short path, for sockets
        yield cluster


def test_a_cut_cable_and_a_node_that_joins_lose_nothing_and_double_nothing(
    cluster: NamespacedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = {"synthetic": {"users": USERS, "items": ITEMS}, "method": "bayes-adaptive"}
    asked = Asked(train_small(tmp_path, world).path, count=4, cells=ITEMS)
    monkeypatch.setattr(batch, "CELLS", asked.cells)
    write_all(asked.recommender(), tmp_path / "alone.parquet", asked.count)
    first, _ = cluster.join(), cluster.join()
    output = tmp_path / "lists"
    job = cluster.python(SCRIPT, cluster.address, str(asked.run), str(output), str(asked.cells))
    assert job.stderr is not None
    told = [next(job.stderr) for _ in range(4)]
    cluster.cut(first)
    cluster.join()
    told += list(job.stderr)
    assert job.wait() == 0, "".join(told)
    done = [int(line) for line in told]  # nothing else is written there
    assert sum(done[:4]) < USERS
    assert sum(done) == USERS
    assert pl.read_parquet(output).equals(pl.read_parquet(tmp_path / "alone.parquet"))
    assert len(list(output.iterdir())) == USERS // 20
