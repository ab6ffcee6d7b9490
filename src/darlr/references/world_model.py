"""The world model as the reference code fits it, for comparison alone (docs/reference_quirks.md; protocol section 4).

All members start from the same weights and read the same rows and negatives, each in its own order, for a fixed number of
epochs. Rewards are not standardised, nothing is held out, and the loss is a sum.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import RunError
from darlr.seeding import numpy_generator, torch_generator
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.fitting import FitReport, resolve_batch_size
from darlr.world_model.inputs import PADDING, Inputs
from darlr.world_model.losses import NegativeSampler, gaussian_loss
from darlr.world_model.model import Scale
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import FitMonitor

Pairs = NDArray[np.int64]


def fit_as_references(
    dataset: Dataset, config: WorldModelConfig, seed: int, device: torch.device, monitor: FitMonitor | None = None
) -> tuple[EnsembleModel, FitReport]:
    """Fit the ensemble for `config.max_epochs` epochs; `patience` and `held_out` have no effect.

    A batch is `batch_size` logged rows, each with one negative. An epoch reads every row `negatives_per_row` times.

    Raises:
        RunError: if the loss becomes NaN or infinite.
    """
    log, repeats = dataset.log, config.negatives_per_row
    random = numpy_generator(seed, "world_model", "negatives")
    negatives = np.concatenate([draw_negatives(log, random) for _ in range(repeats)], axis=1)
    logged = np.tile(np.stack([log.users, log.items]).astype(np.int64), repeats)
    pairs = torch.from_numpy(np.stack([logged, negatives])).to(device)  # (logged or negative, user or item, rows)
    targets = torch.from_numpy(np.tile(log.rewards, repeats)).to(device)
    weights = torch.ones_like(targets)
    if config.weighting == "inverse_count":
        weights = torch.from_numpy(np.tile(1.0 / np.bincount(log.items)[log.items], repeats).astype(np.float32)).to(device)
    draws = torch_generator(seed, "world_model", "weights")
    network = DeepFMEnsemble(Inputs.of(dataset), config.members, config.embedding_size, config.hidden_sizes, draws)
    initialise_alike(network, draws)
    network.to(device)
    # The gradient of weight_decay / 2 times the sum of all squares, as a term of the loss.
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    generator = torch_generator(seed, "world_model", "fit", device=device)
    batch_size = resolve_batch_size(config, len(log))
    for epoch in range(1, config.max_epochs + 1):
        order = torch.rand(config.members, len(targets), generator=generator, device=device).argsort(dim=1)
        total = 0.0
        for chosen in torch.split(order, batch_size, dim=1):
            both = torch.cat([pairs[0][:, chosen], pairs[1][:, chosen]], dim=2)  # (user or item, M, 2B)
            target = torch.cat([targets[chosen], torch.zeros_like(targets[chosen])], dim=1)
            weight = torch.cat([weights[chosen], torch.ones_like(weights[chosen])], dim=1)
            mean, log_variance = network(both[0], both[1])
            error = gaussian_loss(mean, log_variance, target) if config.error == "gaussian" else (mean - target).square()
            loss = (error * weight).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total += loss.item()
        loss_of_a_pair = total / (2 * order.numel())
        if not np.isfinite(loss_of_a_pair):
            raise RunError(f"world model, epoch {epoch}: the loss is {loss_of_a_pair}; stopped")
        if monitor is not None:
            monitor.fitted(epoch, config.max_epochs, loss_of_a_pair)
    report = FitReport(config.max_epochs, (config.max_epochs,) * config.members, None, None)
    return EnsembleModel(network, Scale(0.0, 1.0)), report


def draw_negatives(log: InteractionLog, random: np.random.Generator) -> Pairs:
    """Return (2, rows) a user and an item for every row of `log`: random pairs, taken in turn until one is rated lower than
    the row.

    Three times as many pairs are drawn as there are rows, but an index that wraps around too early only reaches the first
    third.
    """
    rows = len(log)
    drawn = np.stack([random.integers(size, size=NegativeSampler.TRIES * rows) for size in (log.n_users, log.n_items)])
    candidates = drawn[:, :rows]
    keys, place = np.unique(log.users.astype(np.int64) * log.n_items + log.items, return_inverse=True)
    rated = np.bincount(place, log.rewards)  # a pair that is logged twice has the sum of both ratings
    wanted = candidates[0] * log.n_items + candidates[1]
    found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    offered = np.where(keys[found] == wanted, rated[found], 0.0)
    taken: Pairs = np.array(take_in_turn(rated[place].tolist(), offered.tolist()))
    return candidates[:, taken]


def take_in_turn(values: Sequence[float], candidates: Sequence[float]) -> list[int]:
    """Return the candidate for every row: the next one below the row's value, or else the third; after the last follows the
    first.

    Args:
        values, candidates: n ratings of rows and candidates; 0 for an unrated pair.
    """
    taken, place = [], 0
    for value in values:
        for _ in range(NegativeSampler.TRIES):
            chosen, place = place, (place + 1) % len(candidates)
            if candidates[chosen] < value:
                break
        taken.append(chosen)
    return taken


@torch.no_grad()
def initialise_alike(network: DeepFMEnsemble, generator: torch.Generator) -> None:
    """Set the reference code's initial weights, the same for every member, because a member's constructor sets the seed anew.

    Embeddings and hidden weights have a standard deviation of 0.001, linear weights of 0.0001. All others are torch's defaults.
    """

    def fill(parameter: Tensor, values: Tensor) -> None:
        parameter.copy_(values.expand_as(parameter))

    def normal(shape: torch.Size, scale: float) -> Tensor:
        return torch.randn(shape, generator=generator) * scale

    def uniform(shape: torch.Size, bound: float) -> Tensor:
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)

    table = normal(network.table.shape[1:], 1e-3)
    table[:, -1] *= 0.1
    table[PADDING] = 0.0
    fill(network.table, table)
    fill(network.numeric_weight, normal(network.numeric_weight.shape[1:], 1e-4))
    for weight, bias in zip(network.weights, network.biases, strict=True):
        fill(weight, normal(weight.shape[1:], 1e-3))
        fill(bias, uniform(bias.shape[1:], weight.shape[1] ** -0.5))
    fill(network.head, uniform(network.head.shape[1:], network.head.shape[1] ** -0.5))
