"""Scores that are weighted sums over the user's liked items: s_uj = sum over i of w_ui B_ij."""

from collections.abc import Iterator

import torch
from torch import Tensor

from darlr.agents.acting import Scorer, mask_logits
from darlr.agents.static.scorers import TableScorer
from darlr.agents.supervised.preferences import Preferences
from darlr.agents.supervised.supervised import Played
from darlr.world.window import Window

USERS_AT_ONCE = 1024
COLUMNS_AT_ONCE, CELLS_AT_ONCE = 1024, 100_000_000
"""Items whose users are looked at together, and the numbers that they have, at most."""

MOST_CELLS = 50_000_000
"""Largest number of user-item pairs of a world whose scores are kept in a table; for larger worlds they are computed each
time.
"""


class ItemWeightsScorer(Scorer):
    """Orders items by the user's liked pairs in the log. For a user without liked pairs all items are equal."""

    def __init__(self, preferences: Preferences, users: Tensor, weights: Tensor, device: torch.device) -> None:
        """
        Args:
            preferences: the log's liked pairs.
            users: (n_users,) the world's users, as indices into the log's vocabulary.
            weights: (n_items, I) the transpose of B, dense or sparse: a row for each item of the world.
            device: device of the scores.
        """
        self._preferences, self._users, self._device = preferences, users, device
        self._weights = weights.to(device)

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        return mask_logits(self.rows(users), blocked)

    def rows(self, users: Tensor) -> Tensor:
        """The scores (B, n_items) of users (B,), given as rows of the world."""
        liked = self._preferences.rows(self._users[users.cpu()]).to(self._device)
        return (self._weights @ liked.T).T


def item_weights_scorer(weights: Tensor, played: Played) -> Scorer:
    """The order by `weights` (n_items, I). The scores are kept in a table if the world is small."""
    world = played.dataset.world
    scorer = ItemWeightsScorer(Preferences.of(played.dataset.log), torch.from_numpy(world.users), weights, played.device)
    if world.n_users * world.n_items > MOST_CELLS:
        return scorer
    return TableScorer(torch.cat([scorer.rows(users) for users in torch.split(torch.arange(world.n_users), USERS_AT_ONCE)]))


def item_blocks(preferences: Preferences) -> Iterator[Tensor]:
    """All items, in blocks that `co_liked` can take."""
    most = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // preferences.n_users))
    yield from torch.split(torch.arange(preferences.n_items), most)


def co_liked(preferences: Preferences, columns: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The columns (b,) of X^T X, (I, b); X is the matrix of weights (U, I)."""
    matrix = preferences.matrix(dtype)
    dense = matrix.index_select(1, columns).to_dense()
    product: Tensor = torch.sparse.mm(matrix.t(), dense)
    return product
