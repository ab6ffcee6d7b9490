"""Fitting the ensemble: all members together, each on rows, an order and negatives of its own, with early stopping.

Every member holds out another fold of the log, so that the ensemble as a whole has read all of it, and each member's
skill is measured on rows it never saw. A member keeps the weights of the epoch that predicted its held-out rows best.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.errors import InputError, RunError
from darlr.seeding import numpy_generator, torch_generator
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import BLOCK, EnsembleModel
from darlr.world_model.inputs import Inputs
from darlr.world_model.losses import NegativeSampler, gaussian_loss
from darlr.world_model.model import Scale
from darlr.world_model.ranking import pairwise_accuracy
from darlr.world_model.rows import Rows
from darlr.world_model.settings import WorldModelConfig

BATCHES_AN_EPOCH = 512
AUTO_BATCH_SIZES = (256, 8_192)
PAIRS_BETWEEN_REPORTS = 100_000
"""How many pairs (rows, and negatives) each member learns from until a monitor is told again: some seconds' work."""


class FitMonitor(Protocol):
    """Is told how a fit gets on; `epochs` is how many there are at most."""

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        """So much of the epoch's training rows is done; never told where an epoch is done at once."""

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        """The epoch is done; `loss` is the held-out one, mean over members; where none is, that of learning."""


@dataclass(frozen=True)
class FitReport:
    """How the fit went.

    Attributes:
        epochs: epochs run until every member had stopped.
        best_epochs: per member, the epoch whose weights were kept.
        held_out_loss: mean loss of the members' held-out rows, in standardised units; None where nothing is held out.
        held_out_ranking: share of a user's held-out pairs put in the right order, mean over members (0.5 is chance); of a
            random sample where there are many. None where no user has two held-out rows with different rewards.
    """

    epochs: int
    best_epochs: tuple[int, ...]
    held_out_loss: float | None
    held_out_ranking: float | None


def resolve_loss(config: WorldModelConfig, dataset: Dataset) -> str:
    """`auto` as the loss that suits the log: ratings speak for themselves, positives need negatives beside them."""
    constant = float(dataset.log.rewards.min()) == float(dataset.log.rewards.max())
    if config.loss == "auto":
        return "negatives" if dataset.log.positive_only or constant else "logged"
    if config.loss == "logged" and constant:
        raise InputError(
            "config key 'world_model.loss' is 'logged', but every logged reward is the same, so there is nothing to learn; "
            "expected 'negatives'"
        )
    return config.loss


def resolve_batch_size(config: WorldModelConfig, rows: int) -> int:
    """`batch_size`, or where that is 0 the power of two nearest to 1/512 of the log's rows, from 256 to 8,192.

    Steps cost more than their rows where a batch is small, so large logs have larger batches rather than more steps.
    """
    if config.batch_size:
        return config.batch_size
    low, high = AUTO_BATCH_SIZES
    return int(min(max(2 ** round(math.log2(rows / BATCHES_AN_EPOCH)), low), high))


def held_out_rows(config: WorldModelConfig, rows: int) -> int:
    """How many of a log's rows each member holds out; raises `InputError` where none would be left to learn from."""
    size = max(1, round(config.held_out * rows))
    if size >= rows:
        raise InputError(f"the log has {rows} rows; expected enough to hold out a share of {config.held_out:g} and still learn")
    return size


def fit_world_model(
    dataset: Dataset,
    config: WorldModelConfig,
    seed: int,
    device: torch.device,
    monitor: FitMonitor | None = None,
) -> tuple[EnsembleModel, FitReport]:
    """Fit the ensemble on the log of `dataset`.

    Raises:
        InputError: if the log is too small to hold rows out, or the loss cannot learn from it (`resolve` asks first).
        RunError: if the loss becomes NaN or infinite.
    """
    negatives = config.negatives_per_row if resolve_loss(config, dataset) == "negatives" else 0
    generator = torch_generator(seed, "world_model", "fit", device=device)
    scale = Scale.of(dataset.log.rewards, negatives)
    held_out = held_out_rows(config, len(dataset.log))
    folds = torch_generator(seed, "world_model", "folds")
    rows = Rows.of(dataset.log, scale, config.weighting, config.members, held_out, folds, device)
    sampler = NegativeSampler(rows.users, rows.items, dataset.log.n_users, dataset.log.n_items) if negatives else None
    network = DeepFMEnsemble(
        Inputs.of(dataset),
        config.members,
        config.embedding_size,
        config.hidden_sizes,
        torch_generator(seed, "world_model", "weights"),
    ).to(device)
    trainer = _Trainer(network, rows, sampler, config, scale, generator, monitor)
    best_epochs, best_losses, epoch = trainer.run()
    model = EnsembleModel(network, scale)
    ranking = _held_out_ranking(trainer, dataset, numpy_generator(seed, "world_model", "ranking"))
    return model, FitReport(epoch, tuple(best_epochs.tolist()), float(best_losses.mean()), ranking)


