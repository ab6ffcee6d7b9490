"""A device that computes on the CPU but refuses what a GPU refuses: tensors and generators of two devices, and numpy.

Machines without a GPU find with it what would break on one. The device is one of torch's "private use" devices, whose
operations are Python functions. So it is slow, and it has no sparse tensors. It belongs to the whole process; `pretend` is
called once, before darlr is imported.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._pytree import tree_flatten, tree_map

Library: Any = torch.library.Library
NAME = "pretended"

INDEXING = ("aten::index", "aten::_index_put", "aten::copy_", "aten::_to_copy")
"""Operations that a GPU allows with tensors of the CPU: indices may lie there, and copies cross devices."""

CREATING = ("arange", "arange.start", "arange.start_step", "eye", "eye.m", "linspace", "randperm.generator", "randperm")
"""Operations that torch would split into an empty tensor and a change of its size, which a wrapped tensor cannot follow."""


class Held(Tensor):
    """A tensor of the device: it wraps one of the CPU."""

    content: Tensor

    @staticmethod
    def __new__(cls, content: Tensor) -> "Held":
        layout: dict[str, Any] = {"strides": content.stride(), "storage_offset": content.storage_offset()}
        made = Tensor._make_wrapper_subclass(cls, content.size(), dtype=content.dtype, device=torch.device(NAME, 0), **layout)
        made.content = content
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _computed(function, args, kwargs or {})

    def tolist(self) -> Any:
        return self.content.tolist()  # torch refuses this for wrapped tensors, a GPU does not


class Generator(torch.Generator):
    """A generator of the CPU that may claim to be the device's."""

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        return super().__new__(cls)

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._claimed = torch.device(device)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self._claimed

    def manual_seed(self, seed: int) -> "Generator":
        if self._claimed.type == NAME:
            _SEEDS.add(seed)
        super().manual_seed(seed)
        return self


def pretend() -> torch.device:
    """Give the process the device, and generators that can belong to it."""
    backend_registration._setup_privateuseone_for_python_backend(NAME)
    fallback, library = Library("_", "IMPL"), Library("aten", "IMPL")
    fallback.fallback(lambda function, *args, **kwargs: _computed(function, args, kwargs), "PrivateUse1")
    for name in (*CREATING, "copy_"):
        library.impl(name, _kernel(name), "PrivateUse1")
    _KEPT.extend([fallback, library])
    torch.Generator = Generator  # type: ignore[misc,assignment]
    torch.inference_mode = torch.no_grad  # type: ignore[assignment,misc]  # torch makes no views of wrapped tensors in it
    return torch.device(NAME, 0)


_KEPT: list[Any] = []
"""Registered operations last as long as these objects."""

_SEEDS: set[int] = set()
"""The seeds of the device's generators. Operations get copies of generators, which only their seeds identify."""


def _kernel(name: str) -> Any:
    packet, _, overload = name.partition(".")
    function = getattr(getattr(torch.ops.aten, packet), overload or "default")
    return lambda *args, **kwargs: _computed(function, args, kwargs)


def _computed(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute on the CPU; the result belongs to the device, unless the operation names another one."""
    flat, _ = tree_flatten((args, kwargs))
    held = [value for value in flat if isinstance(value, Held)]
    foreign = [value for value in flat if isinstance(value, Tensor) and not isinstance(value, Held) and value.ndim]
    if held and foreign and not function.name().startswith(INDEXING):
        raise RuntimeError(f"{function.name()}: expected all tensors on one device, found {NAME} and cpu")
    for generator in flat:
        if isinstance(generator, torch._C.Generator) and generator.initial_seed() not in _SEEDS:
            raise RuntimeError(f"{function.name()}: expected a generator of {NAME}, found one of the cpu")
    device = kwargs.get("device")
    here = {name: torch.device("cpu") if name == "device" else value for name, value in kwargs.items()}
    found = function(*tree_map(_inner, args), **tree_map(_inner, here))
    if device is not None and torch.device(device).type != NAME:
        return found
    return tree_map(lambda value: _outer(value, held), found)


def _inner(value: Any) -> Any:
    return value.content if isinstance(value, Held) else value


def _outer(value: Any, held: list[Held]) -> Any:
    if not isinstance(value, Tensor):
        return value
    for own in held:
        if own.content is value:  # changed in place
            return own
    return Held(value)
