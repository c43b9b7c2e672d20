"""Check the address of every connection that is made in a block, whichever library makes it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NAT64 = IPv6Network("64:ff9b::/96")  # IPv4 addresses embedded in IPv6

_refused: ContextVar[list[str] | None] = ContextVar("refused addresses", default=None)


class PrivateAddressError(Exception):
    """Something tried to connect to a private address; no `OSError`, after which another address would be tried."""


@contextmanager
def only_public_addresses() -> Iterator[None]:
    """Let nothing in the block connect to a private address, whatever name it has.
    Raise `PrivateAddressError` if something tried, even if the library ignored that."""
    _check_connections()
    refused: list[str] = []
    token = _refused.set(refused)
    try:
        yield
    finally:
        _refused.reset(token)
        if refused:
            raise PrivateAddressError from None


@cache
def _check_connections() -> None:
    """Check, from now on, every address that a socket connects to: a check of the name could resolve another."""
    sys.addaudithook(_check)


def _check(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and (refused := _refused.get()) is not None:
        host = str(arguments[1][0]) if isinstance(arguments[1], tuple) else ""
        with suppress(ValueError):
            if is_public(ip_address(host.split("%")[0])):
                return
        refused.append(host)
        raise PrivateAddressError


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is on the public internet; an embedded IPv4 address counts as itself."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        inner = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else inner
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved
