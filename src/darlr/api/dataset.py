"""A data set in a user's hands: the log, what is known of items and users, and the truth if there is one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from darlr.data.log import Ids
from darlr.data.readers.frames import read_frames, settings_of
from darlr.data.registry import IN_MEMORY, SOURCES, in_memory_name, load
from darlr.data.source import LoadedDataset
from darlr.data.statistics import describe
from darlr.errors import InputError
from darlr.evaluation.settings import EvaluationConfig, Split
from darlr.methods.experiment import experiment_config
from darlr.run.specification import rows_of, with_canonical_dataset


@dataclass(frozen=True, repr=False)
class Dataset:
    """Logged feedback to learn from, and the truth to judge by, where it is known; learning never sees the truth.

    Made by `from_frames` or `load`.

    Attributes:
        settings: under what a run stores the data set, as keys of its settings.
        loaded: what the layers below work with.
    """

    settings: Mapping[str, Any]
    loaded: LoadedDataset

    @classmethod
    def from_frames(
        cls,
        interactions: Any,
        items: Any = None,
        users: Any = None,
        truth: Any = None,
        *,
        randomised: Any = None,
        name: str = "frames",
        feedback: str | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        positive_threshold: float | None = None,
        repeats: str = "error",
        missing_truth: float | None = None,
        truth_users: Any = None,
        truth_items: Any = None,
        leave: Mapping[str, Any] | None = None,
        features: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """A data set of pandas, polars or pyarrow tables, checked as the folder format is (docs/data.md).

        A pandas index is not looked at; blank cells are null or NaN; date-times become seconds since 1970.

        Args:
            interactions: `user_id, item_id, reward[, timestamp]`, one row a reaction.
            items: `item_id[, categories][, feature columns]`; categories are names joined by "|".
            users: `user_id[, feature columns]`.
            truth: user_id, item_id, reward: what every user of the test world would give every item.
            randomised: user_id, item_id, reward of items that were shown at random; they tell how users select what they rate,
                and nothing else is learned from them.
            name: as in result folders.
            feedback: "ratings", or "positive-only" where pairs without a row are unknown, not disliked.
            minimum, maximum: the smallest and the largest reward that a user can give.
            positive_threshold: rewards from here on count as liked; None: all of them.
            repeats: how a pair that stands several times is read: "error", "last", "mean" or "keep".
            missing_truth: the value of the cells that `truth` lacks; None: it must have all.
            truth_users, truth_items: the truth's rows (user_id) and columns (item_id); None: the ids that it holds.
            leave: when a user quits: `by` ("auto", "category", "distance" or "never"), `window`, `tolerance`, `max_steps`.
            features: how columns of `items` and `users` are read, where their cells do not say: `numeric`, `coded`, `ignored`,
                each a list of names.

        Raises:
            InputError: naming the frame and the row (counted from 0), or the option, at fault.
        """
        if isinstance(name, str) and name in SOURCES:
            raise InputError(f"from_frames: 'name' is '{name}', a data set that darlr knows; expected another name")
        scale = {
            "feedback": feedback,
            "minimum": minimum,
            "maximum": maximum,
            "positive_threshold": positive_threshold,
        }
        frames = {
            "interactions": interactions,
            "items": items,
            "users": users,
            "randomised": randomised,
            "truth": truth,
            "truth_users": truth_users,
            "truth_items": truth_items,
        }
        loaded = read_frames(frames, settings_of(name, scale, repeats, missing_truth, leave, features))
        return cls({"dataset": in_memory_name(loaded.dataset)}, loaded)

    @classmethod
    def load(cls, name_or_folder: str | Path, data_dir: Path | str | None = None, **options: Any) -> Self:
        """A data set that darlr knows by name, or a folder in the folder format.

        Args:
            data_dir: where data sets lie; None: `$DARLR_DATA`, else `darlr` in the user's cache folder.
            options: how it is read, where there is a choice: the `data.*` settings (`reward="normalised"`), or those of the
                built-in world (`users=100, items=80, seed=1` of "synthetic").

        Raises:
            InputError: if there is no such data set, its files are missing or cannot be used, or it has no such option.
        """
        section = "synthetic" if name_or_folder == "synthetic" else "data"
        values = {"dataset": str(name_or_folder), **({section: options} if options else {})}
        return cls(*read(values, data_dir))

    @property
    def name(self) -> str:
        return self.loaded.dataset.name

    @property
    def user_ids(self) -> Ids:
        """(U,) raw ids of the log's users."""
        return self.loaded.dataset.log.user_ids

    @property
    def item_ids(self) -> Ids:
        """(I,) raw ids of the log's items."""
        return self.loaded.dataset.log.item_ids

    @property
    def test_user_ids(self) -> Ids:
        """(n_users,) raw ids of the test world's users, row by row."""
        return self.user_ids[self.loaded.dataset.world.users]

    @property
    def test_item_ids(self) -> Ids:
        """(n_items,) raw ids of the items that can be recommended, column by column."""
        return self.item_ids[self.loaded.dataset.world.items]

    @property
    def has_truth(self) -> bool:
        """Whether policies can be judged by the truth; else they are by held-out rows of the log."""
        return self.loaded.truth is not None

    @property
    def in_memory(self) -> bool:
        """Whether the data set was handed over as frames, so that no run finds it again by itself."""
        return str(self.settings["dataset"]).startswith(IN_MEMORY)

    def training_interactions(
        self, seed: int = 0, held_out: float = EvaluationConfig.held_out, split: Split = EvaluationConfig.split
    ) -> pl.DataFrame:
        """The rows that may be learned from: user_id, item_id, reward[, timestamp].

        Without a truth, they are the log less the rows by which `evaluate` judges; an agent from outside that learns from the
        whole log has seen the answers.

        Args: seed, held_out, split: as `evaluate` has them (`evaluation.held_out` is the share of the rows that judge).
        """
        log, _ = rows_of(self.loaded, EvaluationConfig(held_out=held_out, split=split), seed)
        rows = {"user_id": log.user_ids[log.users], "item_id": log.item_ids[log.items], "reward": log.rewards}
        return pl.DataFrame(rows if log.times is None else {**rows, "timestamp": log.times})

    def describe(self) -> dict[str, str]:
        """Its figures, as `darlr check` prints them."""
        return dict(describe(self.loaded))

    def __len__(self) -> int:
        """How many interactions the log has."""
        return len(self.loaded.dataset.log)

    def __repr__(self) -> str:
        judged = "with a truth" if self.has_truth else "without a truth"
        size = f"{len(self):,} interactions of {len(self.user_ids):,} users with {len(self.item_ids):,} items"
        return f"Dataset({self.name}: {size}, {judged})"


def read(
    values: Mapping[str, Any], data_dir: Path | str | None, notice: Callable[[str], None] = lambda text: None
) -> tuple[Mapping[str, Any], LoadedDataset]:
    """The data set that settings name: the settings under which it is found again, and what was read.

    Args: notice: is told of what takes a while.
    """
    place = None if data_dir is None else Path(data_dir)
    stored = with_canonical_dataset(values, place)
    return stored, load(experiment_config(stored), place, notice)
