"""Hybrid factors of features (Kula, 2015, "Metadata Embeddings for User and Item Cold-start Recommendations"; LightFM).

    q_u = sum over f in f_u of e^U_f,  p_i = sum over f in f_i of e^I_f,  b_i = sum over f in f_i of b^I_f,
    s_ui = q_u . p_i + b_i                                                    (Kula's Eq. 1 without b_u, which orders nothing)

Every user and item has a feature of its own beside the data set's features. They are learned by BPR's loss
(`pairwise.py`); docs/methods/feature-factorisation.md lists the differences from the paper.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.supervised.pairwise import Described, fit_pairwise, pairwise_scorer, pairwise_unfit
from darlr.agents.supervised.supervised import Supervised
from darlr.data.catalog import Features, ItemCatalog
from darlr.data.dataset import Dataset


def described_users(features: Features) -> Described:
    """Users described by their identity, their codes and their numeric features."""
    return _described(features, np.zeros((len(features), 0), np.int32), 0)


def described_items(catalog: ItemCatalog) -> Described:
    """Items described by their identity, their codes, their numeric features and their categories."""
    return _described(catalog.features, catalog.categories, catalog.n_categories)


def _described(features: Features, categories: NDArray[np.int32], n_categories: int) -> Described:
    """A numeric feature has its value as weight, every other description has 1, both over the square root of the entity's
    number of descriptions.
    """
    n = len(features)
    own = np.arange(n)[:, None]
    sizes = np.array(features.code_sizes, np.int64)
    codes = n + np.concatenate([[0], sizes.cumsum()[:-1]]).astype(np.int64)[: len(sizes)] + features.codes
    first_number = n + int(sizes.sum())
    numbers = np.broadcast_to(first_number + np.arange(features.numeric.shape[1]), features.numeric.shape)
    first_category = first_number + features.numeric.shape[1]
    has = categories >= 0
    places = np.concatenate([own, codes, numbers, first_category + categories.clip(0)], axis=1)
    ones = np.ones((n, 1 + features.codes.shape[1]))
    weights = np.concatenate([ones, features.numeric, has], axis=1)
    present = ones.shape[1] + features.numeric.shape[1] + has.sum(axis=1, keepdims=True)
    return Described(
        torch.from_numpy(places.astype(np.int64)),
        torch.from_numpy((weights / present**0.5).astype(np.float32)),
        first_category + max(n_categories, 1),
    )


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    return fit_pairwise(dataset, described_users(dataset.user_features), described_items(dataset.items), generator)


FEATURE_FACTORISATION = Supervised(_fit, pairwise_scorer, pairwise_unfit, lambda dataset: True)
