"""Workers for tests."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, TypeVarTuple

from darlr.cluster.workers import Summand

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")
S = TypeVar("S", bound=Summand)


class Elsewhere:
    """Works on copies, as another machine does, and in another order."""

    def hold(self, values: Iterable[Any]) -> Sequence[Any]:
        return [pickle.dumps(value) for value in values]

    def keep(self, function: Callable[[V, *Common], R], values: Iterable[V], *common: *Common) -> Sequence[Any]:
        return self.hold(self.apply(function, self.hold(values), *common))

    def pairs(self, firsts: Sequence[Any], seconds: Sequence[Any]) -> Sequence[Any]:
        return list(zip(firsts, seconds, strict=True))

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        sent = [value if isinstance(value, bytes) else pickle.dumps(value) for value in common]
        made = {place: function(*map(_value, (held[place], *sent))) for place in reversed(range(len(held)))}
        return (made[place] for place in range(len(held)))

    def add_up(
        self, function: Callable[[V, *Common], tuple[R, Sequence[S]]], held: Sequence[Any], sums: int, *common: *Common
    ) -> tuple[Sequence[R], Sequence[Any]]:
        made = list(self.apply(function, held, *common))
        totals, *others = ([_value(pickle.dumps(summand)) for summand in summands] for _, summands in made)
        for summands in others:
            for place in reversed(range(sums)):
                totals[place].add(_value(pickle.dumps(summands[place])))
        return [result for result, _ in made], self.hold(totals)


def _value(sent: bytes | tuple[bytes, ...]) -> Any:
    return tuple(map(pickle.loads, sent)) if isinstance(sent, tuple) else pickle.loads(sent)
