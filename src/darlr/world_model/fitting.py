"""Fitting the ensemble: all members together, each on rows, an order and negatives of its own, with early stopping.

Every member holds out another fold of the log, so that the ensemble as a whole has read all of it, and each member's
skill is measured on rows it never saw. A member keeps the weights of the epoch that predicted its held-out rows best.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.config.schema import WorldModelConfig
from darlr.data.dataset import Dataset
from darlr.errors import InputError, RunError
from darlr.seeding import torch_generator
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.inputs import Inputs
from darlr.world_model.losses import NegativeSampler, gaussian_loss, inverse_counts
from darlr.world_model.model import BLOCK, Scale, WorldModel
from darlr.world_model.ranking import pairwise_accuracy


@dataclass(frozen=True)
class FitReport:
    """How the fit went.

    Attributes:
        epochs: epochs run until every member had stopped.
        best_epochs: per member, the epoch whose weights were kept.
        held_out_loss: mean loss of the members' held-out rows, in standardised units.
        held_out_ranking: share of a user's held-out pairs put in the right order, mean over members (0.5 is chance).
    """

    epochs: int
    best_epochs: tuple[int, ...]
    held_out_loss: float
    held_out_ranking: float


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


def held_out_rows(config: WorldModelConfig, rows: int) -> int:
    """How many of a log's rows each member holds out; raises `InputError` where none would be left to learn from."""
    size = max(1, round(config.held_out * rows))
    if size >= rows:
        raise InputError(f"the log has {rows} rows; expected enough to hold out a share of {config.held_out:g} and still learn")
    return size


@dataclass(frozen=True)
class _Rows:
    """Training targets and held-out rows, as tensors on the device; first dimension: members."""

    users: Tensor
    items: Tensor
    targets: Tensor
    weights: Tensor  # of the rows' losses, of mean 1
    training: Tensor  # (M, n_train) row indices
    held_out: Tensor  # (M, n_held) row indices