class _Trainer:
    """The state of one fit: network, optimiser, and each member's best weights so far."""

    def __init__(
        self,
        network: DeepFMEnsemble,
        rows: Rows,
        sampler: NegativeSampler | None,
        config: WorldModelConfig,
        scale: Scale,
        generator: torch.Generator,
        monitor: FitMonitor | None,
    ) -> None:
        self.network, self.rows, self.sampler = network, rows, sampler
        self.config, self.generator, self.monitor = config, generator, monitor
        self.batch_size = resolve_batch_size(config, len(rows.users))
        self.zero = float(scale.standardise(np.zeros(1, np.float32))[0])
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        users, items, targets, weights = self._with_negatives(torch.stack(rows.held_out))
        # Drawn once, so that epochs are compared on the same rows.
        self.held_pairs = users.int(), items.int(), targets, weights

    def run(self) -> tuple[Tensor, Tensor, int]:
        """Train until every member has gone `patience` epochs without a better held-out loss, then restore the best."""
        members = self.network.members
        best_losses = torch.full((members,), float("inf"), device=self.rows.users.device)
        best_epochs = torch.zeros(members, dtype=torch.long, device=self.rows.users.device)
        best_weights = [parameter.detach().clone() for parameter in self.network.parameters()]
        epoch = 0
        while epoch < self.config.max_epochs:
            epoch += 1
            self._train_epoch(epoch)
            losses = self._held_out_losses()
            if not torch.isfinite(losses).all():
                raise RunError(f"world model, epoch {epoch}: the held-out loss is {losses.tolist()}; stopped")
            better = losses < best_losses
            best_losses = torch.where(better, losses, best_losses)
            best_epochs[better] = epoch
            for best, parameter in zip(best_weights, self.network.parameters(), strict=True):
                best[better] = parameter.detach()[better]
            if self.monitor is not None:
                self.monitor.fitted(epoch, self.config.max_epochs, float(losses.mean()))
            if bool((epoch - best_epochs >= self.config.patience).all()):
                break
        with torch.no_grad():
            for best, parameter in zip(best_weights, self.network.parameters(), strict=True):
                parameter.copy_(best)
        return best_epochs, best_losses, epoch

    def _with_negatives(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Users, items, targets and weights of the chosen rows (M, B), followed by K negatives for each, of weight 1."""
        users, items, targets = self.rows.users[chosen].long(), self.rows.items[chosen].long(), self.rows.targets[chosen]
        weights = self.rows.weights[chosen]
        if self.sampler is not None:
            shape = (len(chosen), chosen.shape[1] * self.config.negatives_per_row)
            negative_users, negative_items = self.sampler.draw(shape, self.generator)
            users, items = torch.cat([users, negative_users], 1), torch.cat([items, negative_items], 1)
            targets = torch.cat([targets, targets.new_full(shape, self.zero)], 1)
            weights = torch.cat([weights, weights.new_ones(shape)], 1)
        return users, items, targets, weights

    def _train_epoch(self, epoch: int) -> None:
        shuffled = self.rows.shuffled(self.generator)
        rows, told = 0, 0
        for chosen in torch.split(shuffled, self.batch_size, dim=1):
            users, items, targets, weights = self._with_negatives(chosen)
            mean, log_variance = self.network(users, items)
            # Summed over members, whose weights are separate: each has the gradient it would have alone.
            loss = self._losses(mean, log_variance, targets, weights).sum()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            rows += chosen.shape[1]
            pairs = rows * (users.shape[1] // chosen.shape[1])
            if self.monitor is not None and pairs - told >= PAIRS_BETWEEN_REPORTS:
                told = pairs
                self.monitor.fitting(epoch, self.config.max_epochs, rows / shuffled.shape[1])

    def _held_out_losses(self) -> Tensor:
        """(M,) mean loss of each member's held-out rows."""
        return self._losses(*self.held_out_predictions(), *self.held_pairs[2:])

    def _losses(self, mean: Tensor, log_variance: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """(M,) each member's mean over pairs (M, B)."""
        gaussian = self.config.error == "gaussian"
        losses = gaussian_loss(mean, log_variance, targets) if gaussian else (mean - targets).square()
        return (losses * weights).mean(dim=1)

    @torch.no_grad()
    def held_out_predictions(self) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of `held_pairs`, (M, n) each."""
        users, items, *_ = self.held_pairs
        blocks = zip(torch.split(users, BLOCK, 1), torch.split(items, BLOCK, 1), strict=True)
        parts = [self.network(own_users.long(), own_items.long()) for own_users, own_items in blocks]
        mean, log_variance = (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
        return mean, log_variance


def _held_out_ranking(trainer: _Trainer, dataset: Dataset, generator: np.random.Generator) -> float | None:
    """Mean over members of the ranking of their held-out rows; constant rewards are ranked against their negatives.

    Of users with many rows in all, a random sample of pairs is compared (`ranking.MAX_PAIRS` a member). None where no member
    holds out two rows of one user with different rewards.
    """
    users, _, targets, _ = trainer.held_pairs
    mean, _ = trainer.held_out_predictions()
    if dataset.log.rewards.min() < dataset.log.rewards.max():
        width = len(trainer.rows.held_out[0])
        users, targets, mean = users[:, :width], targets[:, :width], mean[:, :width]
    scores = [
        pairwise_accuracy(u.numpy(), y.numpy(), s.numpy(), generator)
        for u, y, s in zip(users.cpu(), targets.cpu(), mean.cpu(), strict=True)
    ]
    known = [score for score in scores if not math.isnan(score)]
    return float(np.mean(known)) if known else None
