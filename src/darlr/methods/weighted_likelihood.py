"""Weighted log-likelihood or reward-weighted regression (Peters and Schaal, ICML 2007): imitates the log, weighted by returns.

    loss = -w(R) log pi(a | s),  R = r_t + gamma r_(t+1) + gamma^2 r_(t+2) + ... to the episode's end

w(R) is R, or exp(R / beta) cut to at most `bound`. The log's rewards are normalised to 0..1 by the range that it declares.
A weight is therefore never negative, and with w(R) = R the worst answer teaches nothing. With gamma = 0, R is the reward
alone.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from darlr.agents.networks.trackers import StateTracker
from darlr.agents.offline.policy import Batch, Moments, OfflinePolicy, without_blocked
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.config.constraints import Section, Setting
from darlr.methods.method import NO_PENALTIES
from darlr.methods.offline import RETURN_SPACE, TO_THE_END, Offline, offline_settings


@dataclass(frozen=True)
class WeightedLikelihoodConfig(Section):
    """Settings of weighted log-likelihood."""

    KEY: ClassVar[str] = "weighted_likelihood"

    weighting: Annotated[Literal["linear", "exp"], Setting("how a logged step is weighted by its return")] = "linear"
    beta: Annotated[float, Setting("temperature of 'exp', in normalised rewards", above=0, at_most=1e6)] = 0.5
    bound: Annotated[float, Setting("greatest weight of 'exp'", above=0, at_most=1e6)] = 100.0


class WeightedLikelihood(OfflinePolicy):
    """An actor that imitates well received items and samples its recommendations."""

    deterministic = False
    normalised = True

    def __init__(
        self,
        config: PolicyConfig,
        tracker: StateTracker,
        n_items: int,
        settings: WeightedLikelihoodConfig,
        generator: torch.Generator,
    ) -> None:
        super().__init__(config, tracker, n_items, {"actor": n_items}, generator)
        self._settings = settings

    def scores(self, moments: Moments) -> Tensor:
        return without_blocked(self.heads["actor"](self.hidden(moments)), moments.blocking)

    def losses(self, batch: Batch, target: OfflinePolicy) -> tuple[Tensor, dict[str, Tensor]]:
        loss = weighted_loss(self.scores(batch.now), batch.items, weights(batch.returns, self._settings))
        return loss, {"likelihood": loss}


def weights(returns: Tensor, settings: WeightedLikelihoodConfig) -> Tensor:
    """w(R) of the `returns` (B,), (B,)."""
    if settings.weighting == "linear":
        return returns
    return (returns / settings.beta).exp().clamp(max=settings.bound)


def weighted_loss(scores: Tensor, items: Tensor, weight: Tensor) -> Tensor:
    """The mean (scalar) of -w log pi(a | s).

    Args:
        scores: (B, n_items) logits, -inf where blocked.
        items: (B,) the logged items, none of which is blocked.
        weight: (B,) w.
    """
    return -(weight * scores.log_softmax(dim=1).gather(1, items[:, None]).squeeze(1)).mean()


WEIGHTED_LIKELIHOOD = Offline(
    name="weighted-likelihood",
    summary="imitation of the log, each step weighted by its return",
    source="Peters and Schaal, ICML 2007",
    page="weighted-likelihood.md",
    fixed={"offline.n_step": TO_THE_END, **NO_PENALTIES},
    published=offline_settings({"offline": {"discount": 0.0}}),
    space={
        **RETURN_SPACE,
        "weighted_likelihood.weighting": ["linear", "exp"],
        "weighted_likelihood.beta": {"low": 0.1, "high": 10, "log": True},
    },
    reads=(OfflineConfig, WeightedLikelihoodConfig),
    kind=WeightedLikelihood,
    build=lambda kind, config, tracker, n_items, generator: kind(
        config.policy, tracker, n_items, config.own(WeightedLikelihoodConfig), generator
    ),
)
