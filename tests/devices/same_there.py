"""Trains and serves a method on the CPU and on the pretended device: `python -m tests.devices.same_there METHOD [JSON]`.

JSON has further settings.

Both compute on the CPU, so all numbers have to be the same, up to the rounding of attention, for which the CPU has an
operation of its own. A difference, or a tensor that stays behind, is an error.
"""

import json
import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tests.devices.pretended import pretend

DEVICE = pretend()

from darlr.artifacts import RunFolder  # noqa: E402 (generators of the device have to be there first)
from darlr.config.loading import merge  # noqa: E402
from darlr.run.evaluating import evaluate_run  # noqa: E402
from darlr.run.training import train  # noqa: E402
from darlr.serving.messages import Request  # noqa: E402
from darlr.serving.recommender import Recommender  # noqa: E402
from darlr.testing.methods import SMALL  # noqa: E402
from darlr.testing.monitors import Silent  # noqa: E402
from darlr.testing.planted import PLANTED, write_planted_world  # noqa: E402
from darlr.testing.results import without_seconds  # noqa: E402
from tests.run.test_contract import settings  # noqa: E402

SHORT: dict[str, Any] = {
    "world_model": {"max_epochs": 1},
    "offline": {"updates_per_epoch": 3},
    "replay": {"steps_per_update": 20},
    "training": {"epochs": 1, "steps_per_epoch": 100},
    "evaluation": {"episodes": 5, "opponents": ["popular", "list_with_belief"]},
}
REQUESTS = (Request("u1"), Request("newcomer", ("i1", "i8"), (5, 1)))


def main(method: str, further: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        write_planted_world(data / PLANTED)
        values = merge(merge(merge(SMALL, settings(method)), SHORT), further)
        there, here = (outcome(values, data, Path(scratch) / place.type, place) for place in (DEVICE, torch.device("cpu")))
    assert same(there, here), f"{method} gives other numbers on another device:\n{there}\n{here}"


def outcome(values: Mapping[str, Any], data: Path, out: Path, place: torch.device) -> tuple[Any, ...]:
    """The records of a run on a device, a test of it, and lists that it serves."""
    path = train(values, data, out, place, Silent()).path
    records = [without_seconds(record) for record in RunFolder.open(path).metrics()]
    tested = evaluate_run(path, "all", "both", 5, None, 0, data, place)
    return records, tested, served(path, place)


def same(one: Any, other: Any) -> bool:
    """Whether two results are the same, up to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def served(path: Path, place: torch.device) -> list[Mapping[str, Any]]:
    recommender = Recommender.load(path, place)
    explained = recommender.recommend(REQUESTS, 5, explain=True)
    answers = [*recommender.recommend(REQUESTS, 5), *recommender.recommend(REQUESTS, 5, diversify=True), *explained]
    return [asdict(answer) for answer in answers]


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
