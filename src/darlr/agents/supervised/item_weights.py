"""Scores that are sums over what a user liked: s_uj = sum over i of w_ui B_ij."""

import torch
from torch import Tensor

from darlr.agents.acting import Scorer, mask_logits
from darlr.agents.static.scorers import TableScorer
from darlr.agents.supervised.preferences import Preferences
from darlr.agents.supervised.supervised import Played
from darlr.world.window import Window

COLUMNS_AT_ONCE, USERS_AT_ONCE = 1024, 1024

MOST_CELLS = 50_000_000
"""Pairs of a user and an item of the largest world whose scores are kept in a table; in others they are computed each time."""


class ItemWeightsScorer(Scorer):
    """Orders items by what the log says of the user; of a user without liked pairs all items are equal."""

    def __init__(self, preferences: Preferences, users: Tensor, weights: Tensor, device: torch.device) -> None:
        """Args:
        preferences: the log's.
        users: (n_users,) the world's, as indices into the log's vocabulary.
        weights: (n_items, I) B turned around, dense or sparse: a row for each item of the world.
        """
        self._preferences, self._users, self._device = preferences, users, device
        self._weights = weights.to(device)

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self.rows(users), blocked)

    def rows(self, users: Tensor) -> Tensor:
        """(B, n_items) of users (B,), rows of the world."""
        liked = self._preferences.rows(self._users[users.cpu()]).to(self._device)
        return (self._weights @ liked.T).T


def item_weights_scorer(weights: Tensor, played: Played) -> Scorer:
    """The order by `weights` (n_items, I), kept in a table where the world is small."""
    world = played.dataset.world
    scorer = ItemWeightsScorer(Preferences.of(played.dataset.log), torch.from_numpy(world.users), weights, played.device)
    if world.n_users * world.n_items > MOST_CELLS:
        return scorer
    return TableScorer(torch.cat([scorer.rows(users) for users in torch.split(torch.arange(world.n_users), USERS_AT_ONCE)]))


def co_liked(preferences: Preferences, columns: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(I, b) X^T X at the `columns` (b,), X being the weights (U, I)."""
    matrix = preferences.matrix(dtype)
    dense = matrix.index_select(1, columns).to_dense()
    product: Tensor = torch.sparse.mm(matrix.t(), dense)
    return product
