"""How checks fail: with an `AssertionError` of one line, for any failure of the code under test."""

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
    """Turn any error in the block into an `AssertionError` whose line begins with `what`; darlr's own refusals pass
    unchanged.
    """
    try:
        yield
    except DarlrError:
        raise
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from error
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {' '.join(str(error).split())}") from error


def run_checks(checks: Iterable[Callable[[Subject], None]], subject: Subject, what: str) -> None:
    """Run every check on `subject`; the message of the first failure begins with `what`."""
    for check in checks:
        with blaming(what):
            check(subject)


@contextmanager
def registered(registry: Registry[Entry], name: str, entry: Entry) -> Iterator[None]:
    """Keep `entry` in `registry` during the block, unless it is there already.

    Raises:
        InputError: if another entry has its name.
    """
    if registry.get(name) is entry:
        yield
        return
    registry.register(name, entry)
    try:
        yield
    finally:
        registry.unregister(name)


def demand_tensor(value: object, shape: tuple[int, ...], what: str) -> Tensor:
    """Return `value`, which has to be a finite float32 tensor of the given `shape`."""
    demand(isinstance(value, Tensor), f"{what} is a {type(value).__name__}; expected a tensor")
    assert isinstance(value, Tensor)
    demand(tuple(value.shape) == shape, f"{what} has shape {tuple(value.shape)}; expected {shape}")
    demand(value.dtype == torch.float32, f"{what} is {value.dtype}; expected torch.float32")
    demand(bool(torch.isfinite(value).all()), f"{what} has values that are not finite")
    return value


def demand_alike(one: Tensor, other: Tensor, text: str) -> None:
    """Raise `AssertionError` with `text` unless both tensors (any shape) are equal up to rounding."""
    demand(one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-5), text)


def demand_equal(one: Mapping[str, Any], other: Mapping[str, Any], text: str) -> None:
    """Raise `AssertionError` with `text` and the first name under which the values differ."""
    for name in sorted(one.keys() | other.keys()):
        demand(name in one and name in other and one[name] == other[name], f"{text} ('{name}' differs)")
