"""Features of users or items, as the columns of a linear regression."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.catalog import Features, ItemCatalog
from darlr.errors import InputError

RIDGE = 5.0
"""Strength of the prior of the regression's weights: the number of average entities that each column starts with."""

MAX_COLUMNS = 512
"""Largest number of codes with a column; the codes of the most entities get one. The regression costs columns squared times
entities.
"""


@dataclass(frozen=True)
class Description:
    """Side features of n entities in one vocabulary of V codes.

    Attributes:
        codes: (n, S) int64 in 0..V-1, or -1 for none.
        vocabulary: V.
        numeric: (n, G) float32.
    """

    codes: NDArray[np.int64]
    vocabulary: int
    numeric: NDArray[np.float32]

    @classmethod
    def of(cls, described: Features | ItemCatalog) -> Self:
        """Number the codes of all features one after the other; for items the categories follow."""
        features = described.features if isinstance(described, ItemCatalog) else described
        starts = np.concatenate([[0], np.cumsum(features.code_sizes)]).astype(np.int64)
        codes = features.codes + starts[:-1]
        vocabulary = int(starts[-1])
        if isinstance(described, ItemCatalog):
            slots = described.categories.astype(np.int64)
            codes = np.concatenate([codes, np.where(slots < 0, -1, slots + vocabulary)], axis=1)
            vocabulary += described.n_categories
        return cls(codes.astype(np.int64), vocabulary, features.numeric)

    def __len__(self) -> int:
        return len(self.codes)

    def between(self, first: int, last: int) -> Self:
        """The features of the entities `first` to `last` alone, as views."""
        return replace(self, codes=self.codes[first:last], numeric=self.numeric[first:last])

    def rows(self, chosen: NDArray[np.integer]) -> Self:
        """The features of the entities `chosen` (n',) alone, in that order."""
        return replace(self, codes=self.codes[chosen], numeric=self.numeric[chosen])


@dataclass(frozen=True)
class Tags:
    """Categories of m items, some of them unknown.

    Attributes:
        member: (m, C) bool, True if the item has the category.
        known: (m,) bool, True if the item's categories are known.
    """

    member: NDArray[np.bool_]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """The F columns of the regression, centred; the last G are the numeric features.

    Attributes:
        of_code: (V + 1,) int64, the column of a code. F for a code without a column, and for -1 (the last entry).
        means: (F,) float64, subtracted from the columns; means over the entities of the fit.
    """

    of_code: Tensor
    means: Tensor

    @classmethod
    def choose(cls, description: Description, device: torch.device) -> Self:
        """The columns for the entities of `description`, not centred yet."""
        present = description.codes[description.codes >= 0]
        counts = np.bincount(present, minlength=description.vocabulary)
        common = np.sort(np.argsort(-counts, kind="stable")[: min(MAX_COLUMNS, int((counts > 0).sum()))])
        columns = len(common) + description.numeric.shape[1]
        of_code = np.full(description.vocabulary + 1, columns, np.int64)
        of_code[common] = np.arange(len(common))
        return cls(torch.from_numpy(of_code).to(device), torch.zeros(columns, dtype=torch.float64, device=device))

    def matrix(self, description: Description, first: int, last: int) -> Tensor:
        """The centred columns of the entities `first` to `last`, (last - first, F) float64.

        Raises:
            InputError: if the features are not those of the fit.
        """
        n, width = last - first, len(self.means)
        numbers = description.numeric.shape[1]
        if description.vocabulary + 1 != len(self.of_code) or numbers > width:
            raise InputError(
                f"the features have {description.vocabulary} codes and {numbers} numbers; expected the "
                f"{len(self.of_code) - 1} codes that the model was fitted on"
            )
        device = self.means.device
        matrix = torch.zeros(n, width + 1, dtype=torch.float64, device=device)  # a spare column for codes that have none
        matrix.scatter_(1, self.of_code[torch.from_numpy(description.codes[first:last]).to(device)], 1.0)
        matrix[:, width - numbers : width] = torch.from_numpy(description.numeric[first:last]).to(device)
        return matrix[:, :-1] - self.means

    def partial(
        self, codes: NDArray[np.int64], sizes: Sequence[int], numeric: NDArray[np.float32], tags: Tags | None = None
    ) -> Tensor:
        """The centred columns of m entities with some features unknown, (m, F) float64. An unknown feature counts as average.

        Args:
            codes: (m, S) of S coded features, -1 where unknown.
            sizes: number of codes of each coded feature.
            numeric: (m, G), NaN where unknown.
            tags: the categories of items; None for users, who have none.

        Raises:
            InputError: if the features are not those of the fit.
        """
        categories = 0 if tags is None else tags.member.shape[1]
        blank = Description(np.full((len(codes), 1), -1), sum(sizes) + categories, np.nan_to_num(numeric))
        whole = self.matrix(blank, 0, len(codes))
        width, numbers = whole.shape[1], numeric.shape[1]
        for first, size, column in zip(np.cumsum([0, *sizes]).tolist(), sizes, torch.from_numpy(codes).T, strict=False):
            own = self.of_code[first : first + size]
            own = own[own < width]
            whole[:, own] = 0.0
            known = (column >= 0).nonzero().squeeze(1)
            whole[known[:, None], own] = -self.means[own]
            of_code = self.of_code[first + column[known]]
            whole[known[of_code < width], of_code[of_code < width]] += 1.0
        if tags is not None:
            own = self.of_code[sum(sizes) : sum(sizes) + categories]
            there = own < width
            centred = torch.from_numpy(tags.member).to(self.means)[:, there] - self.means[own[there]]
            whole[:, own[there]] = torch.where(torch.from_numpy(tags.known)[:, None], centred, 0.0)
        unknown = torch.from_numpy(np.isnan(numeric))
        whole[:, width - numbers :][unknown] = 0.0
        return whole


class Design:
    """The regression's columns for the n entities of the fit, and the solver of the regression."""

    def __init__(self, description: Description, block: int, device: torch.device) -> None:
        """
        Args:
            description: features of the entities.
            block: number of entities with columns in memory at once.
            device: device of the tensors.
        """
        self.description = description
        raw = Columns.choose(description, device)
        n = len(description)
        blocks = [(first, min(first + block, n)) for first in range(0, n, block)]
        totals = sum((raw.matrix(description, *ends).sum(dim=0) for ends in blocks), start=torch.zeros_like(raw.means))
        self.columns = Columns(raw.of_code, totals / n)
        gram = RIDGE * torch.eye(len(raw.means), dtype=torch.float64, device=device)
        for ends in blocks:
            matrix = self.matrix(*ends)
            gram += matrix.T @ matrix
        self._factor = torch.linalg.cholesky(gram)

    def part(self, first: int, last: int) -> "Design":
        """The same columns for the entities `first` to `last` alone."""
        part = copy.copy(self)
        part.description = self.description.between(first, last)
        return part

    def matrix(self, first: int, last: int) -> Tensor:
        """The centred columns of the entities `first` to `last`, (last - first, F) float64."""
        return self.columns.matrix(self.description, first, last)

    def solve(self, products: Tensor) -> Tensor:
        """The weights (F, e) of the ridge regression.

        Args:
            products: (F, e) products of the columns with the targets of the regression.
        """
        return torch.cholesky_solve(products, self._factor) if len(products) else products
