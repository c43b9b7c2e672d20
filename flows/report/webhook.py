"""Send a JSON document to a URL: signed, retried, and never to a private address unless that is allowed.

The document is made in `flows.report.notices`. A receiver checks `X-Import-Signature`: `sha256=` and the hex
HMAC-SHA256, with the shared secret as key, of the `X-Import-Timestamp` header, a full stop and the body. A request with
an old timestamp is a replay.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import string
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, quote, urlsplit

WAITS = (0.0, 1.0, 2.0, 4.0)  # seconds before each attempt
TIMEOUT_SECONDS = 5.0
RETRIED_STATUS = (408, 425, 429, 500, 502, 503, 504)
PORTS = {"http": 80, "https": 443}
NAT64 = IPv6Network("64:ff9b::/96")  # IPv4 addresses embedded in IPv6

Sleep = Callable[[float], None]


class DeliveryError(Exception):
    """A notice was not delivered; the message is a sentence without secrets."""


class TemporaryError(DeliveryError):
    """A notice was not delivered, but may be at another attempt."""


@dataclass(frozen=True)
class Webhook:
    """The URL to deliver to and the key to sign with."""

    url: str
    secret: str = field(repr=False)
    allow_private_addresses: bool = False


def post(target: Webhook, document: Mapping[str, object], *, delivery: str, sleep: Sleep = time.sleep) -> None:
    """Deliver the document, and retry temporary failures; every attempt has the same `X-Import-Delivery`.
    Raise `DeliveryError` if the address is not allowed, or no attempt got a 2xx response."""
    body = json.dumps(document, ensure_ascii=False).encode()
    retry(partial(_attempt, target, body, delivery=delivery), waits=WAITS, sleep=sleep)


def retry(attempt: Callable[[], None], *, waits: Sequence[float], sleep: Sleep) -> None:
    """Make an attempt after each of the waits until one does not raise `TemporaryError`; raise that of the last."""
    for wait in waits[:-1]:
        sleep(wait)
        with suppress(TemporaryError):
            return attempt()
    sleep(waits[-1])
    return attempt()


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """Return the value of the header `X-Import-Signature`."""
    return (
        "sha256="
        + hmac.new(
            secret.encode(errors="surrogateescape"), timestamp.encode() + b"." + body, hashlib.sha256
        ).hexdigest()
    )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is on the public internet; an embedded IPv4 address counts as itself."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        inner = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else inner
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _attempt(target: Webhook, body: bytes, *, delivery: str) -> None:
    url = urlsplit(target.url)
    failure = f"the webhook at {url.hostname} was not delivered"
    try:
        connection = _connection(url, _addresses(url, allow_private=target.allow_private_addresses))
    except OSError as error:
        raise TemporaryError(f"{failure}: {type(error).__name__} while connecting") from None
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "user-import",
        "X-Import-Delivery": delivery,
        "X-Import-Timestamp": timestamp,
        "X-Import-Signature": signature(target.secret, timestamp=timestamp, body=body),
    }
    try:
        connection.request("POST", _target(url), body=body, headers=headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryError(f"{failure}: {type(error).__name__} while waiting for a response") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        kind = TemporaryError if status in RETRIED_STATUS else DeliveryError
        raise kind(f"{failure}: it answered {status}")


def _target(url: SplitResult) -> str:
    """Return path and query with all that HTTP does not allow as escapes; those that are there already stay."""
    return quote(f"{url.path or '/'}{'?' * bool(url.query)}{url.query}", safe=string.punctuation)


def _addresses(url: SplitResult, *, allow_private: bool) -> list[str]:
    """Resolve and check the addresses once: a second lookup of the name could return others."""
    addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(url.hostname, _port(url), type=socket.SOCK_STREAM)]
    if not allow_private and not all(is_public(ip_address(address.split("%")[0])) for address in addresses):
        raise DeliveryError(
            f"the webhook at {url.hostname} was not delivered: its address is private; "
            "set IMPORT_WEBHOOK_ALLOW_PRIVATE=1 to allow that"
        )
    return addresses


def _connection(url: SplitResult, addresses: Sequence[str]) -> http.client.HTTPConnection:
    """Connect to the first reachable address and verify TLS for the host name; redirects are not followed."""
    host = str(url.hostname).encode("idna").decode()
    connection = http.client.HTTPConnection(host, _port(url), timeout=TIMEOUT_SECONDS)
    sock = _socket(addresses, port=_port(url))
    if url.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    connection.sock = sock
    return connection


def _socket(addresses: Sequence[str], *, port: int) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
    return socket.create_connection((addresses[-1], port), timeout=TIMEOUT_SECONDS)


def _port(url: SplitResult) -> int:
    return url.port or PORTS[url.scheme]
