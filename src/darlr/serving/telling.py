"""How what is strange in a request is told: it refuses the request, or becomes a note in its answer."""

from collections.abc import Callable

from darlr.errors import InputError
from darlr.serving.messages import OnUnknown

Teller = Callable[[str, str, str], None]
"""(what is strange, what becomes of it, a hint): refuses the request, or notes it."""


def teller(place: str, on_unknown: OnUnknown, notes: list[str]) -> Teller:
    """Raises `InputError` naming `place` where `on_unknown` is "error"; else adds a line to `notes`."""

    def tell(strange: str, fate: str, hint: str) -> None:
        if on_unknown == "error":
            raise InputError(f"{place}: {strange}{hint}")
        notes.append(f"{strange}; {fate}{hint}")

    return tell
