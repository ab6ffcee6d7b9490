"""Ranks items for all users of the log on a Ray cluster, into a folder of Parquet files (needs the extra `ray`).

The users are cut into parts of whole blocks; the cuts do not depend on the cluster. Ray Data hands the parts to actors, one
a core, each with the policy. It restarts an actor whose process or node was lost, and starts more on nodes that join.

The lists of a part are one file, which is written under another name and then renamed. An existing file is not made again,
so a stopped command resumes. If a live node was taken for dead, two nodes may make the same file; both have the same rows.
"""

import copy
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data
from numpy.typing import NDArray
from ray.exceptions import RayError

from darlr._version import __version__
from darlr.artifacts.files import PARTIAL_SUFFIX, publish, replacing
from darlr.artifacts.locks import sole_writer
from darlr.artifacts.run_folder import RunFolder
from darlr.cluster.connecting import connected, cores, line_of
from darlr.cluster.folders import SharedFolder, shared
from darlr.cluster.nodes import require_alike, versions, where_alike
from darlr.config.loading import stable_hash
from darlr.errors import InputError, RunError
from darlr.run.saved import fingerprint
from darlr.serving.batch import CELLS, Lists
from darlr.serving.catalogue import with_catalogue
from darlr.serving.messages import ANYBODY, Request
from darlr.serving.recommender import Recommender

USERS_OF_A_PART = 16_384
"""Smallest number of users in a file. A part is some seconds of work: a larger part loses more with a node, and smaller
parts make many files.
"""

OPTION = "--output"
READ = "a file or folder that all nodes share"


@dataclass(frozen=True)
class Asked:
    """The request: the lists, and the run that makes them.

    Attributes:
        run: a run folder.
        data_dir: see `Recommender.load`.
        new_items: a table of items that the log lacks, or None.
        count, defaults, diversify: see `darlr.serving.batch.write_all`.
        cells: number of user-item pairs that are ranked together; the last digits of scores may depend on it.
    """

    run: Path
    data_dir: Path | None = None
    new_items: Path | None = None
    count: int = 10
    defaults: Request = ANYBODY
    diversify: bool = False
    cells: int = CELLS

    def absolute(self) -> "Asked":
        """The same request with absolute paths, which every node understands."""
        data_dir, new_items = (None if path is None else path.absolute() for path in (self.data_dir, self.new_items))
        return replace(self, run=self.run.absolute(), data_dir=data_dir, new_items=new_items)

    def recommender(self) -> Recommender:
        """The recommender of the run; raises `InputError` like `Recommender.load` and `with_catalogue`."""
        recommender = Recommender.load(self.run, "cpu", self.data_dir)
        return recommender if self.new_items is None else with_catalogue(recommender, self.new_items)

    def lists(self, recommender: Recommender) -> Lists:
        """The lists that `write_all` would write with the recommender of this run."""
        return Lists(recommender, self.count, self.defaults, self.diversify, self.cells)

    def files(self) -> dict[Path, str]:
        """The files and folders that every node reads, each with the words for it in messages."""
        return dict.fromkeys((path for path in (self.run, self.new_items, self.data_dir) if path is not None), READ)

    def key(self, starts: range) -> str:
        """A hash of everything that determines the rows and the cuts."""
        with RunFolder.open(self.run) as folder:
            learned = fingerprint(folder)
        table = None if self.new_items is None else hashlib.sha256(self.new_items.read_bytes()).hexdigest()
        rows = {"count": self.count, "diversify": self.diversify, "defaults": asdict(self.defaults), "new_items": table}
        cuts = {"cells": self.cells, "users": starts.stop, "step": starts.step}
        return stable_hash({"darlr": __version__, "learned": learned, **rows, **cuts})


