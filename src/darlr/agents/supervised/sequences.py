"""Predicts the next item that a user likes: histories, training and scorer of SASRec and GRU4Rec.

    s_1, s_2, ... are the items that a user liked, in the order of time, after a start that all users share.
    The encoder's output f_t after s_t scores the next item: r_i = f_t . e_i + b_i.
    Trained by the cross-entropy of softmax(r) at s_{t+1}.

If the log has many items, the softmax is over s_{t+1} and some items that are drawn uniformly and shared by a batch.
docs/methods/sasrec.md and gru4rec.md list the differences from the papers.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import WHOLE_EPISODE, Scorer, mask_logits
from darlr.agents.networks.self_attention import Dropout, Dropping, keep
from darlr.agents.supervised.preferences import Preferences, liking_threshold, nothing_liked
from darlr.agents.supervised.supervised import Learned, Played
from darlr.agents.supervised.validation import Rows, Split, fit_best
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.world.window import OUTSIDE, Window, absent_item, start_item
from darlr.world_model.factors.problem import is_implicit

LENGTH, WIDTH = 50, 64
"""Number of newest positions of a history that count, and the size of vectors and states."""

LEARNING_RATE, BATCH = 1e-3, 32
LEAST_UPDATES = 10
"""Smallest number of updates of an epoch, which goes through the histories of a small log several times."""

MOST_EPOCHS, MOST_POSITIONS = 60, 12_000_000
"""Largest numbers of epochs and of positions of a fit. A large log has fewer epochs, so that the second limit holds."""

ALL_ITEMS, DRAWN_ITEMS = 2_000, 512
"""Up to the first number of items the softmax is over all; beyond it, over the second number of drawn items."""

MOST_ITEMS, MOST_LIKED = 1_000_000, 20_000_000


class Encoder(Protocol):
    """The part in which sequence models differ: the encoder of a history."""

    def __call__(self, inputs: Tensor, present: Tensor, drop: Dropping = keep) -> Tensor:
        """The states (B, w, WIDTH) after each position.

        Args:
            inputs: (B, w, WIDTH), newest position last.
            present: (B, w) bool.
            drop: dropout, or `keep`.
        """
        ...


class SequenceModel(nn.Module):
    """Item vectors, an encoder over them, and biases.

    Attributes:
        vectors: (I + 2, WIDTH) of the items, the start and absence; the last is 0.
        biases: (I,).
    """

    def __init__(self, n_items: int, encoder: nn.Module, generator: torch.Generator) -> None:
        super().__init__()
        self.n_items, self.encoder = n_items, encoder
        self.vectors = nn.Parameter(torch.randn(n_items + OUTSIDE, WIDTH, generator=generator) * WIDTH**-0.5)
        with torch.no_grad():
            self.vectors[-1] = 0.0
        self.biases = nn.Parameter(torch.zeros(n_items))

    def states(self, histories: Tensor, drop: Dropping = keep) -> Tensor:
        """The states (B, w, WIDTH) after each position of `histories` (B, w), columns of the items, newest last."""
        absent = absent_item(self.n_items)
        vectors = F.embedding(histories, self.vectors, padding_idx=absent)
        states: Tensor = self.encoder(vectors, histories != absent, drop)
        return states

    def scores(self, histories: Tensor) -> Tensor:
        """The scores (B, I) of the next item after `histories` (B, w)."""
        return torch.addmm(self.biases, self.newest(histories), self.vectors[: self.n_items].T)

    def newest(self, histories: Tensor) -> Tensor:
        """The state (B, WIDTH) after the last position of `histories` (B, w)."""
        return self.states(histories[:, self.leading(histories) :])[:, -1]

    def leading(self, histories: Tensor) -> int:
        """The number of columns of `histories` (B, w) before the first item or start of any row; at least one column is
        left.
        """
        present = (histories != absent_item(self.n_items)).any(dim=0)
        present[-1] = True
        return int(present.int().argmax())


class Histories:
    """Each user's liked items in the order of time; in random order if the log has no time."""

    def __init__(self, preferences: Preferences, generator: np.random.Generator) -> None:
        ties = generator.permutation(len(preferences))
        order = np.lexsort((ties, preferences.moments.numpy(), preferences.users.numpy()))
        self.items = preferences.items[torch.from_numpy(order)]
        self.counts = preferences.counts
        self.ends = self.counts.cumsum(0)
        self.n_items = preferences.n_items

    def latest(self, users: Tensor) -> Tensor:
        """The newest items of `users` (B,), (B, LENGTH), after the start if there is room for it."""
        return self._before(self.ends[users], self.counts[users], LENGTH)

    def pieces(self) -> tuple[Tensor, Tensor]:
        """All histories in pieces of LENGTH predictions: inputs and the items that come next, (P, LENGTH) each.

        If there is no next item, it is absent.
        """
        per_user = (self.counts + LENGTH - 1) // LENGTH
        users = torch.repeat_interleave(torch.arange(len(self.counts)), per_user)
        number = torch.arange(len(users)) - torch.repeat_interleave(per_user.cumsum(0) - per_user, per_user)
        passed = torch.minimum((number + 1) * LENGTH, self.counts[users])  # number of items up to the piece's last prediction
        whole = self._before(self.ends[users] - self.counts[users] + passed, passed, LENGTH + 1)
        inputs, following = whole[:, :-1], whole[:, 1:].clone()
        first = LENGTH - (passed - number * LENGTH)  # a short last piece reaches back into the one before it
        following[torch.arange(LENGTH) < first[:, None]] = absent_item(self.n_items)
        return inputs, following

    def _before(self, ends: Tensor, counts: Tensor, length: int) -> Tensor:
        """The items up to `ends` (B,), at most `counts` (B,), after the start, (B, length)."""
        back = torch.arange(length, 0, -1)
        place = (ends[:, None] - back).clamp(min=0)
        known, start = back <= counts[:, None], back == counts[:, None] + 1
        outside = torch.where(start, start_item(self.n_items), absent_item(self.n_items))
        return torch.where(known, self.items[place] if len(self.items) else outside, outside)


