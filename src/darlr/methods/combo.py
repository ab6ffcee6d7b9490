"""COMBO, conservative offline model-based policy optimisation (Yu et al., NeurIPS 2021), for discrete actions.

    conservative  mean over simulated s of log sum over items of exp Q(s, .)  -  mean over logged (s, a) of Q(s, a)
    value         f mean over logged of e^2 / 2  +  (1 - f) mean over simulated of e^2 / 2,  e = Q(s, a) - y
    loss          value + beta conservative                                                       (Eq. 2)
    y = r + gamma^n max over items of Q'(s', .)

Q' is the target network, f the share of logged steps. Q is kept low where the world model leads and high where the log has
been, so no uncertainty is needed. Blocked items are left out of the sum and of the maximum.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from darlr.agents.offline.logged_steps import LoggedSteps
from darlr.agents.offline.policy import Batch, without_blocked
from darlr.agents.offline.updates import TargetedUpdates
from darlr.agents.replaying.learner import Updates
from darlr.agents.replaying.policy import ExploringPolicy
from darlr.agents.settings import ReplayConfig
from darlr.config.constraints import Section, Setting
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.methods.dqn import DQN
from darlr.methods.offline import order_of_rows, replayed, require_states_of_all
from darlr.methods.parts import LearnerParts
from darlr.methods.replaying import REPLAY_SPACE, Replaying


@dataclass(frozen=True)
class COMBOConfig(Section):
    """Settings of conservative offline model-based policy optimisation."""

    KEY: ClassVar[str] = "combo"

    conservatism: Annotated[
        float, Setting("beta, weight of the conservative term (published: 0.5, 1 or 5)", at_least=0, at_most=1e6)
    ] = 0.5
    logged_share: Annotated[
        float, Setting("f, share of logged steps in the values' error; the others are simulated", at_least=0, at_most=1)
    ] = 0.5
    users: Annotated[
        Literal["all", "world"], Setting("users whose rows are replayed: all users of the log, or those of the test world")
    ] = "all"


class COMBOUpdates(TargetedUpdates[DQN]):
    """Gradient steps on simulated and on logged steps, `batch_size` of either."""

    def __init__(self, policy: DQN, logged: LoggedSteps, config: ReplayConfig, own: COMBOConfig) -> None:
        """
        Args:
            policy: is trained.
            logged: the logged steps.
            config: sizes of batches, learning rate and the like.
            own: beta and f.
        """
        super().__init__(policy, config.learning_rate, config.target_sync)
        self._logged, self._batch_size, self._own = logged, config.batch_size, own

    def losses(self, batch: Batch, generator: torch.Generator | None) -> tuple[Tensor, dict[str, Tensor]]:
        assert generator is not None
        logged = self._logged.batch(self._logged.draw(self._batch_size, generator))
        hidden = self.policy.hidden(batch.now)
        recorded = self.policy.value_of(self.policy.hidden(logged.now), logged.items)
        parts = combo_losses(
            without_blocked(self.policy.values(hidden), batch.now.blocking),
            self.policy.value_of(hidden, batch.items) - self._targets(batch),
            recorded,
            recorded - self._targets(logged),
            self._own.logged_share,
        )
        return parts["value"] + self._own.conservatism * parts["conservative"], parts

    @torch.no_grad()
    def _targets(self, batch: Batch) -> Tensor:
        """y, (B,)."""
        return batch.returns + batch.discounts * self.policy.following(batch.after, self.target)


def combo_losses(
    values: Tensor, errors: Tensor, logged_values: Tensor, logged_errors: Tensor, logged_share: float
) -> dict[str, Tensor]:
    """The terms of the loss by name, unweighted (scalars).

    Args:
        values: (B, n_items) Q of simulated states, -inf where blocked.
        errors: (B,) Q(s, a) - y of simulated steps.
        logged_values: (L,) Q(s, a) of logged steps.
        logged_errors: (L,) Q(s, a) - y of logged steps.
        logged_share: f.
    """
    recorded, played = logged_errors.square().mean() / 2, errors.square().mean() / 2
    return {
        "value": logged_share * recorded + (1 - logged_share) * played,
        "conservative": values.logsumexp(dim=1).mean() - logged_values.mean(),
    }


@dataclass(frozen=True, kw_only=True)
class _COMBOMethod(Replaying):
    def updates(self, parts: LearnerParts, policy: ExploringPolicy) -> Updates:
        assert isinstance(policy, DQN)
        config = parts.config
        own, learning = config.own(COMBOConfig), config.own(ReplayConfig)
        logged = LoggedSteps(
            replayed(parts, everybody=own.users == "all"),
            policy.lookback,
            learning.n_step,
            learning.discount,
            config.training.allow_repeats,
        )
        return COMBOUpdates(policy, logged, learning, own)

    def check(self, config: ExperimentConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        require_states_of_all(config, dataset, "combo.users", config.own(COMBOConfig).users == "all")

    def notices(self, config: ExperimentConfig, dataset: Dataset) -> list[str]:
        return [*super().notices(config, dataset), *order_of_rows(config, dataset)]

    def outputs(self, config: ExperimentConfig) -> int:
        return 2  # the logged half of a batch costs about as much as the simulated one


COMBO = _COMBOMethod(
    name="combo",
    summary="Q-learning on simulated and logged steps that keeps values low where the world model leads",
    source="Yu et al., NeurIPS 2021",
    page="combo.md",
    reads=(ReplayConfig, COMBOConfig),
    space={
        **REPLAY_SPACE,
        "combo.conservatism": {"low": 0.05, "high": 5, "log": True},
        "combo.logged_share": [0.25, 0.5, 0.75],
    },
    build=lambda config, tracker, n_items, generator: DQN(config.policy, tracker, n_items, generator),
)
