"""A data set for users of the Python API: the log, the features of items and users, and the truth if it is known."""

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
    """Logged feedback to learn from and, where it is known, the truth to judge by. Learning never sees the truth.

    Make one with `from_frames` or `load`.

    Attributes:
        settings: the settings under which a run stores the data set.
        loaded: the data as the layers below use it.
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
        signals: Mapping[str, float] | None = None,
    ) -> Self:
        """Make a data set from pandas, polars or pyarrow tables, checked like the folder format (docs/data.md).

        A pandas index is ignored. Blank cells are null or NaN. Date-times become seconds since 1970.

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
            positive_threshold: rewards of at least this value count as liked; None: all of them.
            repeats: how to read a pair that occurs several times: "error", "last", "mean" or "keep".
            missing_truth: the value of cells that `truth` lacks; None: it must have all cells.
            truth_users, truth_items: the truth's rows (user_id) and columns (item_id); None: all ids in it.
            leave: when a user quits: `by` ("auto", "category", "distance", "never" or "learned"), `window`, `tolerance`,
                `max_steps`, `session_gap`.
            features: how to read columns of `items` and `users` that are ambiguous: lists of names under `numeric`, `coded`
                and `ignored`.
            signals: columns of `interactions` with their weights, whose sum is the reward instead of a column `reward`.

        Raises:
            InputError: naming the frame and row (counted from 0), or the option, at fault.
        """
        if isinstance(name, str) and name in SOURCES:
            raise InputError(f"from_frames: 'name' is '{name}', a data set that darlr knows; expected another name")
        scale = {
            "feedback": feedback,
            "minimum": minimum,
            "maximum": maximum,
            "positive_threshold": positive_threshold,
            "signals": None if signals is None else [f"{name}={weight}" for name, weight in signals.items()],
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
        """Load a data set that darlr knows by name, or a folder in the folder format.

        Args:
            name_or_folder: the name or the folder.
            data_dir: the folder of named data sets; None: `$DARLR_DATA`, else `darlr` in the user's cache folder.
            options: how to read it, where there is a choice: the `data.*` settings (`reward="normalised"`), or those of the
                built-in world (`users=100, items=80, seed=1` of "synthetic").

        Raises:
            InputError: if there is no such data set or option, or if its files are missing or cannot be used.
        """
        section = "synthetic" if name_or_folder == "synthetic" else "data"
        values = {"dataset": str(name_or_folder), **({section: options} if options else {})}
        return cls(*read(values, data_dir))

    @property
    def name(self) -> str:
        """The data set's name."""
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
        """(n_users,) raw ids of the test world's users, in the order of its rows."""
        return self.user_ids[self.loaded.dataset.world.users]

    @property
    def test_item_ids(self) -> Ids:
        """(n_items,) raw ids of the items that can be recommended, in the order of the world's columns."""
        return self.item_ids[self.loaded.dataset.world.items]

    @property
    def has_truth(self) -> bool:
        """Whether policies can be judged by the truth. If not, they are judged by held-out rows of the log."""
        return self.loaded.truth is not None

    @property
    def in_memory(self) -> bool:
        """Whether the data set was made from frames. A run cannot load such a data set again by itself."""
        return str(self.settings["dataset"]).startswith(IN_MEMORY)

    def training_interactions(
        self, seed: int = 0, held_out: float = EvaluationConfig.held_out, split: Split = EvaluationConfig.split
    ) -> pl.DataFrame:
        """Return the rows that may be learned from: columns user_id, item_id, reward[, timestamp].

        Without a truth, these are the rows of the log that `evaluate` does not judge by. An agent from outside that learns
        from the whole log has seen the answers.

        Args:
            seed: the seed of the split, as `evaluate` has it.
            held_out: the share of the rows that judge (`evaluation.held_out`).
            split: how the rows are chosen (`evaluation.split`).
        """
        log, _ = rows_of(self.loaded, EvaluationConfig(held_out=held_out, split=split), seed)
        rows = {"user_id": log.user_ids[log.users], "item_id": log.item_ids[log.items], "reward": log.rewards}
        return pl.DataFrame(rows if log.times is None else {**rows, "timestamp": log.times})

    def describe(self) -> dict[str, str]:
        """Return the data set's figures, as `darlr check` prints them."""
        return dict(describe(self.loaded))

    def __len__(self) -> int:
        """Return the number of interactions in the log."""
        return len(self.loaded.dataset.log)

    def __repr__(self) -> str:
        judged = "with a truth" if self.has_truth else "without a truth"
        size = f"{len(self):,} interactions of {len(self.user_ids):,} users with {len(self.item_ids):,} items"
        return f"Dataset({self.name}: {size}, {judged})"


def read(
    values: Mapping[str, Any], data_dir: Path | str | None, notice: Callable[[str], None] = lambda text: None
) -> tuple[Mapping[str, Any], LoadedDataset]:
    """Read the data set that settings name; return the settings that find it again, and the data.

    Args:
        values: nested settings.
        data_dir: the folder of named data sets.
        notice: a function that is called with a line of text before slow work.
    """
    place = None if data_dir is None else Path(data_dir)
    stored = with_canonical_dataset(values, place)
    return stored, load(experiment_config(stored), place, notice)
