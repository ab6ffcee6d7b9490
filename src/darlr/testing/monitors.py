"""Monitors for runs in tests."""

from collections.abc import Mapping
from typing import Any


class Silent:
    """A monitor that does nothing."""

    def notice(self, text: str) -> None:
        """Ignore the notice."""
        pass

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        """Ignore the event."""
        pass

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        """Ignore the event."""
        pass

    def learning(self, done: int, epochs: int) -> None:
        """Ignore the event."""
        pass

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        """Ignore the event."""
        pass


class Remembering(Silent):
    """A monitor that remembers the finished epochs of the policy."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        """Remember the epoch."""
        self.epochs.append(record["epoch"])


class Interrupter(Silent):
    """A monitor that interrupts the run after its first epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        """Raise `KeyboardInterrupt`."""
        raise KeyboardInterrupt
