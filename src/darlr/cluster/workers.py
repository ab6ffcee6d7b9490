"""Who applies a function to many values: this machine, one after the other, or others (`darlr.cluster.ray_workers`)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

V = TypeVar("V")
C = TypeVar("C")
R = TypeVar("R")


class Workers(Protocol):
    """Applies functions of the package, on one machine or many, with the same results in the same order.

    A function must depend on its arguments alone and leave them as they are: it may be called again where a machine was lost.
    """

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """Take `values` to where they are needed; the answer stands for them in `apply`."""

    def apply(self, function: Callable[[V, C], R], held: Sequence[Any], common: C) -> Iterator[R]:
        """`function` of each value that is held and `common`, a value or what stands for one, in the order of the values."""


class ThisMachine:
    """Does everything here and now."""

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """The values themselves."""
        return values

    def apply(self, function: Callable[[V, C], R], held: Sequence[Any], common: C) -> Iterator[R]:
        """See `Workers`."""
        return (function(value, common) for value in held)


HERE = ThisMachine()
