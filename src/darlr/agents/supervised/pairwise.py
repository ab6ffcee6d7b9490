"""Factors that learn to score a liked item above one that is not: the model and the training of BPR and of hybrid factors.

s_ui = q_u . p_i + b_i. q_u and p_i, b_i are weighted sums of the embeddings of the user's and the item's descriptions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import Scorer
from darlr.agents.static.matrix_factorisation import FactorisedScorer
from darlr.agents.supervised.preferences import Preferences, nothing_liked
from darlr.agents.supervised.supervised import Learned, Played
from darlr.agents.supervised.validation import Rows, Split, fit_best
from darlr.data.dataset import Dataset

REGULARISATIONS = (0.001, 0.01, 0.1)
"""The values of lambda that are tried."""

MOST_EMBEDDINGS = 5_000_000
"""Largest number of users and items; their factors and the optimiser's moments are in memory."""

FACTORS, INITIAL = 32, 0.1
LEARNING_RATE, BATCH = 0.01, 4096
LEAST_UPDATES = 10
"""Smallest number of updates of an epoch, which goes through the pairs of a small log several times."""

MOST_EPOCHS, MOST_TRIPLES = 50, 20_000_000
"""Largest numbers of epochs and of triples of a fit. A large log has fewer epochs, so that the second limit holds."""

TRIES = 5
"""Number of times that an item is drawn anew if the user liked it."""


@dataclass(frozen=True)
class Described:
    """Descriptions of n entities. An entity is a weighted sum of the embeddings of at most S descriptions.

    Attributes:
        descriptions: (n, S) int64 in 0..size-1.
        weights: (n, S) float32, 0 where an entity has fewer than S descriptions.
        size: number of different descriptions.
    """

    descriptions: Tensor
    weights: Tensor
    size: int

    @classmethod
    def by_identity(cls, n: int) -> "Described":
        """Each entity has one description: its identity."""
        return cls(torch.arange(n)[:, None], torch.ones(n, 1), n)

    def sums(self, embeddings: Tensor, chosen: Tensor) -> Tensor:
        """The sums (B, d) of the entities `chosen` (B,), for the descriptions' `embeddings` (size, d)."""
        return F.embedding_bag(
            self.descriptions[chosen], embeddings, per_sample_weights=self.weights[chosen].to(embeddings.dtype), mode="sum"
        )


class PairwiseModel(nn.Module):
    """The embeddings of the descriptions of users (F_u, k) and of items (F_i, k + 1), whose last column has the biases."""

    def __init__(self, users: Described, items: Described, generator: np.random.Generator) -> None:
        super().__init__()
        self.described_users, self.described_items = users, items
        scale = INITIAL / FACTORS**0.5
        self.users = nn.Parameter(torch.from_numpy(generator.normal(0, scale, (users.size, FACTORS)).astype(np.float32)))
        drawn = torch.from_numpy(generator.normal(0, scale, (items.size, FACTORS)).astype(np.float32))
        self.items = nn.Parameter(F.pad(drawn, (0, 1)))

    def user_factors(self, users: Tensor) -> Tensor:
        """q_u of `users` (B,), (B, k)."""
        return self.described_users.sums(self.users, users)

    def item_factors(self, items: Tensor) -> Tensor:
        """p_i and b_i of `items` (B,), (B, k + 1)."""
        return self.described_items.sums(self.items, items)


def bpr_loss(liked: Tensor, other: Tensor) -> Tensor:
    """The mean (scalar) of -ln sigma(s_ui - s_uj) over the scores (B,) of liked items i and of others j."""
    return F.softplus(other - liked).mean()