def write_all_on(
    address: str,
    asked: Asked,
    output: Path,
    told: Callable[[int, int], None] = lambda users, more: None,
    notice: Callable[[str], None] = lambda text: None,
    at_least: int = USERS_OF_A_PART,
) -> None:
    """Write the lists of `write_all` on a Ray cluster: a folder of Parquet files whose names sort in the users' order.

    The folder gets its name when it is complete. A stopped call leaves its finished parts, and the same call resumes with them.

    Args:
        address: HOST:PORT of the cluster, or `auto` for the cluster of this machine.
        asked: the request.
        output: the folder, which must not exist yet.
        told: is called with the number of users and the number of newly finished ones.
        notice: receives lines about the run, and one if another process has to finish the same folder first.
        at_least: smallest number of users in a part.

    Raises:
        InputError: if `output` exists, no cluster answers, or its nodes do not see the same files.
        RunError: if the lists cannot be made or written.
    """
    output = output.absolute()
    if output.exists():
        raise InputError(f"{output}: is there already; on a cluster lists are a folder of Parquet files, expected a new one")
    asked = asked.absolute()
    recommender = asked.recommender()
    for text in recommender.notices:
        notice(text)
    lists = asked.lists(recommender)
    starts = lists.starts(at_least)
    with connected(address), sole_writer(output, lambda: notice("another process writes the same lists: waiting for it")):
        if output.exists():  # by now
            return
        unfinished = output.with_name(f".{output.name}.unfinished-{asked.key(starts)}")
        with shared(unfinished, OPTION) as folder:
            require_alike(folder, asked.files())
            parts = folder.path / "parts"
            parts.mkdir(exist_ok=True)
            _clear(parts)
            missing = [first for first in starts if not _part(parts, first).is_file()]
            told(lists.users, lists.users - sum(_length(starts, first) for first in missing))
            for users in _made(asked, folder, starts, missing):
                told(lists.users, users)
            _clear(parts)
            _require_whole(parts, starts)
            publish(parts, output)
        for leftover in output.parent.glob(f".{output.name}.unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _part(parts: Path, first: int) -> Path:
    """The file of the part that begins with the user `first`; file names sort in the users' order."""
    return parts / f"part-{first:012d}.parquet"


def _length(starts: range, first: int) -> int:
    """The number of users in the part that begins with the user `first`."""
    return min(starts.step, starts.stop - first)


def _clear(parts: Path) -> None:
    """Remove what killed processes have begun; one that is only taken for dead cannot finish its part then, which is there."""
    for begun in parts.glob(f".*{PARTIAL_SUFFIX}"):
        begun.unlink(missing_ok=True)


def _require_whole(parts: Path, starts: range) -> None:
    found, expected = {file.name for file in parts.iterdir()}, {_part(parts, first).name for first in starts}
    if found != expected:
        [odd, *_] = sorted(found ^ expected)
        raise RunError(f"{parts / odd}: is {'missing' if odd in expected else 'no part of the lists'}; stopped")


def _made(asked: Asked, folder: SharedFolder, starts: range, missing: list[int]) -> Iterator[int]:
    """Make the parts that begin with the users `missing`; yields each part's number of users when it is done."""
    if not missing:
        return
    context = copy.copy(ray.data.DataContext.get_current())
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    pool = ray.data.ActorPoolStrategy(min_size=1, initial_size=max(1, min(len(missing), cores())), max_size=len(missing))
    job = {"asked": asked, "folder": folder, "step": starts.step, "stop": starts.stop, "versions": versions()}
    with ray.data.DataContext.current(context):
        made = ray.data.from_items([{"first": first} for first in missing], override_num_blocks=len(missing)).map_batches(
            _Maker, fn_constructor_args=(job,), compute=pool, batch_size=1, num_cpus=1
        )
        try:
            for row in made.iter_rows():
                yield int(row["users"])
        except RayError as error:
            raise RunError(f"the lists cannot be made on the cluster: {line_of(error)}") from error


class _Maker:
    """An actor that makes parts."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        """
        Args:
            job: the request, the folder, the cuts between users, and the versions that nodes must have.
        """
        folder: SharedFolder = job["folder"]
        self._parts, self._step, self._stop = folder.path / "parts", job["step"], job["stop"]
        asked: Asked = job["asked"]
        self._lists = asked.lists(where_alike(job["versions"], folder, asked.recommender))

    def __call__(self, batch: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
        """Make the parts that begin with the users `first` (n,); returns their numbers of users, (n,)."""
        firsts = batch["first"].tolist()
        return {"users": np.array([self._make(first, min(first + self._step, self._stop)) for first in firsts])}

    def _make(self, first: int, last: int) -> int:
        path = _part(self._parts, first)
        if not path.is_file():
            with replacing(path) as file:
                self._lists.whole(first, last).write_parquet(file)
        return last - first
