"""Workers for tests."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any


class Elsewhere:
    """Works on copies, as another machine does, and in another order."""

    def hold(self, values: Sequence[Any]) -> Sequence[Any]:
        return [pickle.dumps(value) for value in values]

    def apply(self, function: Callable[..., Any], held: Sequence[Any], *common: Any) -> Iterator[Any]:
        sent = [value if isinstance(value, bytes) else pickle.dumps(value) for value in common]
        made = {place: function(*map(pickle.loads, (held[place], *sent))) for place in reversed(range(len(held)))}
        return (made[place] for place in range(len(held)))
