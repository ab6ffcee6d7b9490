"""Trackers that break the contract in one way get a message about it; ours pass it in tests/agents/networks."""

import pytest
import torch
from torch import Tensor

from darlr.agents.networks.trackers import MeanTracker, StateTracker
from darlr.testing import check_tracker
from darlr.world.window import Window


class Unmasked(MeanTracker):
    """Learns a vector for absence."""

    def forward(self, users: Tensor, window: Window) -> Tensor:
        window = window.last(self.window)
        inputs = torch.cat([self.item_vectors[window.items], window.rewards.unsqueeze(-1)], dim=-1)
        return self._summarise(inputs, window.items != self.absent_item)


class Endless(MeanTracker):
    """Reads its whole input."""

    def forward(self, users: Tensor, window: Window) -> Tensor:
        self.window = window.items.shape[1]
        return super().forward(users, window)


class Wide(MeanTracker):
    """Returns states of another size than it declares."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return torch.cat([super()._summarise(inputs, present)] * 2, dim=1)


class Batched(MeanTracker):
    """Standardises over the batch."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        state = super()._summarise(inputs, present)
        return state - state.mean(dim=0)


class Unseeded(MeanTracker):
    """Draws from torch's global generator."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.gain = torch.nn.Parameter(torch.rand(1) + 0.5)

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return self.gain * super()._summarise(inputs, present)


class Idle(MeanTracker):
    """Has a layer that it does not use."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.idle = torch.nn.Parameter(torch.zeros(2))


class Frozen(MeanTracker):
    """Learns nothing."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return super()._summarise(inputs.detach(), present)


class Rewardless(MeanTracker):
    """Ignores rewards."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        return super()._summarise(inputs, present) * torch.tensor([1.0, 1.0, 0.0])


class Broken(MeanTracker):
    """Fails."""

    def _summarise(self, inputs: Tensor, present: Tensor) -> Tensor:
        raise ValueError("no such\nthing")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Unmasked, "the vector of absence has a gradient"),
        (Endless, "depends on a position before 'tracker.window'"),
        (Wide, r"the state has shape \(2, 6\); expected \(2, 3\)"),
        (Batched, "a state depends on the other rows of its batch"),
        (Unseeded, "two trackers of one seed differ"),
        (Idle, "no gradient reaches 'idle'"),
        (Frozen, "raises RuntimeError"),
        (Rewardless, "does not depend on the newest reward"),
        (Broken, "raises ValueError: no such thing"),
    ],
)
def test_what_breaks_the_contract_is_named(kind: type[StateTracker], message: str) -> None:
    with pytest.raises(AssertionError, match=rf"^tracker '{kind.__name__}'.*({message})") as caught:
        check_tracker(kind)
    assert len(str(caught.value).splitlines()) == 1
