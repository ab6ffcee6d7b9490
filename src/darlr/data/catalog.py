"""Features of items and users, and categories of items."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darlr.errors import InputError


@dataclass(frozen=True)
class Features:
    """Side features of n entities (users or items): F coded columns and G numeric ones.

    Attributes:
        code_names: F names.
        codes: (n, F) int32, column f in 0..code_sizes[f]-1.
        code_sizes: F vocabulary sizes.
        numeric_names: G names.
        numeric: (n, G) float32, finite, normalised by the reader.
        code_values: for each coded column the texts of its codes; empty if the reader does not give them, so that the codes
            themselves are the values.
        numeric_scales: for each numeric column the centre and spread by which the reader normalised it; empty if the reader
            does not give them.
    """

    code_names: tuple[str, ...]
    codes: NDArray[np.int32]
    code_sizes: tuple[int, ...]
    numeric_names: tuple[str, ...]
    numeric: NDArray[np.float32]
    code_values: tuple[tuple[str, ...], ...] = ()
    numeric_scales: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] != len(self.code_names) or len(self.code_sizes) != len(self.code_names):
            raise InputError(f"coded features have shape {self.codes.shape}; expected one column for each of {self.code_names}")
        if self.numeric.ndim != 2 or self.numeric.shape != (len(self.codes), len(self.numeric_names)):
            raise InputError(
                f"numeric features have shape {self.numeric.shape}; expected {(len(self.codes), len(self.numeric_names))}"
            )
        if self.code_values and tuple(map(len, self.code_values)) != self.code_sizes:
            raise InputError(f"coded features have {self.code_sizes} codes; expected a value for each of them")
        if self.numeric_scales and len(self.numeric_scales) != len(self.numeric_names):
            raise InputError(f"{len(self.numeric_scales)} scales are given; expected one for each of {self.numeric_names}")
        for name, size, column in zip(self.code_names, self.code_sizes, self.codes.T, strict=True):
            if len(column) and (column.min() < 0 or column.max() >= size):
                raise InputError(f"feature '{name}' has codes {column.min()}..{column.max()}; expected 0..{size - 1}")
        if not np.isfinite(self.numeric).all():
            column = int(np.argmin(np.isfinite(self.numeric).all(axis=0)))
            raise InputError(f"feature '{self.numeric_names[column]}' has a value that is not finite")

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def none(cls, n: int) -> "Features":
        """Return no features for `n` entities."""
        return cls((), np.zeros((n, 0), np.int32), (), (), np.zeros((n, 0), np.float32))


@dataclass(frozen=True)
class ItemCatalog:
    """Categories and features of the I items of a log's vocabulary, in its order.

    Attributes:
        categories: (I, S) int32 codes of each item's categories, -1 in unused places.
        category_names: C names, as in the source.
        features: side features of the items.
        untagged_alike: whether the items without any category count as sharing one (KuaiRand).
    """

    categories: NDArray[np.int32]
    category_names: tuple[str, ...]
    features: Features
    untagged_alike: bool = False

    def __post_init__(self) -> None:
        if self.categories.ndim != 2 or len(self.categories) != len(self.features):
            raise InputError(
                f"categories have shape {self.categories.shape}; expected a row for each of {len(self.features)} items"
            )
        if self.categories.size and (self.categories.min() < -1 or self.categories.max() >= len(self.category_names)):
            found = f"{self.categories.min()}..{self.categories.max()}"
            raise InputError(f"category codes lie in {found}; expected -1..{len(self.category_names) - 1}")

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def n_categories(self) -> int:
        """C, the number of categories."""
        return len(self.category_names)

    def membership(self) -> NDArray[np.bool_]:
        """Return (I, C) bool: whether an item has a category; (I, C + 1) if untagged items share one, which is the last
        column.
        """
        member = np.zeros((len(self), self.n_categories + 1), bool)
        np.put_along_axis(member, self.categories.astype(np.intp), True, axis=1)  # -1 lands in the spare last column
        member[:, -1] = ~member[:, :-1].any(axis=1)
        return member if self.untagged_alike else member[:, :-1]
