"""Gradient steps on the loss of a policy that looks at target networks, which follow now and then or slowly."""

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
    """A policy that is learned, beside its target networks.

    Attributes:
        policy: what is learned; its parameters that require no gradient stay as they are.
        target: the target networks, at first a copy of the policy.
        optimiser: of the policy's parameters.
        updates: gradient steps so far.
    """

    def __init__(self, policy: P, optimiser: torch.optim.Optimizer) -> None:
        self.policy, self.optimiser, self.updates = policy, optimiser, 0
        self.target = deepcopy(policy).requires_grad_(False)

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on with learning, by name."""
        return {
            **learned_tensors(self.policy, self.optimiser),
            **{f"target.{name}": tensor for name, tensor in self.target.state_dict().items()},
            "updates": torch.tensor(self.updates),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        restore_learned(tensors, self.policy, self.optimiser)
        require_alike(below("target.", tensors), self.target.state_dict())
        self.target.load_state_dict(below("target.", tensors))
        self.updates = int(tensors["updates"])


class TargetedUpdates(WithTarget[OfflinePolicy]):
    """Descends the losses of a policy; the target is the policy as it was at the last multiple of `target_sync` updates."""

    def __init__(self, policy: OfflinePolicy, learning_rate: float, target_sync: int) -> None:
        """Args: learning_rate: of Adam; target_sync: updates after which the target is renewed."""
        learned = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        super().__init__(policy, torch.optim.Adam(learned, lr=learning_rate, fused=True))
        self._target_sync = target_sync

    def descend(self, batch: Batch, log: EpochLog, generator: torch.Generator | None = None) -> None:
        """One gradient step on `batch`; nothing is drawn from `generator`."""
        if self.updates % self._target_sync == 0:
            self.target.load_state_dict(self.policy.state_dict())
        self.updates += 1
        loss, parts = self.policy.losses(batch, self.target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        for name, part in parts.items():
            log.add(f"loss/{name}", part)
