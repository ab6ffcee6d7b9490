"""Gradient steps for policies with target networks, which are renewed at intervals or follow slowly."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import Tensor

from darlr.agents.learning import EpochLog, below, learned_tensors, restore_learned
from darlr.agents.offline.policy import Batch, OfflinePolicy
from darlr.artifacts.schema import require_alike

P = TypeVar("P", bound=OfflinePolicy)


class WithTarget(Generic[P]):
    """A policy in training, and its target networks.

    Attributes:
        policy: is trained, except parameters that require no gradient.
        target: the target networks, at first a copy of the policy.
        optimiser: of the policy's parameters.
        updates: number of gradient steps so far.
    """

    def __init__(self, policy: P, optimiser: torch.optim.Optimizer) -> None:
        self.policy, self.optimiser, self.updates = policy, optimiser, 0
        self.target = deepcopy(policy).requires_grad_(False)

    def tensors(self) -> dict[str, Tensor]:
        """The state of learning, by name, for a checkpoint."""
        return {
            **learned_tensors(self.policy, self.optimiser),
            **{f"target.{name}": tensor for name, tensor in self.target.state_dict().items()},
            "updates": torch.tensor(self.updates),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint."""
        restore_learned(tensors, self.policy, self.optimiser)
        require_alike(below("target.", tensors), self.target.state_dict())
        self.target.load_state_dict(below("target.", tensors))
        self.updates = int(tensors["updates"])


class TargetedUpdates(WithTarget[P]):
    """Descends a policy's losses. The target is the policy as it was at the last multiple of `target_sync` updates."""

    def __init__(self, policy: P, learning_rate: float, target_sync: int) -> None:
        """
        Args:
            policy: is trained.
            learning_rate: of Adam.
            target_sync: number of updates after which the target is renewed.
        """
        learned = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        super().__init__(policy, torch.optim.Adam(learned, lr=learning_rate, fused=True))
        self._target_sync = target_sync

    def losses(self, batch: Batch, generator: torch.Generator | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to be minimised (scalar), and its parts by name: those of the policy, which draws nothing."""
        return self.policy.losses(batch, self.target)

    def descend(self, batch: Batch, log: EpochLog, generator: torch.Generator | None = None) -> None:
        """Take one gradient step on `batch`."""
        if self.updates % self._target_sync == 0:
            self.target.load_state_dict(self.policy.state_dict())
        self.updates += 1
        loss, parts = self.losses(batch, generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        for name, part in parts.items():
            log.add(f"loss/{name}", part)
