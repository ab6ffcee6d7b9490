"""What plain values and tensors from a file have to look like: one check for all files that darlr reads back.

A checksum tells that a file is as it was written. This tells that what was written is what this version reads.
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
"""So large a number may be in a file, so that sums of a few are finite, too."""

Check = Callable[[Any, str], None]
"""(value, name) -> raises `InputError` naming it where the value is another than it should be."""


def number(value: Any, name: str) -> None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise _refusal(name, value, "a finite number")


def text(value: Any, name: str) -> None:
    """Text."""
    if not isinstance(value, str):
        raise _refusal(name, value, "text")


def flag(value: Any, name: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _refusal(name, value, "true or false")


def anything(value: Any, name: str) -> None:
    """Any value."""


def whole(least: int = 0) -> Check:
    """A whole number of at least `least`."""

    def check(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _refusal(name, value, f"a whole number of at least {least}")

    return check


def positive(value: Any, name: str) -> None:
    """A finite number above 0."""
    number(value, name)
    if value <= 0:
        raise _refusal(name, value, "a number above 0")


def optional(check: Check) -> Check:
    """What `check` allows, or null."""

    def checked(value: Any, name: str) -> None:
        if value is not None:
            check(value, name)

    return checked


def one_of(*values: Any) -> Check:
    """One of `values`."""

    def check(value: Any, name: str) -> None:
        if value not in values:
            raise _refusal(name, value, f"one of {', '.join(map(str, values))}")

    return check


def list_of(check: Check, length: int | None = None) -> Check:
    """A list whose parts `check` allows, of a given length if there is one."""

    def checked(value: Any, name: str) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise _refusal(name, value, "a list" if length is None else f"a list of {length}")
        for place, part in enumerate(value):
            check(part, f"{name}[{place}]")

    return checked


def map_of(check: Check) -> Check:
    """An object whose values `check` allows, under any keys."""

    def checked(value: Any, name: str) -> None:
        for key, part in _object(value, name).items():
            check(part, _inner(name, key))

    return checked


@dataclass(frozen=True)
class Keys:
    """An object with `required` keys and perhaps some of the `others`, each with its check.

    Attributes:
        more: what may stand under any other key.
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
    """Raise `InputError` naming `place` (a file) and the key that `check` does not allow."""
    try:
        check(value, "")
    except InputError as error:
        raise InputError(f"{place}: {error}; expected what this version of darlr writes") from error


Shape = tuple["torch.dtype", Sequence[int | str]]
"""Type of elements and sizes of a tensor; a size by name is any, and the same wherever the name stands."""


def require_tensors(tensors: Mapping[str, "torch.Tensor"], shapes: Mapping[str, Shape]) -> None:
    """Raise `InputError` unless `tensors` have these names, types and sizes, and no others, and all numbers are finite."""
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
    """Type and sizes of each tensor, by name."""
    return {name: (tensor.dtype, list(tensor.shape)) for name, tensor in tensors.items()}


def require_alike(tensors: Mapping[str, "torch.Tensor"], others: Mapping[str, "torch.Tensor"]) -> None:
    """Raise `InputError` unless `tensors` have the names, types and sizes of `others`, and all numbers are finite."""
    require_tensors(tensors, shapes_of(others))


def require_finite(tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Raise `InputError` naming a tensor with NaN or infinity."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise InputError(f"tensor '{name}' has a value that is no finite number")


def require_indices(tensor: "torch.Tensor", name: str, below: int) -> None:
    """Raise `InputError` unless all are from 0 to `below` - 1."""
    if tensor.numel() and not 0 <= int(tensor.min()) <= int(tensor.max()) < below:
        low, high = int(tensor.min()), int(tensor.max())
        raise InputError(f"tensor '{name}' has values from {low} to {high}; expected 0 to {below - 1}")


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Restore something from the file `path`, whatever that runs into; raises `InputError` naming the file."""
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
