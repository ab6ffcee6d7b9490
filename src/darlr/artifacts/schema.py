"""Checks of plain values and tensors from files; all files that darlr reads back go through them.

A checksum shows that a file is unchanged. These checks show that its content is of the kind that this version reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darlr.errors import InputError
from darlr.text import brief

if TYPE_CHECKING:
    import torch

LARGEST = 1e300
"""The largest number allowed in a file, small enough that sums of a few are still finite."""

Check = Callable[[Any, str], None]
"""A function of (value, name) that raises `InputError` naming the value if it is not allowed."""


def number(value: Any, name: str) -> None:
    """Check for a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise _refusal(name, value, "a finite number")


def text(value: Any, name: str) -> None:
    """Check for text."""
    if not isinstance(value, str):
        raise _refusal(name, value, "text")


def flag(value: Any, name: str) -> None:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise _refusal(name, value, "true or false")


def anything(value: Any, name: str) -> None:
    """Allow any value."""


def whole(least: int = 0) -> Check:
    """Make a check for a whole number of at least `least`."""

    def check(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _refusal(name, value, f"a whole number of at least {least}")

    return check


def positive(value: Any, name: str) -> None:
    """Check for a finite number above 0."""
    number(value, name)
    if value <= 0:
        raise _refusal(name, value, "a number above 0")


def optional(check: Check) -> Check:
    """Make a check that allows null besides the values that `check` allows."""

    def checked(value: Any, name: str) -> None:
        if value is not None:
            check(value, name)

    return checked


def one_of(*values: Any) -> Check:
    """Make a check for one of `values`."""

    def check(value: Any, name: str) -> None:
        if value not in values:
            raise _refusal(name, value, f"one of {', '.join(map(str, values))}")

    return check


def list_of(check: Check, length: int | None = None) -> Check:
    """Make a check for a list whose entries pass `check`, of the given length if there is one."""

    def checked(value: Any, name: str) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise _refusal(name, value, "a list" if length is None else f"a list of {length}")
        for place, part in enumerate(value):
            check(part, f"{name}[{place}]")

    return checked


def map_of(check: Check) -> Check:
    """Make a check for an object whose values pass `check`, under any keys."""

    def checked(value: Any, name: str) -> None:
        for key, part in _object(value, name).items():
            check(part, _inner(name, key))

    return checked


@dataclass(frozen=True)
class Keys:
    """A check for an object with all of the `required` keys and any of the `others`.

    Attributes:
        required, others: the check of each key's value.
        more: the check of values under any other key.
    """

    required: Mapping[str, Check]
    others: Mapping[str, Check] = field(default_factory=dict)
    more: Check = anything

    def __call__(self, value: Any, name: str) -> None:
        values = _object(value, name)
        for key in self.required:
            if key not in values:
                raise InputError(f"'{_inner(name, key)}' is missing")
        known = {**self.others, **self.required}
        for key, part in values.items():
            known.get(key, self.more)(part, _inner(name, key))


def require(value: Any, check: Check, place: str) -> None:
    """Apply `check` to `value`.

    Raises:
        InputError: naming `place` (a file) and the key that is not allowed.
    """
    try:
        check(value, "")
    except InputError as error:
        raise InputError(f"{place}: {error}; expected what this version of darlr writes") from error


Shape = tuple["torch.dtype", Sequence[int | str]]
"""The element type and the sizes of a tensor. A size given by name is free, but equal wherever the name occurs."""


def require_tensors(tensors: Mapping[str, "torch.Tensor"], shapes: Mapping[str, Shape]) -> None:
    """Raise `InputError` unless `tensors` have exactly these names, types and sizes, and all their numbers are finite."""
    if strange := sorted(tensors.keys() ^ shapes.keys()):
        what = "is missing" if strange[0] in shapes else "is not expected"
        raise InputError(f"tensor '{strange[0]}' {what}")
    known: dict[str, int] = {}
    for name, (kind, sizes) in shapes.items():
        tensor = tensors[name]
        named = len(tensor.shape) == len(sizes)
        expected = [
            known.setdefault(size, found) if isinstance(size, str) else size
            for size, found in zip(sizes, tensor.shape, strict=named)
        ]
        if tensor.dtype != kind or not named or list(tensor.shape) != expected:
            wanted = f"{kind} {[known.get(size, size) if isinstance(size, str) else size for size in sizes]}"
            raise InputError(f"tensor '{name}' is {tensor.dtype} {list(tensor.shape)}; expected {wanted}")
    require_finite(tensors)


def shapes_of(tensors: Mapping[str, "torch.Tensor"]) -> dict[str, Shape]:
    """Return the type and the sizes of each tensor by name."""
    return {name: (tensor.dtype, list(tensor.shape)) for name, tensor in tensors.items()}


def require_alike(tensors: Mapping[str, "torch.Tensor"], others: Mapping[str, "torch.Tensor"]) -> None:
    """Raise `InputError` unless `tensors` have the names, types and sizes of `others`, and all their numbers are finite."""
    require_tensors(tensors, shapes_of(others))


def require_finite(tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Raise `InputError` naming a tensor that holds NaN or infinity."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise InputError(f"tensor '{name}' has a value that is no finite number")


def require_indices(tensor: "torch.Tensor", name: str, below: int) -> None:
    """Raise `InputError` unless all values of `tensor` (any shape) lie in 0 to `below` - 1."""
    if tensor.numel() and not 0 <= int(tensor.min()) <= int(tensor.max()) < below:
        low, high = int(tensor.min()), int(tensor.max())
        raise InputError(f"tensor '{name}' has values from {low} to {high}; expected 0 to {below - 1}")


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Turn any failure while the file `path` is restored into an `InputError` naming the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}; delete it and run the command that makes it again") from error
    except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: does not hold what this version of darlr writes ({reason})") from error


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refusal(name, value, "an object")
    return value


def _inner(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _refusal(name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{f'{name!r} is ' if name else ''}{brief(value)}; expected {expected}")
