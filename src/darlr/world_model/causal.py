"""The causal user model of CIRS (Gao et al., TOIS 42, 2023): a user's interest, and its reduction by similar items.

    e_t(u, i)  = alpha_u beta_i sum over the user's earlier rows j of exp(-(t - t_j) dist(i, j) / tau)     (overexposure)
    y(u, i, t) = interest(u, i) / (1 + e_t(u, i))                                                          (satisfaction)
    loss       = mean((y - logged reward)^2) + ranking_weight mean(-log sigmoid(interest(u, i) - interest(u, k)))
                 + sensitivity_weight (mean((alpha - 1)^2) + mean((beta - 1)^2))

alpha is the sensitivity of a user to overexposure, beta that of an item. interest is a DeepFM, and k is a random item. dist
is one over the similarity of two items by their categories. The model's estimates are interests: the rewards from users who
had not been shown similar items. If the log has no time, earlier rows are unknown, and alpha and beta stay 1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.artifacts.schema import require_tensors
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.errors import RunError
from darlr.seeding import torch_generator
from darlr.world.similarity import SharedCategories
from darlr.world_model.deepfm import DeepFMEnsemble
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.fitting import resolve_batch_size, resolve_epochs
from darlr.world_model.inputs import Inputs
from darlr.world_model.model import Scale
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import FitMonitor, one_cycle

SENSITIVITIES = ("sensitivity.users", "sensitivity.items")


@dataclass(frozen=True)
class CausalConfig(Section):
    """The causal user model (docs/methods/cirs.md)."""

    KEY: ClassVar[str] = "causal"

    tau: Annotated[
        float, Setting("tau of the log's exposure, in the log's unit of time; published: 1000", above=0, at_most=1e12)
    ] = 1000.0
    rows: Annotated[int, Setting("of a user's log before a row that count for its exposure", at_least=1, at_most=10_000)] = 50
    ranking_weight: Annotated[float, Setting("of the ranking against items at random", at_least=0, at_most=1e6)] = 1.0
    sensitivity_weight: Annotated[float, Setting("of how far alpha and beta lie from 1", at_least=0, at_most=1e6)] = 10.0


class CausalModel(EnsembleModel):
    """An ensemble of one network, which predicts interest, with sensitivities.

    Attributes:
        alpha: (U,) of the log's users.
        beta: (I,) of the log's items.
    """

    def __init__(self, network: DeepFMEnsemble, scale: Scale, alpha: Tensor, beta: Tensor) -> None:
        super().__init__(network, scale)
        self.alpha, self.beta = alpha, beta

    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors(), **dict(zip(SENSITIVITIES, (self.alpha, self.beta), strict=True))}

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor], state: Mapping[str, Any], device: torch.device) -> Self:
        """The model that `tensors()` and `state()` described, on `device`.

        Raises:
            InputError: if they do not describe a causal model.
        """
        others = {name: tensor for name, tensor in tensors.items() if name not in SENSITIVITIES}
        plain = EnsembleModel.restore(others, state, device)
        inputs = plain.network.inputs
        sizes = len(inputs.user_codes), len(inputs.item_codes)
        own = {name: tensors[name] for name in SENSITIVITIES if name in tensors}
        require_tensors(own, {name: (torch.float32, [size]) for name, size in zip(SENSITIVITIES, sizes, strict=True)})
        return cls(plain.network, plain.scale, *(own[name].to(device) for name in SENSITIVITIES))


def overexposure(similarity: Tensor, ago: Tensor, tau: float) -> Tensor:
    """The sum of exp(-ago / (similarity tau)) over each row's earlier items, (B,); dist is one over the similarity.

    Args:
        similarity: (B, L); an item with similarity 0 adds nothing.
        ago: (B, L) time since the earlier items.
        tau: in the unit of `ago`.
    """
    return torch.where(similarity > 0, torch.exp(-ago / (similarity * tau).clamp_min(1e-30)), 0.0).sum(dim=1)


def logged_exposure(log: InteractionLog, similarity: SharedCategories, tau: float, rows: int) -> Tensor:
    """The exposure (n,) of each row of the log to the user's last `rows` rows before it, with alpha and beta of 1.

    Rows of the same time follow each other after one unit of time, as in the authors' code.
    """
    found = torch.zeros(len(log))
    if log.times is None:
        return found
    order = np.lexsort((log.times, log.users))
    users, items, times = (torch.from_numpy(column[order]) for column in (log.users, log.items, log.times))
    exposed = torch.zeros(len(log))
    for back in range(1, min(rows, len(log) - 1) + 1):
        same = users[back:] == users[:-back]
        if not bool(same.any()):
            break
        now, before = items[back:][same].long(), items[:-back][same].long()
        ago = (times[back:] - times[:-back])[same].to(torch.float32)
        ago = torch.where(ago == 0, 1.0, ago)[:, None]
        exposed[back:][same] += overexposure(similarity.to_earlier(now, before[:, None]), ago, tau)
    found[torch.from_numpy(order)] = exposed
    return found


def causal_loss(
    interest: Tensor, unlike: Tensor, exposure: Tensor, rewards: Tensor, alpha: Tensor, beta: Tensor, config: CausalConfig
) -> Tensor:
    """The loss (scalar) of B logged rows.

    Args:
        interest, unlike: (B,) of each row's item and of a random item, in units of reward.
        exposure: (B,) by `logged_exposure`.
        rewards: (B,) as logged.
        alpha, beta: (B,) of each row's user and item.
        config: the weights of the terms.
    """
    satisfaction = interest / (1 + alpha * beta * exposure)
    ranking = -F.logsigmoid(interest - unlike).mean()
    away = (alpha - 1).square().mean() + (beta - 1).square().mean()
    return F.mse_loss(satisfaction, rewards) + config.ranking_weight * ranking + config.sensitivity_weight * away


class _Fit:
    """One fit: the network, the sensitivities, and the rows that they learn from."""

    def __init__(self, dataset: Dataset, config: WorldModelConfig, own: CausalConfig, seed: int, device: torch.device) -> None:
        log = dataset.log
        self.own, self.n_items = own, log.n_items
        self.scale = Scale.of(log.rewards, 0)
        weights = torch_generator(seed, "world_model", "weights")
        self.network = DeepFMEnsemble(Inputs.of(dataset), 1, config.embedding_size, config.hidden_sizes, weights).to(device)
        self.alpha = nn.Parameter(torch.ones(log.n_users, device=device))
        self.beta = nn.Parameter(torch.ones(log.n_items, device=device))
        similarity = SharedCategories(torch.from_numpy(dataset.items.membership()))
        exposure = logged_exposure(log, similarity, own.tau, own.rows)
        self.rows = [torch.from_numpy(column).to(device) for column in (log.users.astype(np.int64), log.items.astype(np.int64))]
        self.rewards, self.exposure = torch.from_numpy(log.rewards).to(device), exposure.to(device)
        network: dict[str, Any] = {"params": list(self.network.parameters()), "weight_decay": config.weight_decay}
        sensitivities: dict[str, Any] = {"params": [self.alpha, self.beta]}
        self.optimiser = torch.optim.Adam([network, sensitivities], lr=config.learning_rate, fused=True)

    def interest(self, users: Tensor, items: Tensor) -> Tensor:
        """(B,) in units of reward."""
        mean: Tensor = self.network(users[None], items[None])[0]
        return mean[0] * self.scale.spread + self.scale.centre

    def step(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Take one gradient step on the rows `chosen` (B,); returns its loss (scalar)."""
        users, items = (column[chosen] for column in self.rows)
        others = torch.randint(self.n_items, users.shape, generator=generator, device=users.device)
        loss = causal_loss(
            self.interest(users, items),
            self.interest(users, others),
            self.exposure[chosen],
            self.rewards[chosen],
            self.alpha[users],
            self.beta[items],
            self.own,
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.detach()

    def epoch(self, order: Tensor, size: int, rate: Callable[[int], float], generator: torch.Generator) -> float:
        """Pass once over the rows; returns the mean loss.

        Args:
            order: (n,) the order of the rows.
            size: number of rows of a step.
            rate: the step size of the epoch's k-th step.
            generator: draws the random items.
        """
        losses = []
        for number, chosen in enumerate(torch.split(order, size)):
            for group in self.optimiser.param_groups:
                group["lr"] = rate(number)
            losses.append(self.step(chosen, generator))
        return float(torch.stack(losses).mean())


def fit_causal(
    dataset: Dataset, config: ExperimentConfig, device: torch.device, monitor: FitMonitor | None
) -> tuple[CausalModel, dict[str, Any]]:
    """Fit the model on the log of `dataset`; raises `RunError` if the loss is not finite."""
    own, count = config.world_model, len(dataset.log)
    size, epochs = resolve_batch_size(own, count), resolve_epochs(own, count)
    fit = _Fit(dataset, own, config.own(CausalConfig), config.seed, device)
    steps, loss = epochs * math.ceil(count / size), math.nan
    for epoch in range(epochs):
        generator = torch_generator(config.seed, "world_model", "causal", str(epoch), device=device)
        before = epoch * math.ceil(count / size)

        def rate(number: int, before: int = before) -> float:
            return own.learning_rate * (one_cycle((before + number) / steps) if own.schedule == "one_cycle" else 1.0)

        loss = fit.epoch(torch.randperm(count, generator=generator, device=device), size, rate, generator)
        if not math.isfinite(loss):
            raise RunError(f"the causal user model's loss is {loss}; stopped")
        if monitor is not None:
            monitor.fitted(epoch + 1, epochs, loss)
    alpha, beta = fit.alpha.detach(), fit.beta.detach()
    report = {"epochs": epochs, "loss": loss, "exposure": float(fit.exposure.mean()), "alpha": float(alpha.mean())}
    return CausalModel(fit.network, fit.scale, alpha, beta), {**report, "beta": float(beta.mean())}
