"""A server on this machine that publishes one file, and misbehaves as a test asks."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class FileServer:
    """A file published at `url`, and the server's behaviour.

    Attributes:
        content: the file.
        headers: further headers, besides its length.
        answers: the answers to the next requests, one each; then `serve`.
        asked: (path, headers) of each request so far.
        released: set when the test is over, so that stalled answers end.
    """

    content: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"', "Content-Type": "application/zip"})
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    @property
    def url(self) -> str:
        return f"{self.address}/data.zip"

    @property
    def ranges(self) -> list[str | None]:
        """The first byte that each request wanted; None: from the start."""
        return [headers.get("Range") for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_GET(self) -> None:
        files = self.files
        files.asked.append((self.path, dict(self.headers)))
        answer = files.answers.pop(0) if files.answers else serve
        self.close_connection = True
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})  # `darlr`'s own handling of it would end the tests
        with contextlib.suppress(ConnectionError):  # the client may have gone
            answer(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def requested(self) -> int:
        """Return the first byte that is wanted, by the rules of If-Range."""
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if wanted is None or (condition is not None and condition not in self.files.headers.values()):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def head_of_file(self, start: int) -> bytes:
        """Send the head of a good answer, and return its bytes."""
        content = self.files.content
        headers = {**self.files.headers, "Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.head(206 if start else 200, headers)
        return content[start:]


def serve(request: Handler) -> None:
    """Serve the file, or the rest of it."""
    request.wfile.write(request.head_of_file(request.requested()))


def serve_all(request: Handler) -> None:
    """Serve all of the file, whatever was requested."""
    request.wfile.write(request.head_of_file(0))


def truncate(count: int) -> Answer:
    """Serve the first `count` bytes of the requested part, then lose the connection."""
    return lambda request: _write(request, request.head_of_file(request.requested())[:count])


def stall(count: int) -> Answer:
    """Serve the first `count` bytes of the requested part, then send nothing."""

    def answer(request: Handler) -> None:
        _write(request, request.head_of_file(request.requested())[:count])
        request.wfile.flush()
        request.files.released.wait()

    return answer


def say_nothing(request: Handler) -> None:
    """Send nothing."""
    request.files.released.wait()


def corrupt(request: Handler) -> None:
    """Send wrong bytes."""
    _write(request, bytes(byte ^ 1 for byte in request.head_of_file(request.requested())))


def status(code: int, **headers: str) -> Answer:
    """Send an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.head(code, {"Content-Length": "0", **named})


def redirect(place: str) -> Answer:
    """Redirect to another address."""
    return status(302, Location=place)


def without_length(request: Handler) -> None:
    """Send the file without its length; it ends with the connection."""
    request.head(200, request.files.headers)
    _write(request, request.files.content)


def chunked(count: int | None = None) -> Answer:
    """Send the file in chunks without its length; after the first `count` bytes, lose the connection."""

    def answer(request: Handler) -> None:
        request.head(200, {**request.files.headers, "Transfer-Encoding": "chunked"})
        part = request.files.content[:count]
        _write(request, f"{len(part):x}\r\n".encode() + part + b"\r\n" + (b"0\r\n\r\n" if count is None else b""))

    return answer


def web_page(request: Handler) -> None:
    """Send the login page that some networks answer every request with."""
    page = b"<html>Please log in</html>"
    request.head(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))})
    _write(request, page)


def from_another_place(request: Handler) -> None:
    """Send another part than the requested one."""
    content = request.files.content
    request.head(206, {"Content-Range": f"bytes 1-{len(content) - 1}/{len(content)}", "Content-Length": str(len(content) - 1)})
    _write(request, content[1:])


def _write(request: Handler, content: bytes) -> None:
    request.wfile.write(content)


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """Run a server until the end of the block."""
    files = FileServer(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"files": files}))
    files.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        files.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
