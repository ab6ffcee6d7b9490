"""The training loop of one fit: the schedule of the step size, early stopping, and continuing a stopped fit.

An epoch runs in rounds of at least `PAIRS_OF_A_ROUND` pairs. After each round, a monitor may be told and a checkpoint
written. Each round has its own random stream, so a continued fit needs no generator's state.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from darlr.artifacts.schema import Keys, Shape, require, require_tensors, whole
from darlr.errors import InputError, RunError
from darlr.seeding import torch_generator
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import BLOCK
from darlr.world_model.losses import NegativeSampler, gaussian_loss
from darlr.world_model.model import Scale
from darlr.world_model.row_adam import RowAdam
from darlr.world_model.rows import Rows
from darlr.world_model.settings import WorldModelConfig

PAIRS_OF_A_ROUND = 100_000
"""The least number of pairs (rows and negatives) that each member learns from in a round, which takes some seconds."""

OF_MEMBERS = {"best_losses": torch.float32, "best_epochs": torch.int64}
"""Tensors of a checkpoint with one entry for each member."""

WARM_UP = 0.1
"""The share of a fit's steps in which the step size rises to its peak."""


class FitMonitor(Protocol):
    """Is told about a fit's progress; `epochs` is the largest possible number of epochs."""

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        """Called when `share` of the epoch's training rows is done; never for an epoch of a single round."""

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        """Called after an epoch; `loss` is the held-out loss, mean over members, or the training loss if nothing is held
        out.
        """


class FitCheckpoint(Protocol):
    """Stores the state of an unfinished fit; `str()` of it names the place."""

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and plain values of the last `save`, by this process or another; None if there are none."""

    def due(self) -> bool:
        """Return whether enough time has passed to save the state."""

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace the stored state."""


def one_cycle(done: float) -> float:
    """Return the step size as a share of its peak, after a share `done` of the steps: it rises linearly until `WARM_UP`,
    then falls to 0.
    """
    return done / WARM_UP if done < WARM_UP else (1 - done) / (1 - WARM_UP)


