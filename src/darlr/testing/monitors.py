"""Monitors for runs that nobody watches."""

from collections.abc import Mapping
from typing import Any


class Silent:
    """Listens and says nothing."""

    def notice(self, text: str) -> None:
        pass

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        pass

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        pass

    def learning(self, done: int, epochs: int) -> None:
        pass

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        pass


class Remembering(Silent):
    """Remembers which epochs of the policy it was told of."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self.epochs.append(record["epoch"])


class Interrupter(Silent):
    """Interrupts the run after its first epoch."""

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        raise KeyboardInterrupt
