"""One cell in a process of its own: the job comes on standard input, events leave on standard output, a JSON line each.

Standard input stays open as long as the parent lives. When it ends, the process ends at once: what is on disk is whole, and the
cell goes on from its last checkpoint later.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darlr.errors import out_of_memory

Send = Callable[[Mapping[str, Any]], None]

ENDS = ("finished", "failed", "busy", "lost")
"""The last events of a cell; `lost`, with its `error`, is told by an executor whose process did not come back."""


def main() -> None:
    """Work on the job of the first line of standard input: `values`, `data_dir`, `out` and `device`."""
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)  # whatever a library prints is no event

        def send(event: Mapping[str, Any]) -> None:
            print(json.dumps(event), file=channel, flush=True)

        data_dir = None if job["data_dir"] is None else Path(job["data_dir"])
        send(work(job["values"], data_dir, Path(job["out"]), job["device"], send))


def work(values: Mapping[str, Any], data_dir: Path | None, out: Path, device: str, send: Send) -> dict[str, Any]:
    """Train the cell with one thread, telling `send` of its progress; how it ended is returned as the last event.

    That is `{"event": "finished", "cpu_seconds": of this process}`, or `{"event": "failed", "error": a line, "traceback": text
    or None, "transient": whether the same run may end well another time}`: a traceback belongs to a defect, a refusal needs
    none; what may pass is a file that could not be read or written. `{"event": "busy", "error": a line}` tells that another
    process works on the run.
    """
    try:
        # torch is loaded only now: loading it may fail, too.
        from darlr.errors import BusyError, DarlrError  # noqa: PLC0415
        from darlr.run.devices import compute_on  # noqa: PLC0415
        from darlr.run.training import train  # noqa: PLC0415

        try:
            train(values, data_dir, out, compute_on(device, threads=1), _Reporter(send))
        except BusyError:
            return {"event": "busy", "error": "another process works on it"}
        except DarlrError as error:
            refused_by_system = isinstance(error.__cause__, OSError)
            return {"event": "failed", "error": str(error), "traceback": None, "transient": refused_by_system}
    except Exception as error:
        if (refusal := out_of_memory(error)) is not None:
            return {"event": "failed", "error": str(refusal), "traceback": None, "transient": False}
        line = " ".join("".join(traceback.format_exception_only(error)).split())
        return {"event": "failed", "error": line, "traceback": traceback.format_exc(), "transient": False}
    return {"event": "finished", "cpu_seconds": time.process_time()}


class _Reporter:
    """A run's monitor that turns what it is told into events."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def notice(self, text: str) -> None:
        self._send({"event": "notice", "text": text})

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        self._send({"event": "fitting", "epoch": epoch, "epochs": epochs, "share": share})

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        self._send({"event": "fitted", "epoch": epoch, "epochs": epochs, "loss": loss})

    def learning(self, done: int, epochs: int) -> None:
        self._send({"event": "learning", "done": done, "epochs": epochs})

    def trained(self, record: Mapping[str, Any], epochs: int) -> None:
        self._send({"event": "trained", "record": dict(record), "epochs": epochs})


def _end_with_parent() -> None:
    """End this process when standard input ends: nobody is left to tell it anything."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
