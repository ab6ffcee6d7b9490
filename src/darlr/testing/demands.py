"""How checks fail: by an `AssertionError` of one line, whatever goes wrong in the code under test."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from darlr.errors import DarlrError
from darlr.registry import Registry

Entry = TypeVar("Entry")
Subject = TypeVar("Subject")


def demand(condition: bool, text: str) -> None:
    """Raise `AssertionError` with `text` unless `condition` holds."""
    if not condition:
        raise AssertionError(text)


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Begin the line that tells what is wrong with `what`, a demand or an error of its own; darlr's refusals pass."""
    try:
        yield
    except DarlrError:
        raise
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from error
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {' '.join(str(error).split())}") from error


def run_checks(checks: Iterable[Callable[[Subject], None]], subject: Subject, what: str) -> None:
    """Ask every check about `subject`; the first that fails is told in a line that begins with `what`."""
    for check in checks:
        with blaming(what):
            check(subject)


@contextmanager
def registered(registry: Registry[Entry], name: str, entry: Entry) -> Iterator[None]:
    """Have `entry` in `registry` for a while, if it is not there already; raises `InputError` if another has its name."""
    if registry.get(name) is entry:
        yield
        return
    registry.register(name, entry)
    try:
        yield
    finally:
        registry.unregister(name)


def demand_tensor(value: object, shape: tuple[int, ...], what: str) -> Tensor:
    """`value`, which has to be a finite float32 tensor of that `shape`."""
    demand(isinstance(value, Tensor), f"{what} is a {type(value).__name__}; expected a tensor")
    assert isinstance(value, Tensor)
    demand(tuple(value.shape) == shape, f"{what} has shape {tuple(value.shape)}; expected {shape}")
    demand(value.dtype == torch.float32, f"{what} is {value.dtype}; expected torch.float32")
    demand(bool(torch.isfinite(value).all()), f"{what} has values that are not finite")
    return value


def demand_alike(one: Tensor, other: Tensor, text: str) -> None:
    """Raise `AssertionError` with `text` unless both are the same but for rounding."""
    demand(one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-5), text)


def demand_equal(one: Mapping[str, Any], other: Mapping[str, Any], text: str) -> None:
    """Raise `AssertionError` with `text` and the first name whose values differ."""
    for name in sorted(one.keys() | other.keys()):
        demand(name in one and name in other and one[name] == other[name], f"{text} ('{name}' differs)")
