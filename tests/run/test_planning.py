"""A world that no list gets through: what pays most ends the episode. Methods that learn in the simulator plan past it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.config.loading import merge
from darlr.run.training import train
from darlr.testing.methods import SMALL
from darlr.testing.monitors import Silent
from tests.worlds import CPU

PLANNED = "planned"
USERS, LONGEST = 40, 8
TRAPS, GOOD, DULL = 18, 10, 14
PAID = {"trap": 3, "good": 2, "dull": 0}
PLAYING = ("mbpo", "reinforce", "ppo", "intrinsic", "cirs")
REPLAYING = ("dqn", "combo", "double-dqn", "dueling-dqn", "c51", "qr-dqn", "ddpg", "td3")
LEARNING: Mapping[str, Any] = {
    "dataset": PLANNED,
    "world_model": {"max_epochs": 60, "patience": 60, "hidden_sizes": [32]},
    "policy": {"hidden_sizes": [32]},
    "a2c": {"learning_rate": 0.003, "tracker_learning_rate": 0.003, "minibatch_size": 256},
    "replay": {"learning_rate": 0.003},
    "causal": {"tau": 0.1},  # the log's rows come a unit of time apart and tell of no exposure
    "ddpg": {"actor_learning_rate": 0.003},
    "evaluation": {"episodes": 40},
}


def kinds() -> list[str]:
    """The kind of every item."""
    return [*["trap"] * TRAPS, *["good"] * GOOD, *["dull"] * DULL]


def write_world(folder: Path) -> None:
    """Users leave over an item that shares a category with the last one.

    Every item has a category of its own, and a trap has all of them: whatever follows it is the last. A list, even one that
    skips what shares a category, begins with a trap, since traps pay most, and the log shows them most often.
    """
    folder.mkdir(parents=True)
    random, of_items = np.random.default_rng(0), kinds()
    rows = [
        f"u{user},i{item},{PAID[of_items[item]]},{100 * user + place}"
        for user in range(USERS)
        for place, item in enumerate(random.permutation([*range(TRAPS), *(TRAPS + random.permutation(GOOD + DULL)[:12])]))
    ]
    (folder / "log.csv").write_text("user_id,item_id,reward,timestamp\n" + "\n".join(rows) + "\n")
    everything = "|".join(f"c{item}" for item in range(len(of_items)))
    items = [f"i{item},{everything if kind == 'trap' else f'c{item}'}" for item, kind in enumerate(of_items)]
    (folder / "items.csv").write_text("item_id,categories\n" + "\n".join(items) + "\n")
    cells = [f"u{user},i{item},{PAID[kind]}" for user in range(20) for item, kind in enumerate(of_items)]
    (folder / "truth.csv").write_text("user_id,item_id,reward\n" + "\n".join(cells) + "\n")
    (folder / "dataset.yaml").write_text(
        "files: {interactions: log.csv, items: items.csv, truth: truth.csv}\n"
        "reward: {feedback: ratings, minimum: 0, maximum: 3}\n"
        f"leave: {{by: category, window: 1, tolerance: 0, max_steps: {LONGEST}}}\n"
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_world(folder / PLANNED)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs lie; methods share their world model."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.slow
@pytest.mark.parametrize(("size", "leave"), [(2, "chosen"), (2, "shown"), (3, "chosen")])
def test_slates_learn_more_than_the_best_list_knows(size: int, leave: str, data: Path, out: Path) -> None:
    """A trap in a slate is a trap, if it is chosen or, with `shown`, whatever is chosen."""
    training = {"epochs": 3, "steps_per_epoch": 5000, "environments": 20}
    values = {"method": "slateq", "slate": {"size": size, "leave": leave}, "training": training}
    summary = train(merge(merge(SMALL, LEARNING), values), data, out, CPU, Silent()).summary
    assert max(modes["nx_0"]["r_tra"] for modes in summary["opponents"].values()) == 6  # two traps, and the user is gone
    for policy in ("greedy", "sampled"):
        assert summary["nx_0"][policy]["r_tra"]["chosen"]["mean"] > 12


@pytest.mark.slow
@pytest.mark.parametrize("method", [*PLAYING, *REPLAYING])
def test_learns_more_than_the_best_list_knows(method: str, data: Path, out: Path) -> None:
    steps, environments = (10_000, 100) if method in PLAYING else (5000, 20)
    training = {"epochs": 3, "steps_per_epoch": steps, "environments": environments}
    values = merge(merge(SMALL, LEARNING), {"method": method, "training": training})
    summary = train(values, data, out, CPU, Silent()).summary
    assert max(modes["nx_0"]["r_tra"] for modes in summary["opponents"].values()) == 6  # two traps, and the user is gone
    for policy in ("greedy", "sampled"):
        assert summary["nx_0"][policy]["r_tra"]["chosen"]["mean"] > 12  # eight good items are worth 16
