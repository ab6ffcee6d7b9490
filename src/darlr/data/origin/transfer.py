"""One try at a published file over HTTP: the bytes from some place on, or a reason why not.

Proxies are those of the environment (http_proxy, https_proxy, no_proxy).
"""

import contextlib
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from darlr._version import __version__
from darlr.errors import RunError

CHUNK = 1 << 18  # bytes
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that a later try may not meet
RANGE_REFUSED = 416


class BrokenTransferError(Exception):
    """A try that failed where another may not.

    Attributes:
        pause: the seconds that the server asks to be left alone; None if it does not say.
    """

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class RangeRefusedError(Exception):
    """The server does not serve the file from the place that was asked for; all of it may be asked for."""


@dataclass(frozen=True)
class Reply:
    """What a server sends.

    Attributes:
        start: the place of its first byte in the file; 0 where all of the file comes, whatever was asked for.
        total: bytes of the whole file; None if the server does not say.
        ends: whether the end of the stream can be told from a lost connection.
        validator: what names this version of the file in a later request (a strong ETag, else Last-Modified).
        stream: the bytes.
        url: what was asked for.
    """

    start: int
    total: int | None
    ends: bool
    validator: str | None
    stream: http.client.HTTPResponse
    url: str

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come, all of them or not; raises `BrokenTransferError` where they stay away."""
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        with _broken_connections(self.url):
            return self.stream.read1(CHUNK)  # what has come, rather than waiting until there is as much


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from where nobody can alter the bytes on their way to where somebody can."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        asked = urlsplit(req.full_url).scheme
        if urlsplit(newurl).scheme not in {"https", asked}:
            raise RunError(f"{req.full_url}: redirects to {newurl}; expected {asked}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def request(url: str, start: int, validator: str | None, timeout: float) -> Iterator[Reply]:
    """Ask for a file from byte `start` on, if it is still the version that `validator` names, else for all of it.

    `timeout` is how long the server may be silent, in seconds.

    Raises:
        RunError: if no later try will get the file, either.
        BrokenTransferError: if one may.
        RangeRefusedError: if the server refuses to start at `start`.
    """
    asked = urllib.request.Request(url, headers={"User-Agent": f"darlr/{__version__}", "Accept-Encoding": "identity"})
    if start:
        asked.add_header("Range", f"bytes={start}-")
        if validator is not None:
            asked.add_header("If-Range", validator)
    opener = urllib.request.build_opener(_Redirects)
    with contextlib.closing(_open(opener, asked, timeout)) as response:
        yield _reply(url, response, start)


def _open(opener: urllib.request.OpenerDirector, asked: urllib.request.Request, timeout: float) -> Any:
    try:
        with _broken_connections(asked.full_url):
            return opener.open(asked, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_REFUSED and asked.has_header("Range"):
            raise RangeRefusedError from error
        said = f"HTTP {error.code} {http.client.responses.get(error.code, '')}".strip()
        if error.code in PASSING:
            raise BrokenTransferError(f"the server answers {said}", _seconds(error.headers.get("Retry-After"))) from error
        if 300 <= error.code < 400:
            raise RunError(f"{asked.full_url}: redirected in a circle or to nowhere ({said})") from error
        raise RunError(f"{asked.full_url}: the server answers {said}") from error
    except ValueError as error:
        raise RunError(f"{asked.full_url}: redirects to no address ({error})") from error


@contextmanager
def _broken_connections(url: str) -> Iterator[None]:
    """Turn what sockets, TLS and HTTP raise into `BrokenTransferError`, and what no later try mends into `RunError`."""
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except TimeoutError as error:
        raise BrokenTransferError("the server is silent") from error
    except http.client.HTTPException as error:
        raise BrokenTransferError(f"the connection was lost ({type(error).__name__})") from error
    except OSError as error:
        reason = getattr(error, "reason", error)  # `URLError` wraps what the socket raised
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise RunError(f"{url}: the server's certificate cannot be verified ({reason.verify_message})") from error
        if isinstance(reason, TimeoutError):
            raise BrokenTransferError("the server is silent") from error
        words = getattr(reason, "strerror", None) or str(reason)
        raise BrokenTransferError(f"no connection ({words})") from error


def _reply(url: str, response: http.client.HTTPResponse, start: int) -> Reply:
    headers = response.headers
    if headers.get_content_type() == "text/html" and "Content-Type" in headers:
        raise RunError(f"{url}: the server answers with a web page; expected a file (a network's login page?)")
    length = headers.get("Content-Length")
    total = int(length) if length is not None and length.isdecimal() else None
    first = 0
    if start and response.status == http.client.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if match is None or int(match[1]) != start:
            raise RangeRefusedError
        first, total = start, int(match[2]) if match[2] != "*" else None
    etag = headers.get("ETag")
    validator = etag if etag is not None and not etag.startswith("W/") else headers.get("Last-Modified")
    return Reply(first, total, total is not None or bool(response.chunked), validator, response, url)


def _seconds(header: str | None) -> float | None:
    """Of `Retry-After`; a date is not understood, and no reason to wait for longer."""
    return float(header) if header is not None and header.isdecimal() else None
