"""A server on this machine that publishes one file, and misbehaves as a test tells it to."""

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
    """What is published at `url`, and how.

    Attributes:
        content: the file.
        headers: what the server says of it, besides its length.
        answers: how the coming requests are answered, one each; then `serve`.
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
        """From where each request wanted the file; None: from its start."""
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
        """The first byte that is wanted, as a server decides that keeps the rules of If-Range."""
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if wanted is None or (condition is not None and condition not in self.files.headers.values()):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def head_of_file(self, start: int) -> bytes:
        """Send the head of a good answer; the bytes that belong to it."""
        content = self.files.content
        headers = {**self.files.headers, "Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.head(206 if start else 200, headers)
        return content[start:]


def serve(request: Handler) -> None:
    """The file, or the rest of it."""
    request.wfile.write(request.head_of_file(request.requested()))


def serve_all(request: Handler) -> None:
    """All of the file, whatever is wanted."""
    request.wfile.write(request.head_of_file(0))


def truncate(count: int) -> Answer:
    """The first `count` bytes of what is wanted, then a lost connection."""
    return lambda request: _write(request, request.head_of_file(request.requested())[:count])


def stall(count: int) -> Answer:
    """The first `count` bytes of what is wanted, then silence."""

    def answer(request: Handler) -> None:
        _write(request, request.head_of_file(request.requested())[:count])
        request.wfile.flush()
        request.files.released.wait()

    return answer


def say_nothing(request: Handler) -> None:
    """Not a word."""
    request.files.released.wait()


def corrupt(request: Handler) -> None:
    """Bytes that are wrong."""
    _write(request, bytes(byte ^ 1 for byte in request.head_of_file(request.requested())))


def status(code: int, **headers: str) -> Answer:
    """An error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.head(code, {"Content-Length": "0", **named})


def redirect(place: str) -> Answer:
    """Look elsewhere."""
    return status(302, Location=place)


def without_length(request: Handler) -> None:
    """The file, its end being that of the connection."""
    request.head(200, request.files.headers)
    _write(request, request.files.content)


def chunked(count: int | None = None) -> Answer:
    """The file in chunks of unsaid number; its first `count` bytes, then a lost connection."""

    def answer(request: Handler) -> None:
        request.head(200, {**request.files.headers, "Transfer-Encoding": "chunked"})
        part = request.files.content[:count]
        _write(request, f"{len(part):x}\r\n".encode() + part + b"\r\n" + (b"0\r\n\r\n" if count is None else b""))

    return answer


def web_page(request: Handler) -> None:
    """What a network that wants a login answers to everything."""
    page = b"<html>Please log in</html>"
    request.head(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))})
    _write(request, page)


def from_another_place(request: Handler) -> None:
    """A part, but not the one that is wanted."""
    content = request.files.content
    request.head(206, {"Content-Range": f"bytes 1-{len(content) - 1}/{len(content)}", "Content-Length": str(len(content) - 1)})
    _write(request, content[1:])


def _write(request: Handler, content: bytes) -> None:
    request.wfile.write(content)


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """A server until the end of the block."""
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
