"""Send a JSON document to a URL in the format of Standard Webhooks: signed, retried, redirects not followed.

The document is made in `flows.report.notices`. A receiver verifies it with any library of standardwebhooks.com.
"""

import http.client
import string
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import SplitResult, quote, urlsplit

import standardwebhooks

from flows.report.delivery.attempts import DeliveryError, Sleep, TemporaryError, only_public_addresses, retry

WAITS = (0.0, 1.0, 2.0, 4.0)  # seconds before each attempt
TIMEOUT_SECONDS = 5.0
RETRIED_STATUS = (408, 425, 429, 500, 502, 503, 504)
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclass(frozen=True)
class Webhook:
    """The URL to deliver to and the key to sign with."""

    url: str = field(repr=False)  # may hold a token
    secret: str = field(repr=False)
    allow_private_addresses: bool = False


def post(target: Webhook, body: str, *, message_id: str, sleep: Sleep = time.sleep) -> None:
    """Deliver the document, and retry temporary failures; every attempt has the same id.
    Raise `DeliveryError` if the address is not allowed, or no attempt got a 2xx response."""
    retry(partial(_attempt, target, body, message_id=message_id), waits=WAITS, sleep=sleep)


def _attempt(target: Webhook, body: str, *, message_id: str) -> None:
    url = urlsplit(target.url)
    failure = f"the webhook at {url.hostname} was not delivered"
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "user-import",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(target.secret).sign(message_id, now, body),
    }
    host = str(url.hostname).encode("idna").decode()
    connection = CONNECTIONS[url.scheme](host, url.port, timeout=TIMEOUT_SECONDS)
    try:
        with only_public_addresses(failure, allow_private=target.allow_private_addresses):
            connection.request("POST", _target(url), body=body.encode(), headers=headers)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        step = "waiting for a response" if connection.sock else "connecting"
        raise TemporaryError(f"{failure}: {type(error).__name__} while {step}") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        kind = TemporaryError if status in RETRIED_STATUS else DeliveryError
        raise kind(f"{failure}: it answered {status}")


def _target(url: SplitResult) -> str:
    """Return path and query with all that HTTP does not allow as escapes; those that are there already stay."""
    return quote(f"{url.path or '/'}{'?' * bool(url.query)}{url.query}", safe=string.punctuation)
