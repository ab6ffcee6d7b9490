"""Lists of all users from a cluster: those of this machine, whatever dies and whatever joins."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from darlr.errors import InputError
from tests.clusters import add_node, local_cluster
from tests.runs import train_small

pytest.importorskip("ray", reason="needs the extra 'ray'")

from darlr.serving import batch
from darlr.serving.batch import write_all
from darlr.serving.spread_batch import Asked, write_all_on

pytestmark = pytest.mark.slow

USERS, ITEMS, A_PART = 1_200, 300, 40
PARTS = USERS // A_PART


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Lists of a run's users, each of whom is a block, so that they take some seconds."""
    world = {"synthetic": {"users": USERS, "items": ITEMS}, "method": "bayes-adaptive"}
    return Asked(train_small(tmp_path_factory.mktemp("lists"), world).path, count=4, cells=ITEMS)


@pytest.fixture
def alone(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """The lists that this machine makes."""
    monkeypatch.setattr(batch, "CELLS", asked.cells)
    write_all(asked.recommender(), tmp_path / "alone.parquet", asked.count)
    return pl.read_parquet(tmp_path / "alone.parquet")


class Notes:
    """Remembers how many users are done, and strikes once when the first are."""

    def __init__(self, strike: Callable[[], None] = lambda: None) -> None:
        self.done: list[int] = []
        self._strike = strike

    def __call__(self, users: int, more: int) -> None:
        assert users == USERS
        self.done.append(more)
        if len(self.done) == 3:
            assert sum(self.done) < USERS
            self._strike()


def read(folder: Path) -> pl.DataFrame:
    assert len(list(folder.iterdir())) == PARTS
    return pl.read_parquet(folder)


def test_the_lists_are_those_of_this_machine_to_the_last_bit(
    cluster: Any, asked: Asked, alone: pl.DataFrame, tmp_path: Path
) -> None:
    notes = Notes()
    write_all_on(cluster.address, asked, tmp_path / "lists", notes, at_least=A_PART)
    assert read(tmp_path / "lists").equals(alone)
    assert sum(notes.done) == USERS
    assert notes.done[0] == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alone.parquet", "lists"]
    with pytest.raises(InputError, match="lists: is there already"):
        write_all_on(cluster.address, asked, tmp_path / "lists")


def test_a_node_lost_and_one_that_joins_lose_nothing_and_double_nothing(
    cluster: Any, asked: Asked, alone: pl.DataFrame, tmp_path: Path
) -> None:
    def lose_and_gain() -> None:
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        add_node(cluster)

    notes = Notes(lose_and_gain)
    write_all_on(cluster.address, asked, tmp_path / "lists", notes, at_least=A_PART)
    assert read(tmp_path / "lists").equals(alone)
    assert sum(notes.done) == USERS


def test_the_same_call_goes_on_with_what_a_stopped_one_has_left(
    cluster: Any, asked: Asked, alone: pl.DataFrame, tmp_path: Path
) -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        write_all_on(cluster.address, asked, tmp_path / "lists", Notes(stop), at_least=A_PART)
    assert not (tmp_path / "lists").exists()
    [unfinished] = tmp_path.glob(".lists.unfinished-*")
    kept = {part.name: part.stat().st_ino for part in (unfinished / "parts").glob("part-*.parquet")}
    notes = Notes()
    write_all_on(cluster.address, asked, tmp_path / "lists", notes, at_least=A_PART)
    assert notes.done[0] >= A_PART * len(kept) > 0  # what was at work may have finished a part meanwhile
    assert sum(notes.done) == USERS
    assert {name: (tmp_path / "lists" / name).stat().st_ino for name in kept} == kept  # were not made again
    assert read(tmp_path / "lists").equals(alone)


def test_what_a_stopped_call_has_left_of_other_lists_is_not_taken(
    cluster: Any, asked: Asked, alone: pl.DataFrame, tmp_path: Path
) -> None:
    other = tmp_path / ".lists.unfinished-other" / "parts"
    other.mkdir(parents=True)
    (other / "part-000000000000.parquet").touch()
    write_all_on(cluster.address, replace(asked, count=2), tmp_path / "lists", at_least=A_PART)
    assert read(tmp_path / "lists").equals(alone.filter(pl.col("rank") <= 2))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alone.parquet", "lists"]