def epochs(
    preferences: Preferences, build: Callable[[], PairwiseModel], regularisation: float, generator: np.random.Generator
) -> Iterator[PairwiseModel]:
    """The same model after each epoch. An epoch has as many triples as there are pairs, or several times as many.

    Args:
        preferences: the liked pairs.
        build: creates a new model.
        regularisation: lambda of ||q_u||^2 + ||p_i||^2 + ||p_j||^2 of each triple, biases included.
        generator: draws the triples.
    """
    model = build()
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    weights = preferences.weights.double().numpy()
    chances = weights / weights.sum()
    cells = preferences.users * preferences.n_items + preferences.items
    triples = len(preferences) * -(-LEAST_UPDATES * BATCH // max(len(preferences), BATCH))
    for _ in range(max(1, min(MOST_EPOCHS, MOST_TRIPLES // triples))):
        drawn = torch.from_numpy(generator.choice(len(preferences), triples, p=chances))
        for part in torch.split(drawn, BATCH):
            users, liked = preferences.users[part], preferences.items[part]
            others, free = _not_liked(users, preferences.n_items, cells, generator)
            q, p, n = model.user_factors(users[free]), model.item_factors(liked[free]), model.item_factors(others[free])
            loss = bpr_loss(_scores(q, p), _scores(q, n))
            norms = sum(side.square().sum() for side in (q, p, n)) / max(1, len(q))
            optimiser.zero_grad()
            (loss + regularisation * norms).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        yield model


def _scores(users: Tensor, items: Tensor) -> Tensor:
    """The scores (B,) of user factors (B, k) and item factors (B, k + 1)."""
    return (users * items[:, :-1]).sum(dim=1) + items[:, -1]


def _not_liked(users: Tensor, n_items: int, cells: Tensor, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """An item (B,) for each user, drawn uniformly, and whether it is not among the user's liked pairs, the rising `cells`."""
    items = torch.from_numpy(generator.integers(0, n_items, len(users)))
    for _ in range(TRIES):
        liked = _among(users * n_items + items, cells)
        if not liked.any():
            break
        items[liked] = torch.from_numpy(generator.integers(0, n_items, int(liked.sum())))
    return items, ~_among(users * n_items + items, cells)


def _among(values: Tensor, rising: Tensor) -> Tensor:
    place = torch.searchsorted(rising, values).clamp(max=len(rising) - 1)
    return rising[place] == values


def fit_pairwise(dataset: Dataset, users: Described, items: Described, generator: np.random.Generator) -> dict[str, Tensor]:
    """The factors (n_users, k) and (n_items, k + 1) of the world, for users and items with these descriptions."""
    preferences = Preferences.of(dataset.log)
    split = Split.random(preferences, generator)
    seed = int(generator.integers(2**63))

    def path(pairs: Preferences, regularisation: float) -> Iterator[PairwiseModel]:
        draws = np.random.default_rng(seed)
        return epochs(pairs, lambda: PairwiseModel(users, items, draws), regularisation, draws)

    model = fit_best(preferences, REGULARISATIONS, path, pairwise_rows, split)
    with torch.no_grad():
        world = dataset.world
        return {
            "users": model.user_factors(torch.from_numpy(world.users)),
            "items": model.item_factors(torch.from_numpy(world.items)),
        }


def pairwise_rows(model: PairwiseModel, preferences: Preferences) -> Rows:
    """The scores of all items by the model in its present state."""
    with torch.no_grad():
        items = model.item_factors(torch.arange(preferences.n_items))

    def rows(users: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.addmm(items[:, -1], model.user_factors(users), items[:, :-1].T)

    return rows


def pairwise_scorer(learned: Learned, played: Played) -> Scorer:
    """The order by q_u . p_i + b_i."""
    items = learned["items"].roll(1, dims=1)  # biases come first
    return FactorisedScorer(learned["users"].to(played.device), items.to(played.device))


def pairwise_unfit(dataset: Dataset) -> str:
    """The reason if the data set has too many users and items, else an empty string."""
    if reason := nothing_liked(dataset.log):
        return reason
    n = dataset.log.n_users + dataset.log.n_items
    return (
        f"the log has {n:,} users and items; factors are learned for at most {MOST_EMBEDDINGS:,}" if n > MOST_EMBEDDINGS else ""
    )
