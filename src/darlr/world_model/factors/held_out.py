"""Log rows that are held out of fits to compare settings: how well the order of each user's pairs is predicted."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.world_model.factors.model import FactorModel
from darlr.world_model.factors.problem import Apart, is_implicit
from darlr.world_model.ranking import pairwise_accuracy

ENOUGH_ROWS = 20_000
"""Number of judged rows at which one fold is enough; smaller logs are judged on several folds."""

TRIES = 3
"""Number of times that a negative is drawn anew if the user has it in the log."""


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and rows to judge by.

    Attributes:
        training: the log without the judged rows.
        users, items, rewards: (m,) the judged rows. Where the log holds positives alone, as many negatives follow. They
            have the same users, random items that these users lack in the log, and the lowest reward.
    """

    training: InteractionLog
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    rewards: NDArray[np.float32]

    @classmethod
    def of(cls, dataset: Dataset, held_out: NDArray[np.bool_], generator: np.random.Generator) -> "Fold":
        """Split a log by its judged rows.

        Args:
            dataset: its log is split.
            held_out: (n,) bool, True for the judged rows of the log of `dataset`.
            generator: draws negatives.
        """
        log = dataset.log
        judged = log.rows(held_out)
        users, items, rewards = judged.users.astype(np.int64), judged.items.astype(np.int64), judged.rewards
        if is_implicit(log):
            negatives = _negatives(log, users, Apart.of(dataset), generator)
            users, items = np.concatenate([users, users]), np.concatenate([items, negatives])
            rewards = np.concatenate([rewards, np.full_like(rewards, log.reward_range[0])])
        return cls(log.rows(~held_out), users, items, rewards)

    def ranking(self, model: FactorModel, generator: np.random.Generator) -> float:
        """The share of pairs of judged rows that `model` orders correctly (scalar; NaN if there are no pairs).

        A pair has the same user and different rewards.
        """
        device = model.shares.device
        users, items = torch.from_numpy(self.users).to(device), torch.from_numpy(self.items).to(device)
        scores = model.responses.expected(users, items).cpu().numpy()
        return pairwise_accuracy(self.users, self.rewards, scores, generator)


def _negatives(
    log: InteractionLog, users: NDArray[np.int64], apart: Apart, generator: np.random.Generator
) -> NDArray[np.int64]:
    """For each of `users` (m,) an item of the log that this user lacks, (m,); three tries are made.

    If pairs of the world were held apart, the items are not the world's.
    """
    offered = np.flatnonzero(np.bincount(log.items))
    outside = offered[~apart.items[offered]]
    offered = outside if len(outside) else offered
    logged = log.cells()
    drawn = generator.choice(offered, len(users))
    for _ in range(TRIES):
        pairs = users * log.n_items + drawn
        taken = logged[np.minimum(np.searchsorted(logged, pairs), len(logged) - 1)] == pairs
        drawn[taken] = generator.choice(offered, int(taken.sum()))
    return drawn


def folds(dataset: Dataset, share: float, generator: np.random.Generator) -> list[Fold]:
    """Folds of the rows of the users of the world. If the log has none of these users, all its rows are used.

    There are as many folds as it takes for `ENOUGH_ROWS` judged rows. Each judges a `share` of these rows, and no row is in
    two folds.

    Raises:
        InputError: if a fold would leave nothing to learn from.
    """
    log = dataset.log
    served = np.zeros(log.n_users, bool)
    served[dataset.world.users] = True
    candidates = np.flatnonzero(served[log.users])
    if len(candidates) == 0:
        candidates = np.arange(len(log))
    each = max(1, round(share * len(candidates)))
    if each >= len(log):
        raise InputError(f"the log has {len(log)} rows; expected enough to hold out a share of {share:g} and still learn")
    count = max(1, min(len(candidates) // each, -(-ENOUGH_ROWS // each)))
    order = generator.permutation(candidates)
    found = []
    for fold in range(count):
        held_out = np.zeros(len(log), bool)
        held_out[order[fold * each : (fold + 1) * each]] = True
        found.append(Fold.of(dataset, held_out, generator))
    return found