def fit_world_model(
    dataset: Dataset,
    config: WorldModelConfig,
    seed: int,
    device: torch.device,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> tuple[WorldModel, FitReport]:
    """Fit the ensemble on the log of `dataset`.

    Args:
        progress: called after every epoch with its number and the mean held-out loss.

    Raises:
        InputError: if the log is too small to hold rows out, or the loss cannot learn from it (`resolve` asks first).
        RunError: if the loss becomes NaN or infinite.
    """
    negatives = config.negatives_per_row if resolve_loss(config, dataset) == "negatives" else 0
    generator = torch_generator(seed, "world_model", "fit", device=device)
    scale = Scale.of(dataset.log.rewards, negatives)
    rows = _split(dataset, config, scale, torch_generator(seed, "world_model", "folds"), device)
    sampler = NegativeSampler(rows.users, rows.items, dataset.log.n_users, dataset.log.n_items)
    network = DeepFMEnsemble(
        Inputs.of(dataset),
        config.members,
        config.embedding_size,
        config.hidden_sizes,
        torch_generator(seed, "world_model", "weights"),
    ).to(device)
    trainer = _Trainer(network, rows, sampler, negatives, config, scale, generator)
    best_epochs, best_losses, epoch = trainer.run(progress)
    model = WorldModel(network, scale)
    ranking = _held_out_ranking(trainer, dataset)
    return model, FitReport(epoch, tuple(best_epochs.tolist()), float(best_losses.mean()), ranking)


def _split(dataset: Dataset, config: WorldModelConfig, scale: Scale, generator: torch.Generator, device: torch.device) -> _Rows:
    n, size = len(dataset.log), held_out_rows(config, len(dataset.log))
    order = torch.randperm(n, generator=generator)
    starts = (torch.arange(config.members) * size) % n
    held_out = order[(starts[:, None] + torch.arange(size)) % n]
    training = order[(starts[:, None] + torch.arange(size, n)) % n]
    targets = torch.from_numpy(scale.standardise(dataset.log.rewards))
    equal = np.ones(n, np.float32)
    weights = inverse_counts(dataset.log.items) if config.weighting == "inverse_count" else equal
    return _Rows(
        users=torch.from_numpy(dataset.log.users.astype(np.int64)).to(device),
        items=torch.from_numpy(dataset.log.items.astype(np.int64)).to(device),
        targets=targets.to(device),
        weights=torch.from_numpy(weights).to(device),
        training=training.to(device),
        held_out=held_out.to(device),
    )


class _Trainer:
    """The state of one fit: network, optimiser, and each member's best weights so far."""

    def __init__(
        self,
        network: DeepFMEnsemble,
        rows: _Rows,
        sampler: NegativeSampler,
        negatives: int,
        config: WorldModelConfig,
        scale: Scale,
        generator: torch.Generator,
    ) -> None:
        self.network, self.rows, self.sampler, self.negatives = network, rows, sampler, negatives
        self.config, self.generator = config, generator
        self.zero = float(scale.standardise(np.zeros(1, np.float32))[0])
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.held_pairs = self._with_negatives(rows.held_out)  # drawn once, so that epochs are compared on the same rows

    def run(self, progress: Callable[[int, float], None]) -> tuple[Tensor, Tensor, int]:
        """Train until every member has gone `patience` epochs without a better held-out loss, then restore the best."""
        members = self.network.members
        best_losses = torch.full((members,), float("inf"), device=self.rows.users.device)
        best_epochs = torch.zeros(members, dtype=torch.long, device=self.rows.users.device)
        best_weights = [parameter.detach().clone() for parameter in self.network.parameters()]
        epoch = 0
        while epoch < self.config.max_epochs:
            epoch += 1
            self._train_epoch()
            losses = self._held_out_losses()
            if not torch.isfinite(losses).all():
                raise RunError(f"world model, epoch {epoch}: the held-out loss is {losses.tolist()}; stopped")
            better = losses < best_losses
            best_losses = torch.where(better, losses, best_losses)
            best_epochs[better] = epoch
            for best, parameter in zip(best_weights, self.network.parameters(), strict=True):
                best[better] = parameter.detach()[better]
            progress(epoch, float(losses.mean()))
            if bool((epoch - best_epochs >= self.config.patience).all()):
                break
        with torch.no_grad():
            for best, parameter in zip(best_weights, self.network.parameters(), strict=True):
                parameter.copy_(best)
        return best_epochs, best_losses, epoch

    def _with_negatives(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Users, items, targets and weights of the chosen rows (M, B), followed by K negatives for each, of weight 1."""
        users, items, targets = self.rows.users[chosen], self.rows.items[chosen], self.rows.targets[chosen]
        weights = self.rows.weights[chosen]
        if self.negatives:
            shape = (len(chosen), chosen.shape[1] * self.negatives)
            negative_users, negative_items = self.sampler.draw(shape, self.generator)
            users, items = torch.cat([users, negative_users], 1), torch.cat([items, negative_items], 1)
            targets = torch.cat([targets, targets.new_full(shape, self.zero)], 1)
            weights = torch.cat([weights, weights.new_ones(shape)], 1)
        return users, items, targets, weights

    def _train_epoch(self) -> None:
        training = self.rows.training
        order = torch.rand(training.shape, generator=self.generator, device=training.device).argsort(dim=1)
        shuffled = training.gather(1, order)
        for chosen in torch.split(shuffled, self.config.batch_size, dim=1):
            users, items, targets, weights = self._with_negatives(chosen)
            mean, log_variance = self.network(users, items)
            # Summed over members, whose weights are separate: each has the gradient it would have alone.
            loss = self._losses(mean, log_variance, targets, weights).sum()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()

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
        parts = [self.network(*part) for part in zip(torch.split(users, BLOCK, 1), torch.split(items, BLOCK, 1), strict=True)]
        mean, log_variance = (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
        return mean, log_variance


def _held_out_ranking(trainer: _Trainer, dataset: Dataset) -> float:
    """Mean over members of the ranking of their held-out rows; constant rewards are ranked against their negatives."""
    users, _, targets, _ = trainer.held_pairs
    mean, _ = trainer.held_out_predictions()
    if len(np.unique(dataset.log.rewards)) > 1:
        width = trainer.rows.held_out.shape[1]
        users, targets, mean = users[:, :width], targets[:, :width], mean[:, :width]
    scores = [
        pairwise_accuracy(u.numpy(), y.numpy(), s.numpy())
        for u, y, s in zip(users.cpu(), targets.cpu(), mean.cpu(), strict=True)
    ]
    return float(np.nanmean(scores))
