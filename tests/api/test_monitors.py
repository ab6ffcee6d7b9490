import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console

import darlr
from darlr.api.monitors import ProgressBar, Recorder, listening


class Trained(darlr.Monitor):
    """Listens to one of the five."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self.epochs.append(record["epoch"])


def tell(monitor: darlr.Monitor) -> None:
    monitor.notice("a [note]")
    monitor.fitting(1, 2, 0.5)
    monitor.fitted(2, 2, 0.1)
    monitor.learning(0, 3)
    monitor.trained({"epoch": 3}, 3)


def test_a_monitor_may_listen_to_some_of_it() -> None:
    listener = Trained()
    with listening(listener, progress=False) as recorder:
        tell(recorder)
    assert listener.epochs == [3]
    assert recorder.notices == ["a [note]"]


def test_nobody_need_listen() -> None:
    recorder = Recorder(None)
    tell(recorder)
    assert recorder.notices == ["a [note]"]


def test_a_terminal_shows_both_bars_and_a_file_nothing() -> None:
    for terminal in (True, False):
        text = io.StringIO()
        with ProgressBar(Console(file=text, force_terminal=terminal, width=100)) as bar:
            tell(bar)
        shown = text.getvalue()
        assert all((part in shown) is terminal for part in ("note: a [note]", "world model", "2/2", "policy", "3/3"))
