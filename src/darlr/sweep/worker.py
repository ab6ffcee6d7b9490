"""One cell in a process of its own: the job comes on standard input, and events leave on standard output, one JSON line each.

Standard input stays open as long as the parent lives. When it ends, the process ends at once. The files on disk are whole,
and the cell continues from its last checkpoint later.
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
"""The last events of a cell; an executor sends `lost`, with an `error`, if the process disappeared."""


def main() -> None:
    """Do the job on the first line of standard input: `values`, `data_dir`, `out` and `device`."""
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)  # output of libraries is not an event

        def send(event: Mapping[str, Any]) -> None:
            print(json.dumps(event), file=channel, flush=True)

        data_dir = None if job["data_dir"] is None else Path(job["data_dir"])
        send(work(job["values"], data_dir, Path(job["out"]), job["device"], send))


def work(values: Mapping[str, Any], data_dir: Path | None, out: Path, device: str, send: Send) -> dict[str, Any]:
    """Train the cell with one thread, and `send` its events; return the last one.

    The last event is one of these:

    - `{"event": "finished", "cpu_seconds": of this process}`.
    - `{"event": "failed", "error": a line, "traceback": text or None, "transient": whether the same run may succeed
      later}`. A defect has a traceback; a refusal has none. Errors of reading and writing files are transient.
    - `{"event": "busy", "error": a line}`, if another process works on the run.
    """
    try:
        # torch is loaded only now, because loading it may fail.
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
    """A run's monitor that turns progress into events."""

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
    """End this process when standard input ends, because the parent is gone."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
