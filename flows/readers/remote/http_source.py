"""Fetch by HTTP: with TLS unless from this machine, redirects within the host only, no private addresses."""

import base64
import http.client
import string
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from flows.readers.limits import MIB
from flows.readers.remote.public_addresses import PrivateAddressError, only_public_addresses
from schemas.codes import ErrorCode
from schemas.faults import FileFault

TIMEOUT_SECONDS = 10.0  # of connecting, and of each wait for more bytes
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_VALIDATORS = ("ETag", "Last-Modified", "Content-Length")
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
_PORTS = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}  # stated, for an IPv6 address has colons
_ADVICE: Mapping[int, str] = {
    401: "state the user name and the password in the URL, or use a signed one",
    403: "check the credentials; the signature of a URL may have expired",
}


@dataclass(frozen=True)
class HttpDownload:
    """A response whose content is not read yet."""

    url: SplitResult
    name: str
    may_be_private: bool
    response: http.client.HTTPResponse

    @property
    def size(self) -> int | None:
        """The number of bytes that the server has announced."""
        length = self.response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content as it arrives."""
        while True:
            try:
                chunk = self.response.read1(MIB)
            except (OSError, http.client.HTTPException) as error:
                raise _failed(self.name, error, "reading") from None
            if not chunk:
                return
            yield chunk

    def has_changed(self) -> bool:
        """Return whether the server now announces another version; one that does not tell versions is believed."""
        if not any(self.response.headers.get(name) for name in ("ETag", "Last-Modified")):
            return False
        with _request("HEAD", self.url, name=self.name, may_be_private=self.may_be_private) as now:
            before = self.response.headers
            differing = [name for name in _VALIDATORS if before.get(name) != now.headers.get(name)]
            return now.status == http.HTTPStatus.OK and bool(differing)  # a signed URL may be for GET only


@contextmanager
def open_http(url: SplitResult, *, name: str, may_be_private: bool) -> Iterator[HttpDownload]:
    """Open a URL, after redirects within its host. Raise `FileFault` if the server does not give its content."""
    for _ in range(_MOST_REDIRECTS + 1):
        with _request("GET", url, name=name, may_be_private=may_be_private) as response:
            if response.status in _REDIRECTS:
                url = _redirect(url, response.headers.get("Location", ""), name=name)
                continue
            _check(response, name)
            yield HttpDownload(url, name, may_be_private, response)
            return
    raise FileFault(ErrorCode.FILE_UNREADABLE, f"{name} redirects too often", "name the URL that it leads to")


@contextmanager
def _request(method: str, url: SplitResult, *, name: str, may_be_private: bool) -> Iterator[http.client.HTTPResponse]:
    is_local = url.hostname in _LOCAL
    if url.scheme == "http" and not is_local:
        message = f"{name} is not encrypted on its way"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "use https://, or download the file first")
    try:
        host = str(url.hostname or "").encode("idna").decode()
    except UnicodeError:
        host = ""
    if not host:
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} is a URL without a valid host", "correct it")
    with closing(_CONNECTIONS[url.scheme](host, url.port or _PORTS[url.scheme], timeout=TIMEOUT_SECONDS)) as connection:
        try:
            with nullcontext() if is_local or may_be_private else only_public_addresses():
                connection.request(method, _target(url), headers=_headers(url))
            response = connection.getresponse()
        except PrivateAddressError:
            message = f"{name} has a private address, from which nothing is fetched"
            hint = "list the beginning of its URL in IMPORT_ROOTS to allow it, or download the file first"
            raise FileFault(ErrorCode.FILE_UNREADABLE, message, hint) from None
        except (OSError, http.client.HTTPException) as error:
            raise _failed(name, error, "waiting for an answer" if connection.sock else "connecting") from None
        with response:
            yield response


def _headers(url: SplitResult) -> dict[str, str]:
    headers = {"User-Agent": "user-import", "Accept-Encoding": "identity"}
    if url.username is not None:
        credentials = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    return headers


def _target(url: SplitResult) -> str:
    """Return path and query with all that HTTP does not allow as escapes; those that are there already stay."""
    return quote(f"{url.path or '/'}{'?' * bool(url.query)}{url.query}", safe=string.punctuation)


def _redirect(url: SplitResult, location: str, *, name: str) -> SplitResult:
    """Return where a redirect leads to; raise `FileFault` if that is another host, or no longer encrypted."""
    try:
        target = urlsplit(urljoin(url.geturl(), location))
        is_same = (target.hostname, target.port) == (url.hostname, url.port) and target.scheme == url.scheme
        is_upgrade = target.hostname == url.hostname and (url.scheme, target.scheme) == ("http", "https")
    except ValueError:
        is_same = is_upgrade = False
    if not location or not (is_same or is_upgrade):
        message = f"{name} redirects to another host, which is not followed"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "name the URL that it leads to")
    user, at, _ = url.netloc.rpartition("@")
    return target._replace(netloc=f"{user}{at}{target.netloc.rpartition('@')[2]}")


def _check(response: http.client.HTTPResponse, name: str) -> None:
    status, encoding = response.status, response.headers.get("Content-Encoding", "identity")
    shown = f"HTTP {status} {http.client.responses.get(status, '')}".rstrip()
    if status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} does not exist: {shown}", "check the URL")
    if status != http.HTTPStatus.OK:
        hint = _ADVICE.get(status, "try again later, or download the file first")
        raise FileFault(ErrorCode.FILE_UNREADABLE, f"{name} cannot be read: {shown}", hint)
    if encoding.lower() != "identity":
        message = f"{name} is sent in another encoding than was asked for"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "download the file first")


def _failed(name: str, error: Exception, doing: str) -> FileFault:
    reason = f"no answer for {TIMEOUT_SECONDS:g} seconds" if isinstance(error, TimeoutError) else type(error).__name__
    message = f"{name} cannot be read: {reason} while {doing}"
    return FileFault(ErrorCode.FILE_UNREADABLE, message, "check the URL and the network, and import it again")
