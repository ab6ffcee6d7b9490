"""`darlr serve`: a run as an HTTP service."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import tyro

from darlr.cli.options import WHOLE, DataDir, Threads, option
from darlr.errors import InputError

PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "redis")


def serve(
    run: Annotated[
        Path, tyro.conf.Positional, option("a run folder, a link to one, or a file that names one", "RUN", required=True)
    ],
    port: Annotated[int, WHOLE, option("where to listen")] = 8000,
    host: Annotated[str, option("address to listen at; 0.0.0.0 for all of this machine")] = "127.0.0.1",
    workers: Annotated[int, WHOLE, option("processes; more than one share sessions in a Redis")] = 1,
    sessions: Annotated[str, option("memory, none, or redis://HOST:PORT/NUMBER", "WHERE")] = "memory",
    most_sessions: Annotated[int, WHOLE, option("sessions in memory at a time")] = 100_000,
    session_seconds: Annotated[int, WHOLE, option("a session is forgotten so long after its last use")] = 3_600,
    keys: Annotated[Path | None, option("file with a name and an API key a line", "FILE", "everybody may ask")] = None,
    most_bytes: Annotated[int, WHOLE, option("of a request's body")] = 1 << 20,
    most_requests: Annotated[int, WHOLE, option("in one body")] = 1_000,
    most_count: Annotated[int, WHOLE, option("items that may be asked for")] = 1_000,
    timeout: Annotated[float, option("seconds in which a request has to arrive and be answered")] = 10.0,
    watch: Annotated[float, option("seconds between two looks at RUN for a newer run; 0: never")] = 1.0,
    new_items: Annotated[
        Path | None, option("a table of items; those that the log lacks are recommended, too", "FILE", "none")
    ] = None,
    data_dir: DataDir = None,
    threads: Threads = 1,
) -> None:
    """Serve recommendations over HTTP; needs the extra `serve` (pip install 'darlr[serve]')."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise InputError(f"darlr serve needs {', '.join(missing)}; install them by pip install 'darlr[serve]'")
    from darlr.serving.http.server import serve as serve_run  # noqa: PLC0415
    from darlr.serving.http.settings import MEMORY, ServiceSettings  # noqa: PLC0415

    if workers < 1 or not 0 <= port <= 65_535:
        what = f"--workers is {workers}; expected at least 1" if workers < 1 else f"--port is {port}; expected 0 to 65535"
        raise InputError(what)
    if workers > 1 and sessions == MEMORY:
        raise InputError(f"{workers} workers do not share their memory; expected --sessions redis://HOST:PORT/NUMBER, or none")
    if workers > 1 and not watch > 0:
        raise InputError(f"--watch is {watch:g}; expected more than 0 with {workers} workers, which learn of a newer run by it")
    settings = ServiceSettings(
        run=str(run.absolute()),
        new_items="" if new_items is None else str(new_items.absolute()),
        data_dir="" if data_dir is None else str(data_dir.absolute()),
        sessions=sessions,
        most_sessions=most_sessions,
        session_seconds=session_seconds,
        keys="" if keys is None else str(keys.absolute()),
        most_bytes=most_bytes,
        most_requests=most_requests,
        most_count=most_count,
        timeout=timeout,
        watch=watch,
        threads=threads,
    )
    serve_run(settings, host, port, workers)