class Trainer:
    """The state of one fit: network, optimiser, and each member's best weights so far.

    Attributes:
        epoch: number of finished epochs.
        best_losses, best_epochs: (M,) each member's best held-out loss, and the epoch after which it was measured.
    """

    def __init__(
        self,
        network: DeepFMEnsemble,
        rows: Rows,
        sampler: NegativeSampler | None,
        config: WorldModelConfig,
        scale: Scale,
        negative: float,
        seed: int,
        monitor: FitMonitor | None,
        checkpoint: FitCheckpoint | None,
        own: slice = slice(None),
    ) -> None:
        """
        Args:
            network: the network of the members `own`.
            rows: the rows of all members.
            sampler: draws negatives; None: there are none.
            config: resolved, so that batch size and epochs are numbers.
            scale: standardises rewards.
            negative: the reward of negatives.
            seed: the seed of all random numbers.
            monitor: is told about progress.
            checkpoint: stores the state.
            own: the members that are trained here. The draws for a member do not depend on where the others are trained.
        """
        self.own, self.scale = own, scale
        self.network, self.rows, self.sampler, self.config = network, rows, sampler, config
        self.seed, self.monitor, self.checkpoint = seed, monitor, checkpoint
        self.device = rows.users.device
        self.negative = float(scale.standardise(np.full(1, negative, np.float32))[0])
        self.parameters = list(network.parameters())
        network.sparse_gradient = config.table_updates == "batch"
        adam: Callable[..., torch.optim.Optimizer] = (
            RowAdam if network.sparse_gradient else partial(torch.optim.Adam, fused=True)
        )
        self.optimiser = adam(self.parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        # Drawn once, so that epochs are compared on the same rows.
        users, items, targets, weights = self._with_negatives(torch.stack(rows.held_out[own]), self._stream("held_out"))
        self.held_pairs = users.int(), items.int(), targets, weights
        self.epoch = self._rounds_done = 0
        self.best_losses = torch.full((network.members,), float("inf"), device=self.device)
        self.best_epochs = torch.zeros(network.members, dtype=torch.long, device=self.device)
        self._best = [parameter.detach().clone() for parameter in self.parameters]
        self._restore()

    def run(self, advance: "Callable[[Trainer], Tensor] | None" = None) -> None:
        """Train until all epochs are done, or every member has had `patience` epochs without a better loss; keep the best
        weights.

        Args:
            advance: does an epoch on other machines and returns the held-out losses (M,). None: `advance` of this object
                does it.
        """
        while self.epoch < self.config.max_epochs and not self._stopped():
            losses = self.advance() if advance is None else advance(self)
            self._save_if_due()
            if self.monitor is not None:
                self.monitor.fitted(self.epoch, self.config.max_epochs, float(losses.mean()))
        with torch.no_grad():
            for best, parameter in zip(self._best, self.parameters, strict=True):
                parameter.copy_(best)

    def advance(self) -> Tensor:
        """Do an epoch, or the rest of it; returns each member's held-out loss, (M,).

        Raises:
            RunError: if a loss is not finite.
        """
        self._train_epoch(self.epoch + 1)
        self.epoch, self._rounds_done = self.epoch + 1, 0
        losses = self._held_out_losses()
        if not torch.isfinite(losses).all():
            raise RunError(f"world model, epoch {self.epoch}: the held-out loss is {losses.tolist()}; stopped")
        better = losses < self.best_losses
        self.best_losses = torch.where(better, losses, self.best_losses)
        self.best_epochs[better] = self.epoch
        for best, parameter in zip(self._best, self.parameters, strict=True):
            best[better] = parameter.detach()[better]
        return losses

    @torch.no_grad()
    def held_out_predictions(self) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of `held_pairs`, (M, n) each."""
        users, items, *_ = self.held_pairs
        blocks = zip(torch.split(users, BLOCK, 1), torch.split(items, BLOCK, 1), strict=True)
        parts = [self.network.pairs(own_users.long(), own_items.long()) for own_users, own_items in blocks]
        mean, log_variance = (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
        return mean, log_variance

    def _stopped(self) -> bool:
        return bool((self.epoch - self.best_epochs >= self.config.patience).all())

    def _stream(self, *names: str) -> torch.Generator:
        return torch_generator(self.seed, "world_model", "fit", *names, device=self.device)

    def _train_epoch(self, epoch: int) -> None:
        """Run the remaining rounds of the epoch."""
        batch, rows = self.rows.epoch(self._stream(str(epoch)), self.own), self.rows.n_training
        pairs_of_a_row = 1 + (self.config.negatives_per_row if self.sampler else 0)
        size = min(self.config.batch_size, rows)
        steps = -(-rows // size)
        length = -(-PAIRS_OF_A_ROUND // (size * pairs_of_a_row))
        for first in range(self._rounds_done * length, steps, length):
            generator = self._stream(str(epoch), str(self._rounds_done))
            for step in range(first, min(first + length, steps)):
                done = ((epoch - 1) * steps + step + 0.5) / (self.config.max_epochs * steps)
                self._step(batch(step * size, (step + 1) * size), done, generator)
            self._rounds_done += 1
            done = min((first + length) * size, rows)
            if done < rows:  # at an epoch's end the checkpoint also needs the held-out loss
                self._save_if_due()
            if self.monitor is not None and (done - first * size) * pairs_of_a_row >= PAIRS_OF_A_ROUND:
                self.monitor.fitting(epoch, self.config.max_epochs, done / rows)

    def _step(self, chosen: Tensor, done: float, generator: torch.Generator) -> None:
        if self.config.schedule == "one_cycle":
            self.optimiser.param_groups[0]["lr"] = self.config.learning_rate * one_cycle(done)
        users, items, targets, weights = self._with_negatives(chosen, generator)
        mean, log_variance = self.network.pairs(users, items)
        # A sum over members, whose weights are separate, gives each member its own gradient.
        loss = self._losses(mean, log_variance, targets, weights).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def _with_negatives(self, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return users, items, targets and weights of the chosen rows (M, B), followed by K negatives of weight 1 for each."""
        users, items, targets = self.rows.users[chosen].long(), self.rows.items[chosen].long(), self.rows.targets[chosen]
        weights = self.rows.weights[chosen]
        if self.sampler is not None:
            width = chosen.shape[1] * self.config.negatives_per_row
            shape = len(chosen), width
            negative_users, negative_items = self.sampler.draw((len(self.rows.training), width), generator, self.own)
            users, items = torch.cat([users, negative_users], 1), torch.cat([items, negative_items], 1)
            targets = torch.cat([targets, targets.new_full(shape, self.negative)], 1)
            weights = torch.cat([weights, weights.new_ones(shape)], 1)
        return users, items, targets, weights

    def _held_out_losses(self) -> Tensor:
        """Return (M,) the mean loss of each member's held-out rows."""
        return self._losses(*self.held_out_predictions(), *self.held_pairs[2:])

    def _losses(self, mean: Tensor, log_variance: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return (M,) each member's mean loss over pairs (M, B)."""
        gaussian = self.config.error == "gaussian"
        losses = gaussian_loss(mean, log_variance, targets) if gaussian else (mean - targets).square()
        return (losses * weights).mean(dim=1)

    def _save_if_due(self) -> None:
        if self.checkpoint is None or not self.checkpoint.due():
            return
        self.checkpoint.save(*self.state())

    def state(self) -> tuple[dict[str, Tensor], dict[str, int]]:
        """Return the state of training as tensors and numbers; in every tensor but Adam's counts, members are the first
        dimension.
        """
        moments = self.optimiser.state_dict()["state"]
        tensors = {"best_losses": self.best_losses, "best_epochs": self.best_epochs}
        for index, (parameter, best) in enumerate(zip(self.parameters, self._best, strict=True)):
            tensors |= {f"weights.{index}": parameter.detach(), f"best.{index}": best}
            tensors |= {f"adam.{index}.{name}": tensor for name, tensor in moments.get(index, {}).items()}
        return tensors, {"epoch": self.epoch, "rounds": self._rounds_done}

    @torch.no_grad()
    def go_on(self, tensors: Mapping[str, Tensor], state: Mapping[str, int]) -> None:
        """Continue from a result of `state`, before the first step or after one."""
        self.epoch, self._rounds_done = state["epoch"], state["rounds"]
        self.best_losses.copy_(tensors["best_losses"])
        self.best_epochs.copy_(tensors["best_epochs"])
        for index, (parameter, best) in enumerate(zip(self.parameters, self._best, strict=True)):
            parameter.copy_(tensors[f"weights.{index}"])
            best.copy_(tensors[f"best.{index}"])
        moments = {
            index: {name: tensors[f"adam.{index}.{name}"].clone() for name in ("step", "exp_avg", "exp_avg_sq")}
            for index in range(len(self.parameters))
            if f"adam.{index}.step" in tensors
        }
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})

    def _restore(self) -> None:
        """Continue from the checkpoint, if there is one."""
        saved = self.checkpoint.load() if self.checkpoint is not None else None
        if saved is None:
            return
        tensors, state = saved
        try:
            self._require_own(tensors, state)
        except InputError as error:
            raise InputError(f"{self.checkpoint}: {error}; delete it to begin the fit again") from error
        self.go_on(tensors, state)

    def _require_own(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Raise `InputError` unless a checkpoint has the shapes of this fit."""
        require(state, Keys({"epoch": whole(), "rounds": whole()}), "its state")
        shapes: dict[str, Shape] = {name: (kind, [self.network.members]) for name, kind in OF_MEMBERS.items()}
        for index, parameter in enumerate(self.parameters):
            same = parameter.dtype, list(parameter.shape)
            shapes |= {f"{name}.{index}": same for name in ("weights", "best")}
            shapes |= {f"adam.{index}.{name}": same for name in ("exp_avg", "exp_avg_sq")}
            shapes[f"adam.{index}.step"] = (torch.float32, [])
        # Before the end of the first epoch, the losses are infinite.
        known = {name: tensor.nan_to_num(nan=math.nan, posinf=0.0) for name, tensor in tensors.items() if name == "best_losses"}
        require_tensors({**tensors, **known}, shapes)
