"""The fit of the ensemble: all members together, each on its own rows, order and negatives, with early stopping.

Every member holds out a different fold of the log. So the ensemble as a whole has read all of the log, and each member's
skill is measured on rows that it never saw. A member keeps the weights of the epoch that predicted its held-out rows best.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from darlr.cluster.workers import HERE, Workers
from darlr.data.dataset import Dataset
from darlr.errors import InputError
from darlr.seeding import numpy_generator, torch_generator
from darlr.world_model.continuing import Former
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.inputs import Inputs, former_rows
from darlr.world_model.losses import NegativeSampler
from darlr.world_model.model import Scale
from darlr.world_model.ranking import pairwise_accuracy
from darlr.world_model.rows import Rows
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import FitCheckpoint, FitMonitor, Trainer

BATCHES_AN_EPOCH = 512
AUTO_BATCH_SIZES = (256, 8_192)
MOST_EPOCHS, EPOCHS_OF_ONE_PAIR = 20, 1_600
"""The epochs of a fit fall with the square root of its pairs: 19 on Coat, 8 on the built-in world, 1 for a million pairs."""


@dataclass(frozen=True)
class FitReport:
    """Figures about the fit.

    Attributes:
        epochs: number of epochs until every member had stopped.
        best_epochs: for each member, the epoch whose weights were kept.
        held_out_loss: mean loss of the members' held-out rows, in standardised units; None if nothing is held out.
        held_out_ranking: share of users' pairs of held-out rows in the right order, mean over members (0.5 is chance); from
            a random sample if there are many pairs. None if no user has two held-out rows with different rewards.
    """

    epochs: int
    best_epochs: tuple[int, ...]
    held_out_loss: float | None
    held_out_ranking: float | None


def resolve_loss(config: WorldModelConfig, dataset: Dataset) -> str:
    """Resolve `auto`: a log of ratings is fitted alone, and a log of positives needs negatives.

    Negatives are pairs outside the log, which are assumed to have the smallest reward that a user can give.

    Raises:
        InputError: if all rewards are equal, so that there is nothing to learn.
    """
    log = dataset.log
    constant = float(log.rewards.min()) == float(log.rewards.max())
    if constant and float(log.rewards.min()) == log.reward_range[0]:
        raise InputError(
            f"every logged reward is {log.reward_range[0]:g}, the smallest that a user can give, like pairs without a row, "
            "so there is nothing to learn; expected a smaller 'minimum' of the rewards, or larger rewards"
        )
    if config.loss == "auto":
        return "negatives" if log.positive_only or constant else "logged"
    if config.loss == "logged" and constant:
        raise InputError(
            "config key 'world_model.loss' is 'logged', but every logged reward is the same, so there is nothing to learn; "
            "expected 'negatives'"
        )
    return config.loss


def unlogged_reward(config: WorldModelConfig, dataset: Dataset) -> float | None:
    """Return the reward assumed for pairs outside the log, which is the smallest one; None if they are not learned from."""
    return dataset.log.reward_range[0] if resolve_loss(config, dataset) == "negatives" else None


def resolve_batch_size(config: WorldModelConfig, rows: int) -> int:
    """Return `batch_size`; if that is 0, the power of two nearest to 1/512 of the log's rows, from 256 to 8,192.

    In a small batch the overhead of a step outweighs its rows, so a large log gets larger batches instead of more steps.
    """
    if config.batch_size:
        return config.batch_size
    low, high = AUTO_BATCH_SIZES
    return int(min(max(2 ** round(math.log2(rows / BATCHES_AN_EPOCH)), low), high))


def resolve_epochs(config: WorldModelConfig, pairs: int) -> int:
    """Return `max_epochs`; if that is 0, a number that falls with the `pairs` (rows and negatives) of a member's epoch.

    A large log is learned in one pass.
    """
    return config.max_epochs or min(max(round(EPOCHS_OF_ONE_PAIR / math.sqrt(pairs)), 1), MOST_EPOCHS)


def resolve_fit(config: WorldModelConfig, dataset: Dataset) -> WorldModelConfig:
    """Return the settings with the numbers that depend on the log.

    Raises:
        InputError: for a log that cannot be learned from.
    """
    rows = len(dataset.log)
    held_out_rows(config, rows)
    pairs = rows * (1 + _negatives_per_row(config, dataset))
    return replace(config, batch_size=resolve_batch_size(config, rows), max_epochs=resolve_epochs(config, pairs))


def _negatives_per_row(config: WorldModelConfig, dataset: Dataset) -> int:
    return config.negatives_per_row if resolve_loss(config, dataset) == "negatives" else 0


def held_out_rows(config: WorldModelConfig, rows: int) -> int:
    """Return the number of rows that each member holds out.

    Raises:
        InputError: if no row would be left to learn from.
    """
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
    checkpoint: FitCheckpoint | None = None,
    former: Former | None = None,
    workers: Workers = HERE,
) -> tuple[EnsembleModel, FitReport]:
    """Fit the ensemble on the log of `dataset`, or continue a stopped fit with the same arguments from `checkpoint`.

    Args:
        dataset: the data to learn from.
        config: the settings.
        seed: the seed of all random numbers.
        device: the device that computes.
        monitor: is told about progress.
        checkpoint: the state of a stopped fit, which is kept up to date.
        former: an ensemble of a former log, whose weights the fit starts from.
        workers: the machines that train the members, if `config.members_apart`.

    Raises:
        InputError: if the log is too small to hold rows out, or the loss cannot learn from it (`resolve` checks first).
        RunError: if the loss becomes NaN or infinite.
    """
    config = resolve_fit(config, dataset)
    trainer = trainer_of(dataset, config, seed, device, monitor, checkpoint, former)
    trainer.run(MembersApart(workers, Task(dataset, config, seed)) if config.members_apart else None)
    ranking = _held_out_ranking(trainer, dataset, numpy_generator(seed, "world_model", "ranking"))
    report = FitReport(trainer.epoch, tuple(trainer.best_epochs.tolist()), float(trainer.best_losses.mean()), ranking)
    return EnsembleModel(trainer.network, trainer.scale), report


def trainer_of(
    dataset: Dataset,
    config: WorldModelConfig,
    seed: int,
    device: torch.device,
    monitor: FitMonitor | None = None,
    checkpoint: FitCheckpoint | None = None,
    former: Former | None = None,
    own: slice = slice(None),
) -> Trainer:
    """Return the trainer of some members of the ensemble.

    Args:
        dataset, seed, device, monitor, checkpoint, former: see `fit_world_model`.
        config: the resolved settings.
        own: the members to train.
    """
    negatives = _negatives_per_row(config, dataset)
    least = dataset.log.reward_range[0]
    scale = Scale.of(dataset.log.rewards, negatives, least)
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
    if former is not None:
        if not isinstance(former.model, EnsembleModel):
            raise InputError(f"the run's world model is a {type(former.model).__name__}; expected an ensemble")
        network.continue_from(former.model.network, former_rows(former.places).to(device))
    if own != slice(None):
        network = network.of_members(own)
    return Trainer(network, rows, sampler, config, scale, least, seed, monitor, checkpoint, own)


@dataclass(frozen=True)
class Task:
    """The inputs of every machine that trains members: the data, the resolved settings and the seed."""

    dataset: Dataset
    config: WorldModelConfig
    seed: int


@dataclass(frozen=True)
class Members:
    """The state of the members `own`, in the form of `Trainer.state`."""

    own: slice
    tensors: Mapping[str, Tensor]
    state: Mapping[str, int]


def advance(members: Members, task: Task) -> tuple[Members, Tensor]:
    """Train the members for one more epoch; returns them, and their held-out losses (M,). The result depends on the
    arguments alone.
    """
    trainer = trainer_of(task.dataset, task.config, task.seed, torch.device("cpu"), own=members.own)
    trainer.go_on(members.tensors, members.state)
    losses = trainer.advance()
    return Members(members.own, *trainer.state()), losses


class MembersApart:
    """Does an epoch of a trainer by `workers`, each member by itself, and hands it what they have become.

    Members have nothing to tell each other but when to stop, which the trainer decides after each epoch. Vectors' ends are
    rounded otherwise than in one computation of all members, so this is a setting and not a matter of who works.
    """

    def __init__(self, workers: Workers, task: Task) -> None:
        self._workers, [self._task] = workers, workers.hold([task])

    def __call__(self, trainer: Trainer) -> Tensor:
        """Run an epoch; returns each member's held-out loss, (M,)."""
        tensors, state = trainer.state()
        places = [slice(member, member + 1) for member in range(trainer.network.members)]
        parts = [Members(own, {name: _of_members(tensor, own) for name, tensor in tensors.items()}, state) for own in places]
        done = list(self._workers.apply(advance, self._workers.hold(parts), self._task))
        known = {name: [members.tensors[name] for members, _ in done] for name in done[0][0].tensors}
        trainer.go_on({name: torch.cat(each) if each[0].ndim else each[0] for name, each in known.items()}, done[0][0].state)
        return torch.cat([losses for _, losses in done])


def _of_members(tensor: Tensor, own: slice) -> Tensor:
    """The members' part of a tensor (M, ...); a scalar count holds for all members."""
    return tensor[own] if tensor.ndim else tensor


def _held_out_ranking(trainer: Trainer, dataset: Dataset, generator: np.random.Generator) -> float | None:
    """Return the mean over members of the ranking of their held-out rows; constant rewards are ranked against their negatives.

    For many rows, a random sample of pairs is compared (`ranking.MAX_PAIRS` for each member). The result is None if no
    member holds out two rows of one user with different rewards.
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
