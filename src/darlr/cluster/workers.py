"""Applies a function to many values: on this machine, one after the other, or on others (`darlr.cluster.ray_workers`)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")


class Workers(Protocol):
    """Applies functions of the package, on one machine or many, with the same results in the same order.

    A function must depend on its arguments alone and must not change them: it may be called again if a machine is lost.
    """

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """Take `values` to the place where they are needed; the result stands for them in `apply`."""

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """Call `function` with each held value and the `common` ones; yields the results in the order of the values.

        A common value that is held, too, is not sent again.
        """


class ThisMachine:
    """Does everything in this process, one value after the other."""

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """The values themselves."""
        return values

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """Call the function for each value in turn; see `Workers`."""
        return (function(value, *common) for value in held)


HERE = ThisMachine()
