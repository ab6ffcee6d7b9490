"""Applies a function to many values: on this machine, one after the other, or on others (`darlr.cluster.ray_workers`)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar, TypeVarTuple

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")


class Summand(Protocol):
    """Values that can be added up."""

    def add(self, other: Self) -> None:
        """Add another one to this one; the tensors of the other one stay as they are."""


S = TypeVar("S", bound=Summand)


class Workers(Protocol):
    """Applies functions of the package, on one machine or many, with the same results in the same order.

    A function must depend on its arguments alone and must not change them: it may be called again if a machine is lost.
    Functions are called with held values. These are at the place where they are needed, and something that stands for them
    is here. A common value that is held, too, is not sent again.
    """

    def hold(self, values: Iterable[V]) -> Sequence[Any]:
        """Take `values` to the place where they are needed."""

    def keep(self, function: Callable[[V, *Common], R], values: Iterable[V], *common: *Common) -> Sequence[Any]:
        """Call `function` with each value, which is not held, and the `common` ones; hold the results, where they are made."""

    def pairs(self, firsts: Sequence[Any], seconds: Sequence[Any]) -> Sequence[Any]:
        """Held values, two by two; a function is called with the pair."""

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """Call `function` with each held value and the `common` ones; yields the results in the order of the values."""

    def add_up(
        self, function: Callable[[V, *Common], tuple[R, Sequence[S]]], held: Sequence[Any], sums: int, *common: *Common
    ) -> tuple[Sequence[R], Sequence[Any]]:
        """Call `function` with each held value and the `common` ones, and add up what it gives, in the order of the values.

        Args:
            function: gives a small result and `sums` summands.
            held: values, at least one.
            sums: number of summands that each call gives.
            common: further arguments.

        Returns:
            The small results, and held the sums of the first summands, of the second ones, and so on.
        """


class ThisMachine:
    """Does everything in this process, one value after the other; what stands for a held value is the value itself."""

    def hold(self, values: Iterable[V]) -> Sequence[Any]:
        """See `Workers`."""
        return list(values)

    def keep(self, function: Callable[[V, *Common], R], values: Iterable[V], *common: *Common) -> Sequence[Any]:
        """See `Workers`."""
        return [function(value, *common) for value in values]

    def pairs(self, firsts: Sequence[Any], seconds: Sequence[Any]) -> Sequence[Any]:
        """See `Workers`."""
        return list(zip(firsts, seconds, strict=True))

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """See `Workers`."""
        return (function(value, *common) for value in held)

    def add_up(
        self, function: Callable[[V, *Common], tuple[R, Sequence[S]]], held: Sequence[Any], sums: int, *common: *Common
    ) -> tuple[Sequence[R], Sequence[Any]]:
        """See `Workers`. The summands of one value at a time are in memory, beside the sums."""
        first, *others = held
        result, totals = function(first, *common)
        results = [result]
        for value in others:
            result, summands = function(value, *common)
            results.append(result)
            for total, summand in zip(totals, summands, strict=True):
                total.add(summand)
        return results, totals


HERE = ThisMachine()
