"""What the ways of delivering a notice share: their errors, attempts, and the check of the address they connect to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from flows.readers.remote import public_addresses
from flows.readers.remote.public_addresses import PrivateAddressError

PRIVATE = "its address is private; set IMPORT_WEBHOOK_ALLOW_PRIVATE=1 to allow that"

Sleep = Callable[[float], None]


class DeliveryError(Exception):
    """A notice was not delivered; the message is a sentence without secrets."""


class TemporaryError(DeliveryError):
    """A notice was not delivered, but may be at another attempt."""


def retry(attempt: Callable[[], None], *, waits: Sequence[float], sleep: Sleep) -> None:
    """Make an attempt after each of the waits until one does not raise `TemporaryError`; raise that of the last."""
    for wait in waits[:-1]:
        sleep(wait)
        with suppress(TemporaryError):
            return attempt()
    sleep(waits[-1])
    return attempt()


@contextmanager
def only_public_addresses(failure: str, *, allow_private: bool) -> Iterator[None]:
    """Let nothing in the block connect to a private address, whatever name it has and whichever library connects.
    Raise `DeliveryError`, which begins with `failure`, if something tried, even if the library ignored that."""
    try:
        with nullcontext() if allow_private else public_addresses.only_public_addresses():
            yield
    except PrivateAddressError:
        raise DeliveryError(f"{failure}: {PRIVATE}") from None
