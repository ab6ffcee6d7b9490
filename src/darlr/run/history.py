"""The part of its log that a run folder keeps for serving: the items of every user, and how users' features are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.artifacts import RunFolder
from darlr.artifacts.schema import (
    Keys,
    Shape,
    list_of,
    number,
    require,
    require_indices,
    require_tensors,
    restoring,
    text,
    whole,
)
from darlr.config.loading import stable_hash
from darlr.data.catalog import Features
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.run.saved import SavedPolicy

HISTORY = "history"
MOST_LEVELS = 256
"""The largest number of distinct rewards that are stored as one byte for each row."""
STATE = Keys(
    {
        "config": text,
        "user_features": Keys(
            {
                "code_names": list_of(text),
                "code_sizes": list_of(whole(0)),
                "code_values": list_of(list_of(text)),
                "numeric_names": list_of(text),
                "numeric_scales": list_of(list_of(number, 2)),
            }
        ),
    },
    {"item_scales": list_of(list_of(number, 2))},
)


@dataclass(frozen=True)
class History:
    """The items and rewards of the U users of a log, oldest first if the log has times; user u's rows are `starts[u]` to
    `starts[u + 1]`.

    Attributes:
        starts: (U + 1,) int64.
        items: (n,) int32, indices into the log's items.
        rewards: (n,) float32, in the log's units.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    rewards: NDArray[np.float32]

    @classmethod
    def of(cls, log: InteractionLog) -> Self:
        """Return all rows of `log`."""
        keys = (log.users,) if log.times is None else (log.times, log.users)
        order = np.lexsort(keys)
        starts = np.searchsorted(log.users[order], np.arange(log.n_users + 1))
        return cls(starts.astype(np.int64), log.items[order], log.rewards[order])

    def rows_of(self, users: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of `users` (B,), user after user: (n,) the index of the user among the B, and (n,) the row's
        place.
        """
        first, counts = self.starts[users], self.starts[users + 1] - self.starts[users]
        owners = np.repeat(np.arange(len(users)), counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return owners, first[owners] + within


def save_history(folder: RunFolder, dataset: Dataset) -> None:
    """Write `history.safetensors`: the whole log of `dataset` by user, and how features are read.

    The names of the items' features are in the policy's file.
    """
    history, features = History.of(dataset.log), dataset.user_features
    state = {
        "config": stable_hash(folder.config()),
        "user_features": {
            "code_names": list(features.code_names),
            "code_sizes": list(features.code_sizes),
            "code_values": [list(values) for values in features.code_values],
            "numeric_names": list(features.numeric_names),
            "numeric_scales": [list(scale) for scale in features.numeric_scales],
        },
        "item_scales": [list(scale) for scale in dataset.items.features.numeric_scales],
    }
    folder.save_tensors(HISTORY, _packed(history, dataset.log.n_items), state)


@dataclass(frozen=True)
class Kept:
    """The part of its log that a run folder keeps.

    Attributes:
        history: the items and rewards of its users.
        user_features: features of no users, with the names, values and scales of its users' features.
        item_scales: centre and spread of the items' numeric features; None in runs from before these were stored.
    """

    history: History
    user_features: Features
    item_scales: tuple[tuple[float, float], ...] | None


def load_history(folder: RunFolder, users: int, items: int) -> Kept | None:
    """Load the file that `save_history` wrote for a log with these numbers of users and items; None for a run of darlr 0.2.

    Raises:
        InputError: for a damaged file, and for one of another run.
    """
    if not folder.has_tensors(HISTORY):
        return None
    tensors, state = folder.load_tensors(HISTORY)
    path = folder.path / f"{HISTORY}.safetensors"
    require(state, STATE, str(path))
    with restoring(path):
        history = _unpacked(tensors, items)
        _require_whole(history, users, items)
        described = _described(state["user_features"])
    if state["config"] != stable_hash(folder.config()):
        raise InputError(f"{path}: made by a run of another config; put back the file that was here")
    scales = [(centre, spread) for centre, spread in state["item_scales"]] if "item_scales" in state else None
    return Kept(history, described, None if scales is None else tuple(scales))


def logged_history(folder: RunFolder, policy: SavedPolicy, data_dir: Path | None) -> tuple[Kept | None, tuple[str, ...]]:
    """Return the stored part of a run's log, and a line of explanation if it is not available.

    A run of darlr 0.2 did not store it, so it is read from the run's data set, if that is unchanged.
    """
    if (kept := load_history(folder, len(policy.user_ids), len(policy.item_ids))) is not None:
        return kept, ()
    from darlr.data.registry import load  # noqa: PLC0415 (its readers would make every start wait)

    without = "known users are served without their past in the log"
    try:
        loaded = load(policy.config, data_dir)
    except InputError as error:
        return None, (f"{folder.path}: has no {HISTORY}.safetensors, and its data set is not to be had ({error}); {without}",)
    if dict(loaded.dataset.hashes) != folder.environment().get("data", {}):
        return None, (f"{folder.path}: has no {HISTORY}.safetensors, and its data set has changed; {without}",)
    scales = loaded.dataset.items.features.numeric_scales
    return Kept(History.of(loaded.dataset.log), loaded.dataset.user_features, scales), ()


def _packed(history: History, items: int) -> dict[str, torch.Tensor]:
    """Return the history in as few bytes for each row as its items and rewards need: three, if rewards are stars or clicks."""
    levels, codes = np.unique(history.rewards, return_inverse=True)
    few = len(levels) <= MOST_LEVELS
    return {
        "starts": torch.from_numpy(history.starts),
        "items": torch.from_numpy(history.items.astype(_kind_of(items)[1])),
        **({"levels": torch.from_numpy(levels)} if few else {}),
        "rewards": torch.from_numpy(codes.astype(np.uint8) if few else history.rewards),
    }


def _unpacked(tensors: Mapping[str, torch.Tensor], items: int) -> History:
    """Unpack a history of a log with `items` items.

    Raises:
        InputError: for tensors that `_packed` did not make.
    """
    few = "levels" in tensors
    shapes: dict[str, Shape] = {
        "starts": (torch.int64, ["users and one"]),
        "items": (_kind_of(items)[0], ["n"]),
        "rewards": (torch.uint8 if few else torch.float32, ["n"]),
    }
    require_tensors(tensors, {**shapes, "levels": (torch.float32, ["levels"])} if few else shapes)
    rewards = tensors["rewards"].numpy()
    if few:
        require_indices(tensors["rewards"], "rewards", len(tensors["levels"]))
        rewards = tensors["levels"].numpy()[rewards]
    return History(tensors["starts"].numpy(), tensors["items"].numpy().astype(np.int32), rewards)


def _kind_of(items: int) -> tuple[torch.dtype, type[np.signedinteger[Any]]]:
    """Return the integer types that can hold the indices of `items` items."""
    return (torch.int16, np.int16) if items <= np.iinfo(np.int16).max else (torch.int32, np.int32)


def _require_whole(history: History, users: int, items: int) -> None:
    starts, n = history.starts, len(history.items)
    if len(starts) != users + 1 or starts[0] != 0 or starts[-1] != n or (np.diff(starts) < 0).any():
        raise InputError(f"'starts' does not divide {n} rows among {users} users")
    require_indices(torch.from_numpy(history.items), "items", items)


def _described(state: Mapping[str, Any]) -> Features:
    """Return features of no users, with the names, values and scales of the log's."""
    codes, numbers = len(state["code_names"]), len(state["numeric_names"])
    return Features(
        code_names=tuple(state["code_names"]),
        codes=np.zeros((0, codes), np.int32),
        code_sizes=tuple(state["code_sizes"]),
        numeric_names=tuple(state["numeric_names"]),
        numeric=np.zeros((0, numbers), np.float32),
        code_values=tuple(map(tuple, state["code_values"])),
        numeric_scales=tuple((centre, spread) for centre, spread in state["numeric_scales"]),
    )
