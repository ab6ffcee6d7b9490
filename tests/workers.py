"""Workers for tests."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, TypeVarTuple

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")


class Elsewhere:
    """Works on copies, as another machine does, and in another order."""

    def hold(self, values: Sequence[Any]) -> Sequence[Any]:
        return [pickle.dumps(value) for value in values]

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        sent = [value if isinstance(value, bytes) else pickle.dumps(value) for value in common]
        made = {place: _applied(function, held[place], *sent) for place in reversed(range(len(held)))}
        return (made[place] for place in range(len(held)))


def _applied(function: Callable[..., R], *sent: bytes) -> R:
    return function(*map(pickle.loads, sent))
