"""The treatment of unknown or invalid parts of a request: a refusal, or a note in its answer."""

from collections.abc import Callable

from darlr.errors import InputError
from darlr.serving.messages import OnUnknown

Teller = Callable[[str, str, str], None]
"""A function of (the unknown part, its treatment, a hint), which refuses the request or adds a note."""


def teller(place: str, on_unknown: OnUnknown, notes: list[str]) -> Teller:
    """Make a teller: it raises `InputError` naming `place` if `on_unknown` is "error", else it adds a line to `notes`."""

    def tell(strange: str, fate: str, hint: str) -> None:
        if on_unknown == "error":
            raise InputError(f"{place}: {strange}{hint}")
        notes.append(f"{strange}; {fate}{hint}")

    return tell