def next_item_loss(model: SequenceModel, inputs: Tensor, following: Tensor, drawn: Tensor | None, drop: Dropping) -> Tensor:
    """The mean cross-entropy (scalar) at the following items that are not absent.

    Args:
        model: the sequence model.
        inputs: (B, w) columns of the items.
        following: (B, w) the item after each position, or absence.
        drawn: (n,) items that share the softmax with the following one, or None for all.
        drop: dropout, or `keep`.
    """
    leading = model.leading(inputs)  # absent everywhere
    inputs, following = inputs[:, leading:], following[:, leading:]
    chosen = following != absent_item(model.n_items)
    states, targets = model.states(inputs, drop)[chosen], following[chosen]  # (m, WIDTH), (m,)
    if drawn is None:
        return F.cross_entropy(torch.addmm(model.biases, states, model.vectors[: model.n_items].T), targets)
    own = (states * model.vectors[targets]).sum(dim=1) + model.biases[targets]
    others = torch.addmm(model.biases[drawn], states, model.vectors[drawn].T)
    others = others.masked_fill(drawn == targets[:, None], float("-inf"))  # the following item counts once
    return F.cross_entropy(torch.cat([own[:, None], others], dim=1), torch.zeros_like(targets))


def epochs(
    preferences: Preferences, build: Callable[[torch.Generator], nn.Module], dropout: float, seed: int
) -> Iterator[SequenceModel]:
    """The same model after each epoch over all pieces of all histories, once or several times.

    Args:
        preferences: the liked pairs.
        build: creates a new encoder.
        dropout: rate of dropout.
        seed: of the initial weights, the batches and the dropout.
    """
    draws = torch.Generator().manual_seed(seed)
    model = SequenceModel(preferences.n_items, build(draws), draws)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    inputs, following = Histories(preferences, np.random.default_rng(seed)).pieces()
    drop = Dropout(dropout, draws) if dropout else keep
    times = -(-LEAST_UPDATES * BATCH // max(len(inputs), BATCH))
    for _ in range(max(1, min(MOST_EPOCHS, MOST_POSITIONS // (times * len(preferences))))):
        order = torch.cat([torch.randperm(len(inputs), generator=draws) for _ in range(times)])
        for part in torch.split(order, BATCH):
            drawn = None
            if preferences.n_items > ALL_ITEMS:
                drawn = torch.randint(preferences.n_items, (DRAWN_ITEMS,), generator=draws)
            optimiser.zero_grad()
            next_item_loss(model, inputs[part], following[part], drawn, drop).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        yield model


def fit_sequences(
    dataset: Dataset, build: Callable[[torch.Generator], nn.Module], dropouts: Sequence[float], generator: np.random.Generator
) -> dict[str, Tensor]:
    """The parameters of the best model, and the `histories` of the world's users, (n_users, LENGTH) int32."""
    preferences = Preferences.of(dataset.log)
    split = Split.last(preferences, generator)
    seed = int(generator.integers(2**63))

    def rows(model: SequenceModel, pairs: Preferences) -> Rows:
        histories = Histories(pairs, np.random.default_rng(seed))

        def scores(users: Tensor) -> Tensor:
            with torch.no_grad():
                return model.scores(histories.latest(users))

        return scores

    model = fit_best(preferences, dropouts, lambda pairs, dropout: epochs(pairs, build, dropout, seed), rows, split)
    histories = Histories(preferences, np.random.default_rng(seed)).latest(torch.from_numpy(dataset.world.users))
    return {**{f"model.{name}": tensor for name, tensor in model.state_dict().items()}, "histories": histories.int()}


class SequenceScorer(Scorer):
    """Continues a user's history with the liked items of the episode, and scores the next item."""

    lookback = WHOLE_EPISODE

    def __init__(self, model: SequenceModel, histories: Tensor, items: Tensor, liked_from: float) -> None:
        """
        Args:
            model: the sequence model.
            histories: (n_users, LENGTH) of the world's users.
            items: (n_items,) the world's items, as indices into the log's vocabulary.
            liked_from: the smallest normalised reward in the window at which an item of the episode counts as liked.
        """
        self._model, self._histories, self._liked_from = model, histories, liked_from
        absent = torch.full((OUTSIDE,), absent_item(model.n_items), device=items.device)
        self._columns = torch.cat([items, absent])
        with torch.no_grad():
            self._vectors, self._biases = model.vectors[items].T.contiguous(), model.biases[items]

    @torch.no_grad()
    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        liked = window.rewards >= self._liked_from
        absent = absent_item(self._model.n_items)
        episode = torch.where(liked, self._columns[window.items], absent)
        whole = torch.cat([self._histories[users].long(), episode], dim=1)
        # Absent positions move to the front, the others keep their order.
        order = (whole != absent).sort(dim=1, stable=True).indices
        states = self._model.newest(whole.gather(1, order)[:, -LENGTH:])
        return mask_logits(torch.addmm(self._biases, states, self._vectors), blocked)


def sequence_scorer(learned: Learned, played: Played, build: Callable[[torch.Generator], nn.Module]) -> SequenceScorer:
    """The scorer for the parameters that `fit_sequences` learned."""
    draws = torch.Generator().manual_seed(0)  # all drawn weights are replaced
    model = SequenceModel(played.dataset.log.n_items, build(draws), draws)
    parameters = {name.removeprefix("model."): tensor for name, tensor in learned.items() if name.startswith("model.")}
    model.load_state_dict(parameters)
    model.to(played.device).eval()
    low, high = played.seen_range
    liked_from = (episode_threshold(played.dataset.log, played.seen_range) - low) / (high - low)
    items = torch.from_numpy(played.dataset.world.items).to(played.device)
    return SequenceScorer(model, learned["histories"].to(played.device), items, liked_from)


def episode_threshold(log: InteractionLog, seen_range: tuple[float, float]) -> float:
    """The smallest reward of a liked item of an episode: the log's threshold, or the middle of the range if rewards carry
    no information.
    """
    return sum(seen_range) / 2 if is_implicit(log) else liking_threshold(log)


def sequence_unfit(dataset: Dataset) -> str:
    """The reason if the data set is too large, else an empty string."""
    if reason := nothing_liked(dataset.log):
        return reason
    log = dataset.log
    if log.n_items > MOST_ITEMS or len(log) > MOST_LIKED:
        return (
            f"the log has {len(log):,} rows and {log.n_items:,} items; a sequence model is trained on at most "
            f"{MOST_LIKED:,} and {MOST_ITEMS:,}"
        )
    return ""
