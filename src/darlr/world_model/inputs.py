"""The networks' inputs for a user and for an item: rows of one embedding table, and numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.names import Places
from darlr.world.world import ABSENT

PADDING = 0
"""The row of the embedding table for an absent category; it is kept at zero."""


@dataclass(frozen=True)
class Inputs:
    """Codes into one embedding table of V rows, shared by all fields, and numeric features.

    Attributes:
        user_codes: (U, F_u) int64, first the id's row, then one row for each coded feature.
        item_codes: (I, F_i) int64, the same, then one row for each category slot (`PADDING` if absent); slots share rows.
        user_numeric: (U, G_u) float32.
        item_numeric: (I, G_i) float32.
        rows: V, the number of rows of the table.
    """

    user_codes: Tensor
    item_codes: Tensor
    user_numeric: Tensor
    item_numeric: Tensor
    rows: int

    @classmethod
    def of(cls, dataset: Dataset) -> "Inputs":
        """Number the fields of `dataset` one after the other (protocol section 4: ids, features, shared category slots)."""
        start = PADDING + 1
        columns: dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]] = {"user": [], "item": []}
        sides = (
            ("user", dataset.log.n_users, dataset.user_features),
            ("item", dataset.log.n_items, dataset.items.features),
        )
        for side, n, features in sides:
            columns[side].append(np.arange(n, dtype=np.int64)[:, None] + start)
            start += n
            for codes, size in zip(features.codes.T, features.code_sizes, strict=True):
                columns[side].append(codes.astype(np.int64)[:, None] + start)
                start += size
        categories = dataset.items.categories.astype(np.int64)
        columns["item"].append(np.where(categories < 0, PADDING, categories + start))
        start += dataset.items.n_categories
        return cls(
            user_codes=torch.from_numpy(np.concatenate(columns["user"], axis=1)),
            item_codes=torch.from_numpy(np.concatenate(columns["item"], axis=1)),
            user_numeric=torch.from_numpy(dataset.user_features.numeric),
            item_numeric=torch.from_numpy(dataset.items.features.numeric),
            rows=start,
        )

    @property
    def fields(self) -> int:
        """F, the number of embedded fields of a pair."""
        return self.user_codes.shape[1] + self.item_codes.shape[1]

    @property
    def numbers(self) -> int:
        """G, the number of numeric features of a pair."""
        return self.user_numeric.shape[1] + self.item_numeric.shape[1]


def former_rows(places: Places) -> Tensor:
    """Return (V,) int64, the row of each row of the embedding table in that of the former log; `ABSENT` for new ones."""
    before = places.former
    parts = [np.array([PADDING], np.int64)]
    start = PADDING + 1
    for place, size in (
        (places.users, len(before.users)),
        (places.user_codes, before.user_features.n_codes),
        (places.items, len(before.items)),
        (places.item_codes, before.item_features.n_codes),
        (places.categories, len(before.categories)),
    ):
        parts.append(np.where(place == ABSENT, ABSENT, place + start))
        start += size
    return torch.from_numpy(np.concatenate(parts))
