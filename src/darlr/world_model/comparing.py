"""A choice between world models: DeepFM and the factor model are fitted on the same rows and judged on the same held-out
ones.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import InputError
from darlr.seeding import numpy_generator, torch_generator
from darlr.world_model.factors.choosing import fit_factors
from darlr.world_model.factors.held_out import Fold
from darlr.world_model.factors.settings import FactorSettings
from darlr.world_model.fitting import fit_world_model
from darlr.world_model.ranking import pairwise_accuracy
from darlr.world_model.settings import WorldModelConfig

MOST_ROWS = 60_000
"""The largest number of rows to compare on; in a larger log, users are drawn at random."""


@dataclass(frozen=True)
class Comparison:
    """How well both models rank held-out log rows.

    Attributes:
        deepfm, factors: share of users' pairs of held-out rows in the right order (0.5 is chance); None if there are no
            such pairs.
        rows: number of rows that were fitted or judged.
    """

    deepfm: float | None
    factors: float | None
    rows: int

    @property
    def kind(self) -> Literal["deepfm", "factors"]:
        """The better kind; if both rank equally well, the factor model, which is fitted sooner."""
        return "deepfm" if (self.deepfm or 0.5) > (self.factors or 0.5) else "factors"

    @property
    def reason(self) -> str:
        """One line of explanation."""
        if self.deepfm is None or self.factors is None:
            return f"{self.kind}: no user has two held-out rows with different rewards, and it is fitted sooner"
        return (
            f"{self.kind}: of users' pairs of held-out rows, factors orders {self.factors:.4f} rightly, "
            f"and deepfm with one member {self.deepfm:.4f} ({self.rows} rows of the log compared)"
        )


def compare(dataset: Dataset, config: WorldModelConfig, factors: FactorSettings, seed: int, device: torch.device) -> Comparison:
    """Fit one member of the ensemble and the factor model on rows of the log, and judge both on the same other rows.

    Raises:
        InputError: if the log is too small to hold rows out.
    """
    numbers = numpy_generator(seed, "world_model", "comparing")
    part = replace(dataset, log=_part(dataset.log, numbers))
    rows = len(part.log)
    judged = max(1, round(config.held_out * rows))
    if rows - judged < 2:
        raise InputError(f"the log has {rows} rows; expected enough to hold out a share of {config.held_out:g} and still learn")
    held_out = np.zeros(rows, bool)
    held_out[numbers.choice(rows, judged, replace=False)] = True
    fold = Fold.of(part, held_out, numbers)
    training = replace(part, log=fold.training)
    # The law of selection is left out: held-out rows are selected, too.
    model, _ = fit_factors(training, factors, torch_generator(seed, "world_model", "comparing"), device, selection_exponent=0.0)
    network, _ = fit_world_model(training, replace(config, members=1), seed, device)
    users, items = (torch.from_numpy(indices).to(device) for indices in (fold.users, fold.items))
    scores = network.expected(users, items).cpu().numpy()
    deepfm = pairwise_accuracy(fold.users, fold.rewards, scores, numbers)
    return Comparison(_known(deepfm), _known(fold.ranking(model, numbers)), rows)


def _part(log: InteractionLog, generator: np.random.Generator) -> InteractionLog:
    """Return all rows of users drawn at random, `MOST_ROWS` in all; the whole log if it has no more."""
    if len(log) <= MOST_ROWS:
        return log
    order = generator.permutation(log.n_users)
    counts = np.bincount(log.users, minlength=log.n_users)
    chosen = np.zeros(log.n_users, bool)
    chosen[order[: 1 + np.searchsorted(np.cumsum(counts[order]), MOST_ROWS)]] = True
    return log.rows(chosen[log.users])


def _known(ranking: float) -> float | None:
    return None if math.isnan(ranking) else ranking
