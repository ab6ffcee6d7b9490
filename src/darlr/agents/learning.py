"""The interface, the epoch's log and the saved state that all learning agents share."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from darlr.agents.policy import Policy
from darlr.artifacts.schema import require_alike, require_tensors
from darlr.errors import RunError
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Visits

MOMENTS = ("exp_avg", "exp_avg_sq")
"""The state that Adam keeps for every parameter, besides the number of the step."""


class Learner(Protocol):
    """Learns a recommendation policy epoch by epoch."""

    @property
    def policy(self) -> Policy:
        """The policy."""
        ...

    @property
    def reward_table(self) -> Estimates | Tensor | None:
        """(n_users, n_items) the current rewards r' that are learned from, without penalties; learning may rewrite them.

        None if the agent does not learn in the simulator, or if the simulator pays from no table.
        """
        ...

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> "EpochLog":
        """Learn from at least `steps` recommendations in a simulator, `environments` episodes at a time.

        Agents that learn without a simulator have their own schedule and ignore both numbers.
        """
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Return the state of the policy and of learning, by name."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that `tensors()` returned."""
        ...


class EpochLog:
    """Collects an epoch's figures; `metrics()` returns the means to record.

    Attributes:
        steps, episodes: recommendations that were learned from, and episodes played for them, so far.
        counts: the number of values added for each figure.
    """

    def __init__(self) -> None:
        self.steps = self.episodes = 0
        self.counts: dict[str, int] = {}
        self._sums: dict[str, Tensor] = {}
        self._seconds: dict[str, float] = {}
        self._return = 0.0
        self._visited: list[Tensor] = []

    def add(self, name: str, value: Tensor) -> None:
        """Add a value (scalar) of the figure `name`, whose mean is recorded; it stays on its device until it is needed."""
        self._sums[name] = self._sums[name] + value.detach() if name in self._sums else value.detach().clone()
        self.counts[name] = self.counts.get(name, 0) + 1

    @contextmanager
    def timed(self, phase: str, device: torch.device) -> Iterator[None]:
        """Add the time of the block on `device` to `seconds/<phase>`."""
        started = time.perf_counter()
        yield
        if device.type == "cuda":  # CUDA calls return before the work is done
            torch.cuda.synchronize(device)
        self._seconds[phase] = self._seconds.get(phase, 0.0) + time.perf_counter() - started

    def count(self, visits: Visits, episodes: int, rewards: Tensor) -> None:
        """Count a finished collection of `episodes` and its rewards (n,).

        Raises:
            RunError: if a loss is not finite.
        """
        self.require_finite_losses()
        self.steps += len(visits.items)
        self.episodes += episodes
        self._return += float(rewards.sum())
        pairs = torch.stack([visits.users, visits.items])
        self._visited.append(pairs if visits.chosen is None else pairs[:, visits.chosen])

    def require_finite_losses(self) -> None:
        """Raise `RunError` if the mean of a loss so far is not finite."""
        for name, total in self._sums.items():
            if name.startswith("loss/") and not math.isfinite(total):
                raise RunError(f"the {name.removeprefix('loss/')} loss is {float(total) / self.counts[name]}; stopped")

    def visited(self) -> tuple[Tensor, Tensor]:
        """Return users and items of all recommendations in the epoch's episodes, (steps,) each; of slates, those chosen."""
        users, items = torch.cat(self._visited, dim=1)
        return users, items

    def metrics(self) -> dict[str, float]:
        """Return the epoch's figures by their names in metrics.jsonl."""
        played: dict[str, float] = {}
        if self.episodes:
            played = {"train/r_tra": self._return / self.episodes, "train/length": self.steps / self.episodes}
        return {
            "train/steps": self.steps,
            **played,
            **{name: float(total) / self.counts[name] for name, total in self._sums.items()},
            **{f"seconds/{phase}": seconds for phase, seconds in self._seconds.items()},
        }


def learned_tensors(network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return a network's parameters (`policy.*`) and its optimiser's moments (`optimiser.*`)."""
    moments = optimiser.state_dict()["state"]
    return {
        **{f"policy.{name}": tensor for name, tensor in network.state_dict().items()},
        **{f"optimiser.{index}.{name}": tensor for index, state in moments.items() for name, tensor in state.items()},
    }


def restore_learned(tensors: Mapping[str, Tensor], network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Restore the state that `learned_tensors` returned, on the network's device.

    Raises:
        InputError: for tensors of other names, types or sizes.
    """
    device = next(network.parameters()).device
    learned = below("policy.", tensors)
    require_alike(learned, network.state_dict())
    network.load_state_dict(learned)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in below("optimiser.", tensors).items():
        index, name = key.split(".")
        moments.setdefault(int(index), {})[name] = tensor.to(device)
    for place, state in moments.items():
        own = parameters[place].dtype, list(parameters[place].shape)
        require_tensors(state, {"step": (torch.float32, []), **dict.fromkeys(MOMENTS, own)})
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, under names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
