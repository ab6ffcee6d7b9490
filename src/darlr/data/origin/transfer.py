"""One try at a published file over HTTP: the bytes from some place on, or an error.

The environment names the proxies (http_proxy, https_proxy, no_proxy).
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
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that may be temporary
RANGE_REFUSED = 416


class BrokenTransferError(Exception):
    """A try failed, but a later one may succeed.

    Attributes:
        pause: the seconds that the server asks to wait; None if it does not say.
    """

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class RangeRefusedError(Exception):
    """The server does not serve the file from the requested place; all of it may be requested."""


@dataclass(frozen=True)
class Reply:
    """A server's reply.

    Attributes:
        start: the place of its first byte in the file; 0 if all of the file comes.
        total: bytes of the whole file; None if the server does not say.
        ends: whether the end of the stream can be distinguished from a lost connection.
        validator: the name of this version of the file for a later request (a strong ETag, else Last-Modified).
        stream: the bytes.
        url: the requested address.
    """

    start: int
    total: int | None
    ends: bool
    validator: str | None
    stream: http.client.HTTPResponse
    url: str

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive.

        Raises:
            BrokenTransferError: if the connection breaks.
        """
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        with _broken_connections(self.url):
            return self.stream.read1(CHUNK)  # returns what has arrived instead of waiting for a full chunk


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from a protected connection to one on which others could alter the bytes."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        asked = urlsplit(req.full_url).scheme
        if urlsplit(newurl).scheme not in {"https", asked}:
            raise RunError(f"{req.full_url}: redirects to {newurl}; expected {asked}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def request(url: str, start: int, validator: str | None, timeout: float) -> Iterator[Reply]:
    """Request a file from byte `start` on, if it is still the version that `validator` names, else all of it.

    Args:
        url: the address.
        start: the first byte.
        validator: the version of the bytes at hand; None if there are none.
        timeout: seconds for which the server may be silent.

    Raises:
        RunError: if later tries would fail, too.
        BrokenTransferError: if a later try may succeed.
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
    """Turn errors of sockets, TLS and HTTP into `BrokenTransferError`, and permanent ones into `RunError`."""
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
    """Return the seconds of `Retry-After`; None for a date."""
    return float(header) if header is not None and header.isdecimal() else None
